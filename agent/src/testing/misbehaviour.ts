/** What goes wrong in an agent of one version, as its program would do it: poison for a gateway, in virtual time. */

import { type Cluster, ClusterUnreachable } from '../cluster/cluster.ts';
import type { ControlPlane } from '../poll/control-plane.ts';

export interface Misbehaviour {
  /** Cannot be pulled from now on. */
  readonly isMissing?: boolean;
  /** Exits at once with 3: in the rehearsal, as the agent, or both. */
  readonly exits?: 'in-rehearsal' | 'as-agent' | 'both';
  /** As the agent: does nothing at all, and does not end. */
  readonly hangs?: boolean;
  /** As the agent: exits with 4 so many seconds after its start, and after a restart when `again` says. */
  readonly crashes?: { readonly afterSeconds: number; readonly againAfterSeconds?: number };
  /** As the agent: takes memory until the kernel kills it, so many seconds after its start. */
  readonly eatsMemoryUntilSeconds?: number;
  /** As the agent: reaches no control plane. */
  readonly reachesNoServer?: boolean;
  /** As the agent: the Kubernetes API refuses whatever it asks from so many seconds after its start on. */
  readonly losesClusterAfterSeconds?: number;
  /** As the agent: one of its loops hangs in the middle, so many seconds after its start. */
  readonly hangsLater?: { readonly loop: 'look' | 'poll'; readonly afterSeconds: number };
  /** Fails over the trusted metadata, though not over anything else: always, or as the agent only. */
  readonly breaksTrust?: 'as-agent' | 'both';
}

export const lastWords = {
  atStart: 'cannot start: no such setting',
  later: 'the widget has come off its hinges',
} as const;

/** How the process of an agent ends by itself, if it does. */
export function ownEnd(
  how: Misbehaviour,
  restarts: number,
): { readonly afterSeconds: number; readonly exitCode: number; readonly reason?: string } | undefined {
  const { crashes, eatsMemoryUntilSeconds } = how;
  if (eatsMemoryUntilSeconds !== undefined) {
    return { afterSeconds: eatsMemoryUntilSeconds, exitCode: 137, reason: 'OOMKilled' };
  }
  if (crashes === undefined) return undefined;
  const again = crashes.againAfterSeconds ?? crashes.afterSeconds;
  return { afterSeconds: restarts === 0 ? crashes.afterSeconds : again, exitCode: 4 };
}

/** The cluster as that agent uses it. `age`: milliseconds since its process was started. */
export function misusedCluster(cluster: Cluster, how: Misbehaviour, age: () => number): Cluster {
  const isSince = (seconds: number | undefined): boolean => seconds !== undefined && age() >= seconds * 1_000;
  return new Proxy(cluster, {
    get(target, property, receiver): unknown {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]) => {
        if (isSince(how.losesClusterAfterSeconds)) throw new ClusterUnreachable('401 Unauthorized');
        // Read by nobody but the loop that looks.
        const isLook = property === 'readRehearsal' && how.hangsLater?.loop === 'look';
        if (isLook && isSince(how.hangsLater.afterSeconds)) return forever();
        if (property === 'readMap' && given[0] === 'trust' && how.breaksTrust !== undefined) {
          throw new TypeError('trust is not iterable');
        }
        const result: unknown = Reflect.apply(value, target, given);
        return result;
      };
    },
  });
}

export function misusedControlPlane(controlPlane: ControlPlane, how: Misbehaviour, age: () => number): ControlPlane {
  const { reachesNoServer, hangsLater } = how;
  if (reachesNoServer === true) {
    const unreachable = async () =>
      ({ kind: 'unreachable', message: 'certificate signed by unknown authority' }) as const;
    return { ...controlPlane, challenge: unreachable, openSession: unreachable, poll: unreachable };
  }
  if (hangsLater?.loop !== 'poll') return controlPlane;
  return {
    ...controlPlane,
    poll: (token, request) =>
      age() >= hangsLater.afterSeconds * 1_000 ? forever() : controlPlane.poll(token, request),
  };
}

const forever = (): Promise<never> => new Promise<never>(() => {});
