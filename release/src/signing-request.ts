/**
 * A change of a repository as one file: the metadata that is to be signed, the signatures so far, and everything a signer
 * needs to judge it on a machine that has never seen the repository: the root in force, what is published, and the new
 * documents themselves. What is read from such a file has been checked: that it follows what it says is in force, that it
 * takes nothing away, and that each document is the one the metadata names. Whose root it is only the signer can know;
 * its fingerprint is shown for that.
 */

import { type Key, type Metadata, MetadataKind, type Root, Signature, type Targets } from '@tufjs/models';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import { type PublicKey, publicKeyId, roleNames, type SigningKey } from './key-file.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import { ExpiryChange } from './repository-settings.ts';
import { recallsPath } from './trusted-releases.ts';
import { parseRoot, parseTargets } from './tuf-metadata.ts';

/** What TUF calls a target: a file that the metadata names by digest. (Elsewhere a target is what a gateway should be.) */
export interface TufTarget {
  /** As clients ask for it, such as `releases/4.2.7.json`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** `Part` is what is in force (absent in a new repository) and what is to come (absent where nothing changes). */
export interface SigningRequest {
  readonly trustedRoot: Metadata<Root> | undefined;
  readonly publishedTargets: Metadata<Targets> | undefined;
  readonly root: Metadata<Root> | undefined;
  readonly targets: Metadata<Targets> | undefined;
  /** Everything that `targets` names and `publishedTargets` does not, or names otherwise. */
  readonly documents: readonly TufTarget[];
  readonly expiry: ExpiryChange;
}

export type SigningRequestRefusalCode = 'signing-request-invalid' | 'key-not-asked' | 'signing-requests-differ';

/** One rule that signatures have to meet. */
export interface SignatureNeed {
  readonly part: 'root' | 'targets';
  /** Whose keys count: of the root in force, or of the one that is to come. */
  readonly by: 'trusted' | 'new';
  readonly threshold: number;
  readonly keyIds: readonly string[];
  /** Keys whose signature is there and right, each once. */
  readonly signedBy: readonly string[];
}

const bytesMax = 200_000_000;
const Envelope = Type.Object({ signed: Type.Object({}), signatures: Type.Array(Type.Object({}), { maxItems: 100 }) });
const RequestFile = Type.Object({
  gatehouseSigningRequest: Type.Literal(1),
  trustedRoot: Type.Optional(Envelope),
  publishedTargets: Type.Optional(Envelope),
  root: Type.Optional(Envelope),
  targets: Type.Optional(Envelope),
  /** By path, base64. */
  documents: Type.Record(Type.String({ maxLength: 300 }), Type.String()),
  expiryDays: ExpiryChange,
});
type RequestFile = Static<typeof RequestFile>;

export function encodeSigningRequest(request: SigningRequest): string {
  const { trustedRoot, publishedTargets, root, targets, documents, expiry } = request;
  const file = {
    gatehouseSigningRequest: 1,
    trustedRoot: trustedRoot?.toJSON(),
    publishedTargets: publishedTargets?.toJSON(),
    root: root?.toJSON(),
    targets: targets?.toJSON(),
    documents: Object.fromEntries(documents.map(({ path, bytes }) => [path, Buffer.from(bytes).toString('base64')])),
    expiryDays: expiry,
  };
  return `${JSON.stringify(file, null, 1)}\n`;
}

/** From bytes that anybody may have written. `name` is for the refusal. */
export function parseSigningRequest(
  name: string,
  bytes: Uint8Array,
): Outcome<SigningRequest, SigningRequestRefusalCode> {
  try {
    if (bytes.length > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`);
    const request = toRequest(parseRequestFile(bytes));
    checkRequest(request);
    return ok(request);
  } catch (error) {
    return refused({
      code: 'signing-request-invalid',
      message: `${name} is nothing to sign or publish: ${error instanceof Error ? error.message : String(error)}.`,
      nextStep: 'Ask the publisher for the file that --prepare wrote.',
    });
  }
}

/**
 * Throws unless the request follows from what it says is in force: next versions, signatures on what is in force, a root
 * that can be met, nothing taken away, nothing changed but the list of recalls, and each new document as the metadata
 * names it.
 */
export function checkRequest(request: SigningRequest): void {
  const { trustedRoot, publishedTargets, root, targets } = request;
  const nextRoot = root ?? trustedRoot;
  if (!root && !targets) throw new Error('it holds nothing that is to be signed');
  if (!nextRoot || (!trustedRoot && !targets)) throw new Error('it begins a repository without root and targets');
  if (!trustedRoot !== !publishedTargets) throw new Error('it shows only half of what is in force');
  if (trustedRoot) trustedRoot.verifyDelegate(MetadataKind.Root, trustedRoot);
  if (trustedRoot && publishedTargets) trustedRoot.verifyDelegate(MetadataKind.Targets, publishedTargets);
  if (root) {
    checkNext('root', root.signed.version, trustedRoot?.signed.version);
    checkRoot(root.signed);
  }
  if (targets) checkNext('targets', targets.signed.version, publishedTargets?.signed.version);
  checkDocuments(request);
}

function checkNext(part: string, version: number, inForce = 0): void {
  if (version !== inForce + 1)
    throw new Error(`its ${part} is version ${version} and cannot follow version ${inForce}`);
}

function checkRoot(root: Root): void {
  if (!root.consistentSnapshot) throw new Error('its root gives up consistent snapshots, which agents rely on');
  for (const [keyId, key] of Object.entries(root.keys)) {
    // Two ids for one key would let one signer count twice.
    if (key.scheme !== 'ed25519' || publicKeyId(key.keyVal['public'] ?? '') !== keyId) {
      throw new Error(`its root names a key ${keyId.slice(0, 12)} that is not the one of its id`);
    }
  }
  for (const role of roleNames) {
    const { keyIDs = [], threshold = 0 } = root.roles[role] ?? {};
    const known = keyIDs.filter((keyId) => root.keys[keyId] !== undefined);
    if (threshold < 1 || threshold > known.length) {
      throw new Error(`its root asks ${role} for ${threshold} signatures of ${known.length} keys`);
    }
  }
}

function checkDocuments({ publishedTargets, targets, documents }: SigningRequest): void {
  const before = publishedTargets?.signed.targets ?? {};
  const after = targets?.signed.targets ?? before;
  const given = new Map(documents.map(({ path, bytes }) => [path, bytes]));
  const gone = Object.keys(before).find((path) => after[path] === undefined);
  if (gone !== undefined) throw new Error(`it takes ${gone} away, and what was published stays`);
  for (const [path, file] of Object.entries(after)) {
    const published = before[path]?.hashes['sha256'];
    const sha256 = file.hashes['sha256'];
    if (published !== undefined && published === sha256) continue;
    if (published !== undefined && path !== recallsPath) {
      throw new Error(`it changes ${path}, and what was published never changes`);
    }
    const bytes = given.get(path);
    if (!bytes) throw new Error(`it names ${path}, and that document is not in it`);
    if (bytes.length !== file.length || sha256Digest(bytes) !== `sha256:${sha256}`) {
      throw new Error(`the ${path} in it is not the one that is to be signed`);
    }
    given.delete(path);
  }
  const [unnamed] = given.keys();
  if (unnamed !== undefined) throw new Error(`it holds ${unnamed}, which nothing in it names`);
}

/** A new root is signed by the keys of the one in force as well as by its own; targets by whom the newest root names. */
export function signatureNeeds({ trustedRoot, root, targets }: SigningRequest): readonly SignatureNeed[] {
  const nextRoot = root ?? trustedRoot;
  return [
    ...(root && trustedRoot ? [need('root', 'trusted', trustedRoot.signed, root)] : []),
    ...(root ? [need('root', 'new', root.signed, root)] : []),
    ...(targets && nextRoot ? [need('targets', root ? 'new' : 'trusted', nextRoot.signed, targets)] : []),
  ];
}

export function isMet({ signedBy, threshold }: SignatureNeed): boolean {
  return signedBy.length >= threshold;
}

function need(
  part: SignatureNeed['part'],
  by: SignatureNeed['by'],
  root: Root,
  signed: Metadata<Root> | Metadata<Targets>,
): SignatureNeed {
  const { keyIDs = [], threshold = 1 } = root.roles[part] ?? {};
  const signedBy = [...new Set(keyIDs)].filter((keyId) => isSignedBy(root.keys[keyId], signed));
  return { part, by, threshold, keyIds: keyIDs, signedBy };
}

function isSignedBy(key: Key | undefined, metadata: Metadata<Root> | Metadata<Targets>): boolean {
  if (!key) return false;
  try {
    key.verifySignature(metadata);
    return true;
  } catch {
    return false;
  }
}

/** Adds the signatures of these keys wherever they are asked for. Refuses a key that is asked for nowhere. */
export function signRequest(
  request: SigningRequest,
  keys: readonly SigningKey[],
): Outcome<SigningRequest, SigningRequestRefusalCode> {
  for (const key of keys) {
    if (!isAsked(request, key)) return notAsked(request, key);
    const { root, targets } = request;
    if (key.role === 'root' && root) addSignature(root, key);
    if (key.role === 'targets' && targets) addSignature(targets, key);
  }
  return ok(request);
}

/** Whether a signature of this key would count for something. */
export function isAsked(request: SigningRequest, { role, keyId }: PublicKey): boolean {
  return signatureNeeds(request).some(({ part, keyIds }) => part === role && keyIds.includes(keyId));
}

function notAsked(request: SigningRequest, { role, keyId }: PublicKey) {
  const asked = signatureNeeds(request).flatMap(({ part, keyIds }) => keyIds.map((id) => `${part} ${id.slice(0, 12)}`));
  return refused<SigningRequestRefusalCode>({
    code: 'key-not-asked',
    message: `The ${role} key ${keyId.slice(0, 12)} is not among those that are asked to sign this.`,
    nextStep: `Sign with one of: ${[...new Set(asked)].join(', ')}.`,
  });
}

/** One request with the signatures of all: signers who work at the same time each sign a copy. */
export function mergeRequests(
  requests: readonly [SigningRequest, ...SigningRequest[]],
): Outcome<SigningRequest, SigningRequestRefusalCode> {
  const [first, ...others] = requests;
  for (const other of others) {
    for (const part of ['root', 'targets', 'trustedRoot', 'publishedTargets'] as const) {
      if (signedText(first[part]) !== signedText(other[part])) {
        return refused({
          code: 'signing-requests-differ',
          message: `The files are not copies of one request: each asks for a signature on another ${part}.`,
          nextStep: 'Publish them one after the other.',
        });
      }
    }
    for (const part of ['root', 'targets'] as const) {
      for (const signature of Object.values(other[part]?.signatures ?? {})) {
        const known = first[part]?.signatures[signature.keyID];
        const key = other.root?.signed.keys[signature.keyID] ?? other.trustedRoot?.signed.keys[signature.keyID];
        // A wrong signature must not displace a right one.
        if (known === undefined || (other[part] && isSignedBy(key, other[part]))) {
          setSignature(first[part], signature);
        }
      }
    }
  }
  return ok(first);
}

function signedText(metadata: Metadata<Root> | Metadata<Targets> | undefined): string {
  return metadata === undefined ? '' : canonicalJson(metadata.signed.toJSON());
}

export function addSignature(metadata: Signable, key: SigningKey): void {
  metadata.sign((data) => new Signature({ keyID: key.keyId, sig: key.sign(data) }));
}
type Signable = Pick<Metadata<Root>, 'sign'>;

function setSignature(metadata: Metadata<Root> | Metadata<Targets> | undefined, signature: Signature): void {
  if (metadata) metadata.signatures[signature.keyID] = signature;
}

function parseRequestFile(bytes: Uint8Array): RequestFile {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new Error('it is no JSON, perhaps written only in part', { cause });
  }
  if (Value.Check(RequestFile, value)) return value;
  throw new Error('it has another format');
}

function toRequest(file: RequestFile): SigningRequest {
  const root = (envelope: Static<typeof Envelope> | undefined) =>
    envelope === undefined ? undefined : parseRoot(Buffer.from(JSON.stringify(envelope)));
  const targets = (envelope: Static<typeof Envelope> | undefined) =>
    envelope === undefined ? undefined : parseTargets(Buffer.from(JSON.stringify(envelope)));
  return {
    trustedRoot: root(file.trustedRoot),
    publishedTargets: targets(file.publishedTargets),
    root: root(file.root),
    targets: targets(file.targets),
    documents: Object.entries(file.documents).map(([path, text]) => ({ path, bytes: Buffer.from(text, 'base64') })),
    expiry: file.expiryDays,
  };
}
