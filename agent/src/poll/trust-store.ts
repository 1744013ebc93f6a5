/**
 * What the agent trusts, in the map `trust`, which outlives the gateway's registration: the verified metadata, and the
 * fingerprints of the roots that led to the newest one. By these a root that comes with a new installation is known as one
 * of the same chain.
 */

import { gunzipSync, gzipSync } from 'node:zlib';
import type { Reason } from '@gatehouse/domain/reason';
import Type from 'typebox';
import { Check } from 'typebox/value';
import type { AgentCluster } from '../cluster/cluster.ts';

/** Fingerprints by version. */
export type RootChain = ReadonlyMap<number, string>;

export interface KeptTrust {
  /** By file name, such as `root.json`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly roots: RootChain;
}

const rootsKey = 'roots';
const packedEnding = '.gz';
const Roots = Type.Record(Type.String({ pattern: '^[1-9][0-9]{0,15}$' }), Type.String({ maxLength: 100 }));

/** A file that is larger is kept compressed. */
const plainBytesMax = 100_000;
/** Of a ConfigMap's 1 MiB. */
const keptBytesMax = 950_000;
/** The newest; a publisher changes the root about once a year. */
const rootsMax = 1_000;

/** Undefined when there is no such map. `version` changes with each write, whoever writes. */
export async function readTrust(
  cluster: AgentCluster,
): Promise<(KeptTrust & { readonly version: string }) | undefined> {
  const map = await cluster.readMap('trust');
  if (map === undefined) return undefined;
  const files = Object.entries(map.data).flatMap(([key, text]): [string, Uint8Array][] => {
    if (key.endsWith('.json')) return [[key, Buffer.from(text, 'utf8')]];
    if (!key.endsWith(`.json${packedEnding}`)) return [];
    return [
      [key.slice(0, -packedEnding.length), gunzipSync(Buffer.from(text, 'base64'), { maxOutputLength: 2 ** 24 })],
    ];
  });
  return { files: Object.fromEntries(files), roots: parseRoots(map.data[rootsKey]), version: map.resourceVersion };
}

function parseRoots(text: string | undefined): RootChain {
  if (text === undefined) return new Map();
  const roots: unknown = JSON.parse(text);
  if (!Check(Roots, roots))
    throw new TypeError('The ConfigMap gatehouse-agent-trust has an entry roots that cannot be read.');
  return new Map(Object.entries(roots).map(([version, fingerprint]) => [Number(version), fingerprint]));
}

export type TrustWritten =
  | { readonly kind: 'written'; readonly version: string }
  /** Somebody else wrote it since it was read; what is there has to be looked at first. */
  | { readonly kind: 'conflict' }
  /** Without being kept, older metadata could come back after a restart. */
  | { readonly kind: 'refused'; readonly reasons: readonly Reason[] };

/** Writes what changed, if the map still has the version it was read with; undefined: if there is none. */
export async function writeTrust(
  cluster: AgentCluster,
  trust: KeptTrust,
  version: string | undefined,
): Promise<TrustWritten> {
  const wanted = new Map<string, string>([[rootsKey, formatRoots(trust.roots)]]);
  for (const [name, bytes] of Object.entries(trust.files)) {
    const isPacked = bytes.length > plainBytesMax;
    wanted.set(
      isPacked ? `${name}${packedEnding}` : name,
      isPacked ? gzipSync(bytes, { level: 9 }).toString('base64') : Buffer.from(bytes).toString('utf8'),
    );
  }
  const size = [...wanted].reduce((sum, [key, text]) => sum + key.length + Buffer.byteLength(text), 0);
  if (size > keptBytesMax) {
    const message =
      `The release metadata has ${size} bytes as the agent keeps it; more than ${keptBytesMax} have no room in its ` +
      'cluster.';
    const nextStep = 'Have the publisher take releases out of the repository that nobody needs any more.';
    return { kind: 'refused', reasons: [{ code: 'file-too-large', message, nextStep }] };
  }
  const map = await cluster.readMap('trust');
  if (map?.resourceVersion !== version) return { kind: 'conflict' };
  const changes: Record<string, string | null> = {};
  for (const [key, text] of wanted) if (map?.data[key] !== text) changes[key] = text;
  // The other form of a file that is kept in a new one.
  for (const name of Object.keys(trust.files)) {
    for (const key of [name, `${name}${packedEnding}`]) {
      if (map?.data[key] !== undefined && !wanted.has(key)) changes[key] = null;
    }
  }
  if (map !== undefined && Object.keys(changes).length === 0) return { kind: 'written', version: map.resourceVersion };
  const written = await cluster.writeMap('trust', changes, version);
  return written === 'conflict' ? { kind: 'conflict' } : { kind: 'written', version: written.resourceVersion };
}

function formatRoots(roots: RootChain): string {
  const newest = [...roots].toSorted(([a], [b]) => a - b).slice(-rootsMax);
  return JSON.stringify(Object.fromEntries(newest));
}
