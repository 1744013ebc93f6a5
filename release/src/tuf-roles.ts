/**
 * The four kinds of TUF metadata as values, parsed from their bytes. A parser checks the form alone, each field that the
 * client goes by; who signed it and whether it may be used is `tuf-client.ts`'s to say. Fields that are not known here are
 * left alone: they are within what is signed.
 */

import { fail } from './tuf-fault.ts';
import {
  canonicalTufBytes,
  isObject,
  type Json,
  type JsonObject,
  member,
  members,
  parseJsonObject,
} from './tuf-json.ts';
import { parseKey, type Role, type SignedBytes, type TufKey } from './tuf-keys.ts';

export const topRoles = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopRole = (typeof topRoles)[number];

interface Common extends SignedBytes {
  readonly version: number;
  /** Milliseconds of the epoch. */
  readonly expires: number;
}

export interface Root extends Common {
  readonly consistentSnapshot: boolean;
  readonly keys: ReadonlyMap<string, TufKey>;
  readonly roles: { readonly [Name in TopRole]: Role };
}

/** What one file's metadata says of another's. */
export interface FileInfo {
  readonly version: number;
  readonly length?: number;
  readonly hashes?: ReadonlyMap<string, string>;
}

export interface Timestamp extends Common {
  readonly snapshot: FileInfo;
}

export interface Snapshot extends Common {
  /** By file name, such as `targets.json`. */
  readonly files: ReadonlyMap<string, FileInfo>;
}

/** A file that is signed for: its path, as clients ask for it, and what it must be. */
export interface TargetFile {
  readonly path: string;
  readonly length: number;
  readonly hashes: ReadonlyMap<string, string>;
}

export interface DelegatedRole extends Role {
  readonly name: string;
  readonly isTerminating: boolean;
  /** Exactly one of the two. */
  readonly paths?: readonly string[];
  readonly pathHashPrefixes?: readonly string[];
}

/** One role for each bin of target paths, by the first bits of the path's hash. */
export interface SuccinctRoles extends Role {
  readonly bitLength: number;
  readonly namePrefix: string;
}

export interface Delegations {
  readonly keys: ReadonlyMap<string, TufKey>;
  readonly roles: readonly DelegatedRole[] | SuccinctRoles;
}

export interface Targets extends Common {
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations?: Delegations;
}

export function parseRoot(bytes: Uint8Array, what: string): Root {
  const file = parseFile(bytes, 'root', what);
  const roles = object(file.signed, 'roles', what);
  const role = (name: TopRole) => parseRole(object(roles, name, what), `${what}, role ${name}`);
  return {
    ...file.common,
    consistentSnapshot: member(file.signed, 'consistent_snapshot') === true,
    keys: parseKeys(object(file.signed, 'keys', what), what),
    roles: { root: role('root'), timestamp: role('timestamp'), snapshot: role('snapshot'), targets: role('targets') },
  };
}

export function parseTimestamp(bytes: Uint8Array, what: string): Timestamp {
  const { common, signed } = parseFile(bytes, 'timestamp', what);
  return { ...common, snapshot: parseFileInfo(object(object(signed, 'meta', what), 'snapshot.json', what), what) };
}

export function parseSnapshot(bytes: Uint8Array, what: string): Snapshot {
  const { common, signed } = parseFile(bytes, 'snapshot', what);
  const files = [...members(object(signed, 'meta', what))].map(
    ([name, info]) => [name, parseFileInfo(asObject(info, what), what)] as const,
  );
  return { ...common, files: new Map(files) };
}

export function parseTargets(bytes: Uint8Array, what: string): Targets {
  const { common, signed } = parseFile(bytes, 'targets', what);
  const targets = [...members(object(signed, 'targets', what))].map(
    ([path, info]) => [path, parseTargetFile(path, asObject(info, what), what)] as const,
  );
  const delegations = member(signed, 'delegations');
  return {
    ...common,
    targets: new Map(targets),
    ...(delegations === undefined ? {} : { delegations: parseDelegations(asObject(delegations, what), what) }),
  };
}

function parseFile(bytes: Uint8Array, type: TopRole, what: string) {
  const file = parseJsonObject(bytes, what);
  const signed = object(file, 'signed', what);
  if (member(signed, '_type') !== type) malformed(what, `its type is not ${type}`);
  // 1.0.31 and the like: a later major may mean something else by the same words.
  if (!/^1(\.\d+){1,2}$/.test(string(signed, 'spec_version', what))) {
    malformed(what, 'it is not of version 1 of the specification');
  }
  const signatures = new Map<string, string>();
  for (const entry of array(file, 'signatures', what)) {
    const signature = asObject(entry, what);
    const keyId = string(signature, 'keyid', what);
    if (signatures.has(keyId)) malformed(what, `it has two signatures of the key ${keyId}`);
    signatures.set(keyId, string(signature, 'sig', what));
  }
  const common: Common = {
    version: positive(signed, 'version', what),
    expires: time(signed, 'expires', what),
    payload: canonicalTufBytes(signed, what),
    signatures,
  };
  return { signed, common };
}

function parseRole(role: JsonObject, what: string): Role {
  const keyIds = array(role, 'keyids', what).map((id) => asString(id, what));
  if (new Set(keyIds).size !== keyIds.length) malformed(what, 'it names a key twice');
  return { keyIds, threshold: positive(role, 'threshold', what) };
}

