/**
 * Everything that an image by digest is made of: its manifest or, for several platforms, its index with the manifests
 * below, and the blobs they name. Read from a registry or from a bundle alike; each document is checked against its digest
 * before a word of it is believed. An index is kept whole, since its digest is that of all its platforms.
 */

import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { sha256Digest } from './canonical-json.ts';
import { type Outcome, ok, refused } from './outcome.ts';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface ImageDocument extends Descriptor {
  readonly bytes: Uint8Array;
}

export interface ImageTree {
  /** Manifests and indexes, each after those it names: in this order a registry takes them. The last is the image's own. */
  readonly documents: readonly ImageDocument[];
  /** Configs and layers, each once. */
  readonly blobs: readonly Descriptor[];
}

export type ImageRefusalCode = 'image-invalid';

const index = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];
const manifest = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];
/** What to say in `Accept`, so that a registry gives what was asked for and converts nothing. */
export const manifestMediaTypes: readonly string[] = [...manifest, ...index];

/** The specification asks registries to take 4 MiB at least, and clients to expect no more. */
export const documentBytesMax = 4 * 1024 * 1024;
export const blobBytesMax = 64 * 1024 ** 3;
const depthMax = 3;
const documentsMax = 200;

export const DescriptorShape = Type.Object({
  mediaType: Type.String({ maxLength: 255 }),
  digest: Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }),
  size: Type.Integer({ minimum: 0, maximum: blobBytesMax }),
});
const IndexShape = Type.Object({
  mediaType: Type.Optional(Type.String()),
  manifests: Type.Array(DescriptorShape, { maxItems: documentsMax }),
});
const ManifestShape = Type.Object({
  mediaType: Type.Optional(Type.String()),
  config: DescriptorShape,
  layers: Type.Array(DescriptorShape, { maxItems: 1000 }),
});

const Typed = Type.Object({ mediaType: Type.String() });

class InvalidImage extends Error {
  override readonly name = 'InvalidImage';
}

/** `read` gives a document's bytes as they are; `undefined` when there is none. `name` is for messages. */
export async function readImageTree(
  name: string,
  root: Descriptor,
  read: (document: Descriptor) => Promise<Uint8Array | undefined>,
): Promise<Outcome<ImageTree, ImageRefusalCode>> {
  const documents = new Map<string, ImageDocument>();
  const blobs = new Map<string, Descriptor>();

  async function visit(descriptor: Descriptor, depth: number): Promise<void> {
    if (documents.has(descriptor.digest)) return;
    if (depth > depthMax) throw new InvalidImage(`its indexes stand in each other more than ${depthMax} deep`);
    if (documents.size >= documentsMax) throw new InvalidImage(`it has more than ${documentsMax} manifests`);
    const bytes = await readChecked(descriptor, read);
    const { mediaType, digest, size } = descriptor;
    if (index.includes(mediaType)) {
      for (const child of parse(IndexShape, bytes, descriptor).manifests) await visit(plain(child), depth + 1);
    } else {
      const { config, layers } = parse(ManifestShape, bytes, descriptor);
      for (const blob of [config, ...layers]) addBlob(blobs, plain(blob));
    }
    documents.set(digest, { mediaType, digest, size, bytes });
  }

  try {
    await visit(root, 1);
  } catch (error) {
    if (!(error instanceof InvalidImage)) throw error;
    return refused({ code: 'image-invalid', message: `The image ${name} cannot be carried: ${error.message}.` });
  }
  return ok({ documents: [...documents.values()], blobs: [...blobs.values()] });
}

async function readChecked(
  descriptor: Descriptor,
  read: (document: Descriptor) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array> {
  const { mediaType, digest, size } = descriptor;
  if (!manifestMediaTypes.includes(mediaType)) {
    throw new InvalidImage(`${digest} is ${JSON.stringify(mediaType)}, neither a manifest nor an index of images`);
  }
  if (size > documentBytesMax) throw new InvalidImage(`the manifest ${digest} has ${size} bytes`);
  const bytes = await read(descriptor);
  if (bytes === undefined) throw new InvalidImage(`the manifest ${digest} is missing`);
  if (bytes.length !== size)
    throw new InvalidImage(`the manifest ${digest} has ${bytes.length} bytes instead of ${size}`);
  const actual = sha256Digest(bytes);
  if (actual !== digest) throw new InvalidImage(`the manifest ${digest} has other content, ${actual}`);
  return bytes;
}

function parse<Shape extends Type.TSchema>(
  shape: Shape,
  bytes: Uint8Array,
  { mediaType, digest }: Descriptor,
): Static<Shape> {
  const value: unknown = parseJson(bytes);
  const own = Value.Check(Typed, value) ? value.mediaType : mediaType;
  if (!Value.Check(shape, value)) {
    const [fault] = Value.Errors(shape, value);
    throw new InvalidImage(`${digest} is no ${mediaType}: ${fault?.instancePath || 'it'} ${fault?.message}`);
  }
  // One digest under two meanings is how a registry and a node could be made to see two images.
  if (own !== mediaType) throw new InvalidImage(`${digest} says that it is ${own}, and is named as ${mediaType}`);
  return value;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}

function addBlob(blobs: Map<string, Descriptor>, blob: Descriptor): void {
  if (/\.foreign\.|\.nondistributable\./.test(blob.mediaType)) {
    throw new InvalidImage(`its layer ${blob.digest} may not be carried (${blob.mediaType})`);
  }
  const known = blobs.get(blob.digest);
  if (known !== undefined && known.size !== blob.size) {
    throw new InvalidImage(`the blob ${blob.digest} is named with ${known.size} and with ${blob.size} bytes`);
  }
  if (known === undefined) blobs.set(blob.digest, blob);
}

/** Without what else a descriptor may say, such as where else its content might be. */
function plain({ mediaType, digest, size }: Static<typeof DescriptorShape>): Descriptor {
  return { mediaType, digest, size };
}
