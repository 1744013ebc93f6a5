/**
 * What the guard keeps in mind between two looks, since a pod only tells its last end: the ends it has seen, and since
 * when no agent was Ready. It is lost with the guard's process, and then seen anew.
 */

import { isSameAgent } from './agent-attempt.ts';
import type { ContainerEnd, ObservedAgentDeployment, ObservedAgentPod } from './agent-cluster.ts';
import type { AgentRelease } from './agent-update-types.ts';
import { isOfAnotherTime } from './future-stamps.ts';
import type { Known } from './gateway.ts';
import { addMilliseconds, type Instant } from './instant.ts';
import { productionTimings, type Timings } from './timings.ts';

export interface SeenEnd {
  readonly podName: string;
  readonly digest: string;
  readonly end: ContainerEnd;
}

export interface GuardMemory {
  /** Oldest first. */
  readonly ends: readonly SeenEnd[];
  /** While the API server answers and a named agent's container runs, and none is Ready. */
  readonly notReadySince?: Instant;
}

export const emptyGuardMemory: GuardMemory = { ends: [] };

const endsMax = 100;

export function rememberPods(
  memory: GuardMemory,
  seen: {
    readonly deployment: Known<ObservedAgentDeployment | undefined>;
    readonly pods: Known<readonly ObservedAgentPod[]>;
  },
  now: Instant,
  timings: Timings = productionTimings,
): GuardMemory {
  const { deployment, pods } = seen;
  if (deployment === 'unknown' || pods === 'unknown') return { ends: memory.ends };
  const news = pods
    // An orderly end with the pod is none that counts.
    .filter((pod) => !pod.isDeleting)
    .flatMap((pod): readonly SeenEnd[] =>
      pod.lastEnd === undefined ? [] : [{ podName: pod.name, digest: pod.release.digest, end: pod.lastEnd }],
    )
    .filter((candidate) => !memory.ends.some((known) => isSameEnd(known, candidate)));
  const begin = addMilliseconds(now, -timings.guard.crashWindow);
  const ends = [...memory.ends, ...news].filter(({ end }) => end.finishedAt >= begin).slice(-endsMax);
  if (deployment === undefined) return { ends };
  const named = pods.filter((pod) => isSameAgent(pod.release, deployment.release) && !pod.isDeleting);
  // What a node that is silent has on it is not known to be unready.
  const isRunningUnready =
    named.every((pod) => !pod.isReady && pod.nodeSilentSince === undefined) &&
    named.some((pod) => pod.runningSince !== undefined || pod.lastEnd !== undefined);
  if (!isRunningUnready) return { ends };
  const since = memory.notReadySince;
  return { ends, notReadySince: since === undefined || isOfAnotherTime(since, now) ? now : since };
}

function isSameEnd(a: SeenEnd, b: SeenEnd): boolean {
  return a.podName === b.podName && a.end.finishedAt === b.end.finishedAt;
}

/** Ends of that agent's containers within the last `crashWindow`, oldest first. */
export function crashesInWindow(
  memory: GuardMemory,
  release: AgentRelease,
  now: Instant,
  timings: Timings,
): readonly SeenEnd[] {
  const begin = addMilliseconds(now, -timings.guard.crashWindow);
  return memory.ends.filter(({ digest, end }) => digest === release.digest && end.finishedAt >= begin);
}