function parseKeys(keys: JsonObject, what: string): ReadonlyMap<string, TufKey> {
  return new Map([...members(keys)].map(([id, key]) => [id, parseKey(asObject(key, what))]));
}

function parseFileInfo(info: JsonObject, what: string): FileInfo {
  const length = member(info, 'length');
  const hashes = member(info, 'hashes');
  return {
    version: positive(info, 'version', what),
    ...(length === undefined ? {} : { length: wholeNumber(info, 'length', what) }),
    ...(hashes === undefined ? {} : { hashes: parseHashes(asObject(hashes, what), what) }),
  };
}

function parseTargetFile(path: string, info: JsonObject, what: string): TargetFile {
  return {
    path,
    length: wholeNumber(info, 'length', what),
    hashes: parseHashes(object(info, 'hashes', what), what),
  };
}

function parseHashes(hashes: JsonObject, what: string): ReadonlyMap<string, string> {
  const parsed = [...members(hashes)].map(([name, hash]) => [name, asString(hash, what).toLowerCase()] as const);
  if (parsed.length === 0) malformed(what, 'it names a file without a hash');
  return new Map(parsed);
}

function parseDelegations(delegations: JsonObject, what: string): Delegations {
  const keys = parseKeys(object(delegations, 'keys', what), what);
  const roles = member(delegations, 'roles');
  const succinct = member(delegations, 'succinct_roles');
  if ((roles === undefined) === (succinct === undefined)) {
    malformed(what, 'its delegations have not exactly one of roles and succinct_roles');
  }
  if (succinct !== undefined) return { keys, roles: parseSuccinctRoles(asObject(succinct, what), what) };
  const parsed = asArray(roles, what).map((role) => parseDelegatedRole(asObject(role, what), what));
  if (new Set(parsed.map(({ name }) => name)).size !== parsed.length) malformed(what, 'it delegates to a role twice');
  return { keys, roles: parsed };
}

function parseDelegatedRole(role: JsonObject, what: string): DelegatedRole {
  const name = delegatedName(string(role, 'name', what), what);
  const paths = member(role, 'paths');
  const prefixes = member(role, 'path_hash_prefixes');
  if ((paths === undefined) === (prefixes === undefined)) {
    malformed(what, `its role ${name} has not exactly one of paths and path_hash_prefixes`);
  }
  const isTerminating = member(role, 'terminating');
  if (typeof isTerminating !== 'boolean') malformed(what, `its role ${name} does not say whether it is terminating`);
  const strings = (value: Json | undefined) => asArray(value, what).map((item) => asString(item, what));
  return {
    ...parseRole(role, what),
    name,
    isTerminating,
    ...(paths === undefined ? { pathHashPrefixes: strings(prefixes) } : { paths: strings(paths) }),
  };
}

const bitLengthMax = 32;

function parseSuccinctRoles(role: JsonObject, what: string): SuccinctRoles {
  const bitLength = positive(role, 'bit_length', what);
  if (bitLength > bitLengthMax) malformed(what, `its bit_length is more than ${bitLengthMax}`);
  return { ...parseRole(role, what), bitLength, namePrefix: string(role, 'name_prefix', what) };
}

/** A delegated role that is called `root` would be kept in the place of the root. */
function delegatedName(name: string, what: string): string {
  if (topRoles.some((top) => top === name)) malformed(what, `it delegates to a role with the name ${name}`);
  return name;
}

function object(from: JsonObject, name: string, what: string): JsonObject {
  const value = member(from, name);
  return isObject(value) ? value : malformed(what, `its ${name} is no object`);
}

function array(from: JsonObject, name: string, what: string): readonly Json[] {
  const value = member(from, name);
  return isArray(value) ? value : malformed(what, `its ${name} is no list`);
}

function string(from: JsonObject, name: string, what: string): string {
  const value = member(from, name);
  return typeof value === 'string' ? value : malformed(what, `its ${name} is no text`);
}

function wholeNumber(from: JsonObject, name: string, what: string): number {
  const value = member(from, name);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return malformed(what, `its ${name} is no whole number below 2^53`);
}

function positive(from: JsonObject, name: string, what: string): number {
  const value = wholeNumber(from, name, what);
  return value > 0 ? value : malformed(what, `its ${name} is not above 0`);
}

/** TUF's form of a date: UTC, whole seconds. */
function time(from: JsonObject, name: string, what: string): number {
  const text = string(from, name, what);
  const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(instant) ? malformed(what, `its ${name} is no date`) : instant;
}

function asObject(value: Json | undefined, what: string): JsonObject {
  return isObject(value) ? value : malformed(what, 'an entry is no object');
}

function asArray(value: Json | undefined, what: string): readonly Json[] {
  return isArray(value) ? value : malformed(what, 'an entry is no list');
}

function asString(value: Json | undefined, what: string): string {
  return typeof value === 'string' ? value : malformed(what, 'an entry is no text');
}

/** `Array.isArray` does not narrow a readonly list. */
function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function malformed(what: string, fault: string): never {
  return fail('metadata-malformed', `${what} is not what TUF calls metadata: ${fault}.`);
}
