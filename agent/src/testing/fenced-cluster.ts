/** A cluster as a process sees it that may be killed at any moment. */

import { type Cluster, ClusterUnreachable } from '../cluster/cluster.ts';
import { soleActOf } from './noted-acts.ts';

/** A pod that was killed reaches nothing any more, whatever its function still does. */
export function fenced(
  cluster: Cluster,
  { cutOff, note }: { readonly cutOff: AbortSignal; readonly note: (what: string) => void },
): Cluster {
  const fence = <T extends object>(door: T): T =>
    new Proxy(door, {
      get(target, property, receiver): unknown {
        const value: unknown = Reflect.get(target, property, receiver);
        if (typeof value === 'object' && value !== null) return fence(value);
        if (typeof value !== 'function') return value;
        return async (...given: unknown[]) => {
          if (cutOff.aborted) throw new ClusterUnreachable('the pod is no more');
          const act = soleActOf(property, given);
          if (act !== undefined) note(act);
          const result: unknown = Reflect.apply(value, target, given);
          return result;
        };
      },
    });
  return fence(cluster);
}
