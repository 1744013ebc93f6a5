/**
 * A TUF repository in memory that can be made to lie in any way, with nothing of the code that verifies or publishes in it:
 * metadata are plain objects that a test changes before or after they are signed.
 */

// oxlint-disable typescript/no-explicit-any, typescript/no-unsafe-member-access, typescript/no-unsafe-assignment, typescript/no-unsafe-argument -- it builds what no type would allow

import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export type Role = 'root' | 'timestamp' | 'snapshot' | 'targets';
export type KeyKind = 'ed25519' | 'ecdsa' | 'ecdsa384' | 'rsa' | 'rsa-short';

/** What JSON can hold, loosely: a test writes into it whatever it likes. */
export type Loose = any;

export interface TestKey {
  readonly id: string;
  readonly entry: Loose;
  readonly sign: (data: Uint8Array) => string;
}

export function newKey(kind: KeyKind = 'ed25519'): TestKey {
  const { privateKey, publicKey } = keyPair(kind);
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const hex = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
  const { keytype, scheme } = names[kind];
  const entry = { keytype, scheme, keyval: { public: kind === 'ed25519' ? hex : pem } };
  const id = createHash('sha256').update(canonical(entry)).digest('hex');
  return { id, entry, sign: (data) => signWith(kind, privateKey, data).toString('hex') };
}

const names = {
  ed25519: { keytype: 'ed25519', scheme: 'ed25519' },
  ecdsa: { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256' },
  ecdsa384: { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384' },
  rsa: { keytype: 'rsa', scheme: 'rsassa-pss-sha256' },
  'rsa-short': { keytype: 'rsa', scheme: 'rsassa-pss-sha256' },
} as const;

function keyPair(kind: KeyKind) {
  switch (kind) {
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'ecdsa':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    case 'ecdsa384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    default:
      return generateKeyPairSync('rsa', { modulusLength: kind === 'rsa' ? 2048 : 1024 });
  }
}

function signWith(kind: KeyKind, key: KeyObject, data: Uint8Array): Buffer {
  switch (kind) {
    case 'ed25519':
      return sign(null, data, key);
    case 'ecdsa':
      return sign('sha256', data, key);
    case 'ecdsa384':
      return sign('sha384', data, key);
    default:
      return sign('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
  }
}

/** Written apart from the code under test; only for what tests put into it. */
export function canonical(value: Loose): string {
  if (typeof value === 'string') return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const sorted = Object.keys(value).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return `{${sorted.map((name) => `${canonical(name)}:${canonical(value[name])}`).join(',')}}`;
  }
  return String(value);
}

export interface TufSimulator {
  /** The next version's signed part, by role; delegated roles too. */
  readonly parts: Record<string, Loose>;
  readonly signers: Record<string, TestKey[]>;
  /** What is served, by name. */
  readonly files: Map<string, Uint8Array>;
  /** Names that were asked for, in order. */
  readonly requests: string[];
  /** Whether timestamp and snapshot give lengths and hashes. */
  usesHashes: boolean;
  /** Signs the next version of each and serves it; what names it is changed, but not signed. */
  publish: (...roles: readonly string[]) => void;
  /** Signs a part as it is, and serves it under a name. */
  serve: (name: string, role: string, part: Loose) => void;
  /** Gives a role these keys, in the root, and has it signed by them. */
  giveKeys: (role: Role, keys: readonly TestKey[], threshold?: number) => void;
  readonly fetch: (name: string, bytesMax: number) => Promise<Uint8Array | undefined>;
}

export const roles = ['root', 'timestamp', 'snapshot', 'targets'] as const;

/** With version 1 of everything, signed by one Ed25519 key each, good for 30 days from `now`. */
export function simulateRepository(now: number): TufSimulator {
  const expires = dateOf(now + 30 * 86_400_000);
  const part = (type: Role, more: object) => ({ _type: type, spec_version: '1.0.31', version: 0, expires, ...more });
  const simulator: TufSimulator = {
    parts: {
      root: part('root', { consistent_snapshot: true, keys: {}, roles: {} }),
      timestamp: part('timestamp', { meta: { 'snapshot.json': { version: 1 } } }),
      snapshot: part('snapshot', { meta: { 'targets.json': { version: 1 } } }),
      targets: part('targets', { targets: {} }),
    },
    signers: {},
    files: new Map(),
    requests: [],
    usesHashes: false,
    giveKeys(role, keys, threshold = keys.length) {
      const { root } = simulator.parts;
      for (const { id, entry } of keys) root.keys[id] = entry;
      root.roles[role] = { keyids: keys.map(({ id }) => id), threshold };
      simulator.signers[role] = [...keys];
    },
    serve(name, role, served) {
      simulator.files.set(name, signedBytes(served, simulator.signers[role] ?? []));
    },
    publish(...published) {
      for (const role of published) {
        const next = simulator.parts[role];
        next.version += 1;
        const isConsistent = simulator.parts['root'].consistent_snapshot === true;
        const isPlain = role === 'timestamp' || (role !== 'root' && !isConsistent);
        const name = isPlain ? `${encodeURIComponent(role)}.json` : `${next.version}.${encodeURIComponent(role)}.json`;
        simulator.serve(name, role, next);
        const bytes = simulator.files.get(name);
        const info = { version: next.version, ...(simulator.usesHashes && bytes ? lengthAndHash(bytes) : {}) };
        if (role === 'snapshot') simulator.parts['timestamp'].meta['snapshot.json'] = info;
        else if (role !== 'root' && role !== 'timestamp') simulator.parts['snapshot'].meta[`${role}.json`] = info;
      }
    },
    async fetch(name) {
      simulator.requests.push(name);
      return simulator.files.get(name);
    },
  };
  for (const role of roles) simulator.giveKeys(role, [newKey()]);
  simulator.publish('root', 'targets', 'snapshot', 'timestamp');
  return simulator;
}

export function signedBytes(part: Loose, keys: readonly TestKey[]): Buffer {
  const payload = Buffer.from(canonical(part));
  const signatures = keys.map((key) => ({ keyid: key.id, sig: key.sign(payload) }));
  return Buffer.from(JSON.stringify({ signed: part, signatures }));
}

export function lengthAndHash(bytes: Uint8Array) {
  return { length: bytes.length, hashes: { sha256: createHash('sha256').update(bytes).digest('hex') } };
}

export function dateOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
