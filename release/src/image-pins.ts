/**
 * Names every image by digest: a tag can be moved, and what was reviewed and signed would run other code. An image by tag
 * is looked up once, in its registry or in the publisher's list, and stands in the release as `repository@sha256:…`.
 */

import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { sha256Digest } from './canonical-json.ts';
import { splitRegistry } from './image-reference.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import type { RegistryRepository } from './oci-registry.ts';

/** An image by tag, written out: registry, repository, tag. */
export interface TaggedImage {
  /** With its registry, such as `docker.io/library/nginx`. */
  readonly repository: string;
  readonly tag: string;
}

/** The digest of what the tag names. Throws with the reason when that cannot be known. */
export type ResolveImage = (image: TaggedImage) => Promise<string>;

/** What `--images-lock` names: the digest of each image by tag that a release was published with. */
export const ImagesLock = Type.Object({
  version: Type.Literal(1),
  images: Type.Record(Type.String({ maxLength: 500 }), Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })),
});
export type ImagesLock = Static<typeof ImagesLock>;

const containerLists = ['containers', 'initContainers', 'ephemeralContainers'];
const byDigest = /@sha256:[0-9a-f]{64}$/;
const taggedPattern = /^([a-z0-9._-]+(?:\/[a-z0-9._-]+)*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?$/;

/** `undefined` for what is no image's name. Without a tag, `latest` is what a container runtime takes. */
export function parseTaggedImage(image: string): TaggedImage | undefined {
  const { registry, path } = splitRegistry(image);
  const [, name, tag = 'latest'] = taggedPattern.exec(path) ?? [];
  return name === undefined ? undefined : { repository: `${registry}/${name}`, tag };
}

/** The object with each image that `pin` names otherwise. Asks for images of containers, and of other kinds' `image`. */
export async function pinImages(object: JsonObject, pin: (image: string) => Promise<string>): Promise<JsonObject> {
  // It describes objects, and its `image` is the description of one.
  if (object['kind'] === 'CustomResourceDefinition') return object;
  const pinned = await pinWithin(object, pin, undefined);
  return isJsonObject(pinned) ? pinned : object;
}

async function pinWithin(
  value: unknown,
  pin: (image: string) => Promise<string>,
  key: string | undefined,
): Promise<unknown> {
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (const item of value) items.push(await pinWithin(item, pin, key));
    return items;
  }
  if (!isJsonObject(value)) return value;
  const isContainer = key !== undefined && containerLists.includes(key);
  const entries: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(value)) {
    const isImage = name === 'image' && typeof inner === 'string' && (isContainer || beginsWithRegistry(inner));
    entries.push([name, isImage && !byDigest.test(inner) ? await pin(inner) : await pinWithin(inner, pin, name)]);
  }
  return Object.fromEntries(entries);
}

/** Outside of containers `image` may be anything, such as the name of an OS image. */
function beginsWithRegistry(text: string): boolean {
  return (
    /^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)*)(:\d+)?\//.test(text) && /[.:]|^localhost/.test(text.split('/')[0] ?? '')
  );
}

/** Asks the registry. `open` gives the repository of an image's name without tag. */
export function resolveInRegistry(open: (repository: string) => Promise<RegistryRepository>): ResolveImage {
  return async ({ repository, tag }) => {
    const manifest = await (await open(repository)).readManifest(tag);
    if (!manifest) throw new Error('its registry has no such image');
    // The bytes themselves are asked, and not a header of the answer.
    return sha256Digest(manifest.bytes);
  };
}

/** What the list has is taken from it; what it has not is looked up, if there is a way, and added to `found`. */
export function resolveWithLock(
  lock: ImagesLock,
  found: Map<string, string>,
  lookUp: ResolveImage | undefined,
): ResolveImage {
  return async (image) => {
    const name = `${image.repository}:${image.tag}`;
    const known = Object.hasOwn(lock.images, name) ? lock.images[name] : found.get(name);
    if (known !== undefined) return known;
    if (!lookUp) throw new Error('the list of images does not have it');
    const digest = await lookUp(image);
    found.set(name, digest);
    return digest;
  };
}

/** Throws when the text is none. */
export function parseImagesLock(text: string): ImagesLock {
  const value: unknown = JSON.parse(text);
  if (!Value.Check(ImagesLock, value)) throw new Error('it does not list images with their digests');
  return value;
}
