/**
 * What stands in the one file of `release bundle`, which is also a repository and an image layout when it is unpacked:
 *
 *   gatehouse-bundle.json   which releases it brings, and whether their images
 *   metadata/, targets/     the TUF repository: all roots, what is current, documents
 *   oci-layout, index.json, blobs/sha256/   every image that the releases name, as an OCI image layout
 */

import { Version } from '@gatehouse/contract/primitives';
import type { ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import Type, { type Static } from 'typebox';
import { imagesIn, parseImageByDigest } from './image-reference.ts';

export const descriptionFile = 'gatehouse-bundle.json';
export const layoutFile = 'oci-layout';
export const layoutText = '{"imageLayoutVersion":"1.0.0"}';
export const indexFile = 'index.json';
export const indexMediaType = 'application/vnd.oci.image.index.v1+json';

/** Not signed: it says what the bundle's maker meant to bring, and everything it brings is verified by itself. */
export const BundleDescription = Type.Object({
  schema: Type.Literal(1),
  releases: Type.Array(Version, { minItems: 1, maxItems: 10_000 }),
  hasImages: Type.Boolean(),
});
export type BundleDescription = Static<typeof BundleDescription>;

export function blobFile(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

export interface NamedImage {
  /** As the release has it: `registry.example/gatehouse/agent`. */
  readonly repository: string;
  readonly digest: string;
}

export interface ImagesOfReleases {
  /** Each once, in the order of their names. */
  readonly images: readonly NamedImage[];
  /** Named in objects without a digest: what they are cannot be said, so they cannot be carried. */
  readonly withoutDigest: readonly string[];
}

/** The agents, and every image in the profiles' objects. `profiles` by digest. */
export function imagesOfReleases(
  releases: readonly ReleaseDocument[],
  profiles: Readonly<Record<string, ProfileDocument>>,
): ImagesOfReleases {
  const names = new Set<string>();
  for (const { agent, profiles: pointers } of releases) {
    // The agent of a sandbox release comes as a file.
    if (agent.bundle === undefined) names.add(`${agent.repository}@${agent.digest}`);
    for (const { digest } of Object.values(pointers)) {
      const packs = profiles[digest]?.layers.flatMap((layer) => layer.packs) ?? [];
      for (const image of imagesIn(packs.map((pack) => pack.objects))) names.add(image);
    }
  }
  const images = new Map<string, NamedImage>();
  const withoutDigest: string[] = [];
  for (const name of [...names].toSorted()) {
    const image = parseImageByDigest(name);
    if (image === undefined) withoutDigest.push(name);
    else images.set(`${image.repository}@${image.digest}`, image);
  }
  return { images: [...images.values()], withoutDigest };
}
