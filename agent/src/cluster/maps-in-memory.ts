/** The maps and the Lease of an `AgentCluster` in memory, for tests of what only needs those; breaks off when told. */

import type { ObservedLease } from '@gatehouse/domain/agent-cluster';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import { type AgentCluster, ClusterUnreachable, type MapName, type StoredMap } from './cluster.ts';

type MapsAndLease = Pick<AgentCluster, 'readMap' | 'writeMap' | 'readLease' | 'writeLease' | 'now'>;

export interface MapsInMemory {
  readonly cluster: AgentCluster;
  /** `before`: the write does not happen; `after`: it does, and the answer is lost. Counts writes from now on. */
  breakOff(writes: number, where: 'before' | 'after'): void;
  /** Neither read nor write succeeds while it is set. */
  setUnreachable(isUnreachable: boolean): void;
  deleteLease(): void;
  deleteMap(name: MapName): void;
}

export function createMapsInMemory(now: () => number): MapsInMemory {
  const maps = new Map<MapName, StoredMap>();
  let lease: ObservedLease | undefined;
  let version = 0;
  let breaking: { left: number; readonly where: 'before' | 'after' } | undefined;
  let unreachable = false;

  const read = (): void => {
    if (unreachable) throw new ClusterUnreachable('the API server does not answer');
  };
  const write = <T>(effect: () => T): T => {
    read();
    if (breaking !== undefined) breaking.left -= 1;
    const isBroken = breaking !== undefined && breaking.left < 0;
    if (isBroken && breaking?.where === 'before') throw new ClusterUnreachable('broken off before the write');
    const result = effect();
    if (isBroken) throw new ClusterUnreachable('broken off after the write');
    return result;
  };
  const nextVersion = (): string => {
    version += 1;
    return String(version);
  };

  const door: MapsAndLease = {
    now: async (): Promise<Instant> => toInstant(now()),
    async readMap(name) {
      read();
      return maps.get(name);
    },
    async writeMap(name, data, resourceVersion) {
      return write(() => {
        const before = maps.get(name);
        if (before?.resourceVersion !== resourceVersion) return 'conflict' as const;
        const merged = Object.entries({ ...before?.data, ...data }).filter(
          (entry): entry is [string, string] => entry[1] !== null,
        );
        const after = { data: Object.fromEntries(merged), resourceVersion: nextVersion() };
        maps.set(name, after);
        return after;
      });
    },
    async readLease() {
      read();
      return lease;
    },
    async writeLease(holder, resourceVersion) {
      return write(() => {
        if (lease?.resourceVersion !== resourceVersion) return 'conflict' as const;
        lease = {
          resourceVersion: nextVersion(),
          renewedAt: toInstant(now()),
          ...(holder === undefined ? {} : { holder }),
        };
        return lease;
      });
    },
  };
  const missing = new Proxy(door, {
    get: (target, property, receiver) => {
      const value: unknown = Reflect.get(target, property, receiver);
      if (value === undefined) throw new Error(`maps in memory have no ${String(property)}`);
      return value;
    },
  });
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Whatever else is asked for throws by the proxy, so that a test cannot lean on it unnoticed.
    cluster: missing as AgentCluster,
    breakOff: (writes, where) => {
      breaking = { left: writes, where };
    },
    setUnreachable: (isUnreachable) => {
      unreachable = isUnreachable;
      breaking = undefined;
    },
    deleteLease: () => {
      lease = undefined;
    },
    deleteMap: (name) => {
      maps.delete(name);
    },
  };
}
