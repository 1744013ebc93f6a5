// Makes container images of plain files, without a container program: an image is some tar archives and two JSON documents,
// each named by its digest. The same files give the same digest, whoever builds, whenever. Only the compression may differ
// between versions of Node (its zlib) and between processor kinds; a release is therefore built once and then copied.

import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { sha256Digest } from './canonical-json.ts';
import { type TarEntry, writeTar } from './tar-writer.ts';

export type ImageFile = {
  /** Absolute, as seen in the container. */
  readonly path: string;
  readonly mode: number;
} & ({ readonly content: Uint8Array | string } | { readonly sourceFile: string });

/** Anything that is stored by its digest: a layer, a config, a manifest. */
export type ImageBlob = {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
};

/** A compressed layer with the digest it has uncompressed, which is what the image's config lists. */
export type ImageLayer = ImageBlob & { readonly diffId: string };

export type ImageArchitecture = 'amd64' | 'arm64';

export type ImageRecipe = {
  readonly architecture: ImageArchitecture;
  /** From the bottom up. Layers are built apart, so that many images can share one. */
  readonly layers: readonly ImageLayer[];
  readonly entrypoint: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  /** A number, because Kubernetes cannot tell of a name that it is not root. */
  readonly user: string;
  readonly workingDirectory?: string;
  readonly labels?: Readonly<Record<string, string>>;
};

export type OciImage = {
  /** The manifest's digest: the name by which a release and a Deployment pin the image. */
  readonly digest: string;
  readonly architecture: string;
  readonly manifest: ImageBlob;
  readonly config: ImageBlob;
  readonly layers: readonly ImageBlob[];
};

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

const compress = promisify(gzip);

/** The order of the files does not matter; folders above them are added, readable by all. */
export async function buildLayer(
  files: readonly ImageFile[],
  options: { compressionLevel?: number } = {},
): Promise<ImageLayer> {
  const tar = writeTar(await layerEntries(files));
  const bytes = await compress(tar, { level: options.compressionLevel ?? 6 });
  // The header's byte for the operating system differs from build to build of Node; 255 says "unknown".
  bytes[9] = 255;
  return { mediaType: mediaTypes.layer, digest: sha256Digest(bytes), bytes, diffId: sha256Digest(tar) };
}

async function layerEntries(files: readonly ImageFile[]): Promise<TarEntry[]> {
  const entries = new Map<string, TarEntry>();
  for (const file of files) {
    if (
      !file.path.startsWith('/') ||
      file.path.split('/').some((part, index) => index > 0 && ['', '.', '..'].includes(part))
    ) {
      throw new Error(`An image's file needs a plain absolute path, not ${JSON.stringify(file.path)}`);
    }
    const path = file.path.slice(1);
    if (entries.has(path)) {
      throw new Error(`The path ${file.path} is taken twice in one layer`);
    }
    const content = 'content' in file ? Buffer.from(file.content) : await readFile(file.sourceFile);
    entries.set(path, { path, mode: file.mode, content });
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const folder = path.slice(0, slash);
      if (entries.get(folder) === undefined) {
        entries.set(folder, { path: folder, mode: 0o755, content: 'directory' });
      } else if (entries.get(folder)?.content !== 'directory') {
        throw new Error(`The path /${folder} is a file and a folder in one layer`);
      }
    }
  }
  // By code unit, so that a folder precedes what is in it and no language setting plays a part.
  return [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

export function buildImage(recipe: ImageRecipe): OciImage {
  const config = jsonBlob(mediaTypes.config, {
    architecture: recipe.architecture,
    os: 'linux',
    config: {
      User: recipe.user,
      Env: sortedEntries(recipe.environment).map(([name, value]) => `${name}=${value}`),
      Entrypoint: recipe.entrypoint,
      WorkingDir: recipe.workingDirectory ?? '/',
      Labels: Object.fromEntries(sortedEntries(recipe.labels)),
    },
    rootfs: { type: 'layers', diff_ids: recipe.layers.map((layer) => layer.diffId) },
    // One entry a layer is what some tools insist on.
    history: recipe.layers.map(() => ({ created: '1970-01-01T00:00:00Z', created_by: 'gatehouse' })),
  });
  const manifest = jsonBlob(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: descriptor(config),
    layers: recipe.layers.map(descriptor),
  });
  return { digest: manifest.digest, architecture: recipe.architecture, manifest, config, layers: recipe.layers };
}

/** An archive in the OCI image layout, as `ctr images import`, `skopeo` and `docker load` take it. */
export function writeImageArchive(image: OciImage, name: string): Uint8Array {
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...descriptor(image.manifest),
        platform: { architecture: image.architecture, os: 'linux' },
        annotations: {
          'io.containerd.image.name': name,
          'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
        },
      },
    ],
  };
  const blobs = new Map([image.manifest, image.config, ...image.layers].map((blob) => [blob.digest, blob.bytes]));
  const file = (path: string, content: Uint8Array): TarEntry => ({ path, mode: 0o644, content });
  return writeTar([
    file('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')),
    file('index.json', Buffer.from(JSON.stringify(index))),
    ...[...blobs].map(([digest, bytes]) => file(`blobs/${digest.replace(':', '/')}`, bytes)),
  ]);
}

function descriptor(blob: ImageBlob) {
  return { mediaType: blob.mediaType, digest: blob.digest, size: blob.bytes.length };
}

function jsonBlob(mediaType: string, document: unknown): ImageBlob {
  const bytes = Buffer.from(JSON.stringify(document));
  return { mediaType, digest: sha256Digest(bytes), bytes };
}

function sortedEntries(record: Readonly<Record<string, string>> = {}): (readonly [string, string])[] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
