/**
 * What comes of a rehearsal: still running, passed, or failed, and whether that is the version's fault. Read from its
 * pod, before anything deletes it.
 */

import type { ContainerEnd, ObservedAgentPod, ObservedRehearsal } from './agent-cluster.ts';
import {
  endReason,
  type Fault,
  isKilledFromOutside,
  isPullError,
  nobodysFault,
  notReadyFault,
  pullFault,
  serverUnreachable,
} from './agent-fault.ts';
import type { AgentAttempt } from './agent-update-types.ts';
import { addMilliseconds, type Instant } from './instant.ts';
import { rehearsalExitCodes } from './rehearsal-exit.ts';
import type { Timings } from './timings.ts';

export type RehearsalVerdict =
  | { readonly kind: 'wait' }
  /** A pull error was seen for the first time; remember when. */
  | { readonly kind: 'pull-error' }
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly fault: Fault };

export interface RehearsalFacts {
  readonly attempt: AgentAttempt;
  /** Of this attempt. */
  readonly rehearsal: ObservedRehearsal;
  /** By the running agent, now. */
  readonly isServerReachable: boolean;
}

export function judgeRehearsal(facts: RehearsalFacts, now: Instant, timings: Timings): RehearsalVerdict {
  const { attempt, rehearsal } = facts;
  if (rehearsal.state === 'succeeded') return { kind: 'passed' };
  const { pod } = rehearsal;
  const end = pod?.lastEnd;
  // The Job may say `failed` a moment after its container has ended.
  if (end !== undefined && end.exitCode !== 0) return { kind: 'failed', fault: endFault(end, facts) };
  if (rehearsal.state === 'failed') {
    return {
      kind: 'failed',
      fault: nobodysFault(
        'rehearsal-lost',
        `The rehearsal failed and its pod is gone${rehearsal.message === undefined ? '' : `: ${rehearsal.message}`}`,
      ),
    };
  }
  if (pod !== undefined && isPullError(pod)) {
    if (attempt.pullErrorSince === undefined) return { kind: 'pull-error' };
    if (now >= addMilliseconds(attempt.pullErrorSince, timings.agentUpdate.pullErrorAgain)) {
      return { kind: 'failed', fault: pullFault(pod) };
    }
  }
  if (now < addMilliseconds(rehearsal.startedAt, timings.agentUpdate.rehearsalMax)) return { kind: 'wait' };
  return { kind: 'failed', fault: timeoutFault(pod, facts) };
}

function endFault(end: ContainerEnd, facts: RehearsalFacts): Fault {
  if (facts.rehearsal.pod?.isDeleting === true || isKilledFromOutside(end)) {
    return nobodysFault('rehearsal-lost', `The rehearsal was stopped from outside (exit code ${end.exitCode})`);
  }
  if (end.exitCode === rehearsalExitCodes.clusterUnreachable) {
    return nobodysFault('cluster-unreachable', 'The API server did not answer the new agent in its rehearsal');
  }
  if (!facts.isServerReachable) return serverUnreachable();
  if (end.exitCode === rehearsalExitCodes.controlPlaneUnreachable) {
    const why = end.message === undefined ? '' : `: ${end.message.trim()}`;
    return nobodysFault('server-unreachable', `The new agent did not reach the control plane in its rehearsal${why}`);
  }
  return { isBlamed: true, reason: endReason(end, 'in its rehearsal') };
}

function timeoutFault(pod: ObservedAgentPod | undefined, facts: RehearsalFacts): Fault {
  if (pod === undefined) {
    const why = facts.rehearsal.message === undefined ? '' : `: ${facts.rehearsal.message}`;
    return nobodysFault('no-room', `No pod was made for the rehearsal${why}`);
  }
  if (pod.unschedulable !== undefined) {
    return nobodysFault('no-room', `There is no room for the pod of the rehearsal: ${pod.unschedulable}`);
  }
  const fault = notReadyFault(pod);
  if (fault.reason.code !== 'not-ready') return fault;
  if (!facts.isServerReachable) return serverUnreachable();
  return {
    isBlamed: true,
    reason: { code: 'rehearsal-hangs', message: 'The new agent was started in its rehearsal and came to no end' },
  };
}
