import { describe, expect, test } from 'vitest';
import type { ObservedAgentPod, ObservedRehearsal } from './agent-cluster.ts';
import { judgeRehearsal } from './agent-rehearsal.ts';
import { minutes, seconds } from './instant.ts';
import { rehearsalExitCodes } from './rehearsal-exit.ts';
import { agentPod, at, attempt, newAgent, t0 } from './testing/facts.ts';
import { productionTimings } from './timings.ts';

const pod = (more: Partial<ObservedAgentPod> = {}) => agentPod('rehearsal', newAgent, more);
const ended = (exitCode: number, more: Partial<ObservedAgentPod> = {}, reason = 'Error') =>
  pod({ lastEnd: { exitCode, reason, message: 'why', finishedAt: t0 }, ...more });
const pulling = pod({ waiting: { reason: 'ErrImagePull', message: 'denied' } });

interface Case {
  readonly name: string;
  readonly state?: ObservedRehearsal['state'];
  readonly pod?: ObservedAgentPod;
  readonly message?: string;
  readonly after?: number;
  readonly isServerReachable?: boolean;
  readonly pullErrorSeen?: boolean;
  /** `!` when the version is blamed. */
  readonly becomes: string;
}
const cases: readonly Case[] = [
  { name: 'no pod yet', becomes: 'wait' },
  {
    name: 'its container is made',
    pod: pod({ waiting: { reason: 'ContainerCreating' } }),
    after: minutes(9),
    becomes: 'wait',
  },
  { name: 'it has succeeded', state: 'succeeded', becomes: 'passed' },
  { name: 'it has exited, and the Job does not know yet', pod: ended(1), becomes: 'exited!' },
  { name: 'a check has failed', state: 'failed', pod: ended(rehearsalExitCodes.checkFailed), becomes: 'exited!' },
  { name: 'out of memory', state: 'failed', pod: ended(137, {}, 'OOMKilled'), becomes: 'out-of-memory!' },
  { name: 'killed from outside', state: 'failed', pod: ended(137), becomes: 'rehearsal-lost' },
  { name: 'ended with its pod', state: 'failed', pod: ended(1, { isDeleting: true }), becomes: 'rehearsal-lost' },
  { name: 'failed without a pod', state: 'failed', message: 'DeadlineExceeded', becomes: 'rehearsal-lost' },
  {
    name: 'the control plane did not answer it',
    state: 'failed',
    pod: ended(rehearsalExitCodes.controlPlaneUnreachable),
    becomes: 'server-unreachable',
  },
  {
    name: 'the API server did not answer it',
    state: 'failed',
    pod: ended(rehearsalExitCodes.clusterUnreachable),
    becomes: 'cluster-unreachable',
  },
  {
    name: 'it exits, and the old one cannot reach the control plane either',
    pod: ended(1),
    isServerReachable: false,
    becomes: 'server-unreachable',
  },
  { name: 'a pull error for the first time', pod: pulling, becomes: 'pull-error' },
  { name: 'the same one a moment later', pod: pulling, pullErrorSeen: true, after: seconds(14), becomes: 'wait' },
  {
    name: 'a pull error for the second time',
    pod: pulling,
    pullErrorSeen: true,
    after: seconds(15),
    becomes: 'image-pull-failed!',
  },
  {
    name: 'pulled for ten minutes',
    pod: pod({ waiting: { reason: 'ContainerCreating' } }),
    after: minutes(10),
    becomes: 'pod-not-started',
  },
  { name: 'never scheduled', pod: pod({ unschedulable: '0/1 nodes' }), after: minutes(10), becomes: 'no-room' },
  { name: 'never made', after: minutes(10), message: 'exceeded quota', becomes: 'no-room' },
  { name: 'hangs', pod: pod({ runningSince: t0 }), after: minutes(10), becomes: 'rehearsal-hangs!' },
  {
    name: 'hangs while the control plane is away',
    pod: pod({ runningSince: t0 }),
    after: minutes(10),
    isServerReachable: false,
    becomes: 'server-unreachable',
  },
];

describe('a rehearsal', () => {
  test.each(cases)('$name', (given) => {
    const verdict = judgeRehearsal(
      {
        attempt: attempt({ phase: 'rehearsing', ...(given.pullErrorSeen === true ? { pullErrorSince: t0 } : {}) }),
        rehearsal: {
          attemptId: 'attempt-1',
          state: given.state ?? 'running',
          startedAt: t0,
          ...(given.pod === undefined ? {} : { pod: given.pod }),
          ...(given.message === undefined ? {} : { message: given.message }),
        },
        isServerReachable: given.isServerReachable ?? true,
      },
      at(given.after ?? 0),
      productionTimings,
    );
    const text =
      verdict.kind === 'failed' ? `${verdict.fault.reason.code}${verdict.fault.isBlamed ? '!' : ''}` : verdict.kind;
    expect(text).toBe(given.becomes);
  });
});
