/**
 * A clock of the API server that somebody sets: what it says and the stamps that it makes from then on are off, those of
 * before stay as they are. The simulated cluster itself goes on by a clock that nobody sets, as kubelets do.
 */

import type { Cluster } from '../cluster/cluster.ts';

export interface SetClock {
  /** From now on it is off by so much more. */
  readonly set: (milliseconds: number) => void;
  readonly around: (cluster: Cluster) => Cluster;
}

const stamps: ReadonlySet<string> = new Set([
  'createdAt',
  'readySince',
  'runningSince',
  'nodeSilentSince',
  'finishedAt',
  'renewedAt',
  'startedAt',
]);
/** What agent and guard see of themselves. */
const observations: ReadonlySet<string | symbol> = new Set(['listPods', 'readLease', 'readRehearsal', 'writeLease']);

export function createSetClock(now: () => number): SetClock {
  const settings: { readonly at: number; readonly by: number }[] = [];
  const said = (time: number): number => settings.reduce((wall, { at, by }) => (at <= time ? wall + by : wall), time);

  const withStamps = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(withStamps);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        typeof inner === 'number' && stamps.has(name) ? said(inner) : withStamps(inner),
      ]),
    );
  };
  return {
    set: (by) => void settings.push({ at: now(), by }),
    around: (cluster) =>
      new Proxy(cluster, {
        get(target, property, receiver): unknown {
          const value: unknown = Reflect.get(target, property, receiver);
          if (typeof value !== 'function') return value;
          return async (...given: unknown[]) => {
            const result: unknown = await Reflect.apply(value, target, given);
            if (property === 'now') return typeof result === 'number' ? said(result) : result;
            return observations.has(property) ? withStamps(result) : result;
          };
        },
      }),
  };
}
