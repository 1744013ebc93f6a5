import { describe, expect, test } from 'vitest';
import type { ObservedAgentPod } from './agent-cluster.ts';
import { type WatchFacts, watchNewAgent } from './agent-watch.ts';
import { minutes, seconds } from './instant.ts';
import { agentPod, at, attempt, deployment, newAgent, t0 } from './testing/facts.ts';
import { productionTimings } from './timings.ts';

const pod = (more: Partial<ObservedAgentPod>): ObservedAgentPod =>
  agentPod('pod', newAgent, { runningSince: t0, ...more });
const ready = pod({ isReady: true, readySince: at(seconds(3)) });
const emptiedAt = (span: number) => ({ resourceVersion: '1', renewedAt: at(span) });
const heldUntil = (span: number) => ({ ...emptiedAt(span - productionTimings.lease.duration), holder: 'pod/1' });

const facts = (more: Partial<WatchFacts> = {}): WatchFacts => ({
  attempt: attempt({ phase: 'watching', swappedAt: t0, readyAt: at(seconds(3)) }),
  deployment: deployment({ release: newAgent }),
  pods: [ready],
  watcherStartedAt: at(-minutes(60)),
  isServerReachable: true,
  trialFailure: undefined,
  lease: emptiedAt(seconds(4)),
  margin: 0,
  ...more,
});
const says = (given: WatchFacts, after: number): string => {
  // As one who has looked all the time.
  const renewedAt = given.lease === 'unknown' ? undefined : given.lease?.renewedAt;
  const leaseUnchangedFor = renewedAt === undefined ? 0 : at(after) - renewedAt;
  const verdict = watchNewAgent({ leaseUnchangedFor, ...given }, at(after), productionTimings);
  return verdict.kind === 'take-back'
    ? `${verdict.fault.reason.code}${verdict.fault.isBlamed ? '!' : ''}`
    : verdict.kind;
};

describe('a new agent that is Ready', () => {
  test.each<[string, Partial<WatchFacts>, number, string]>([
    ['has 20 s to take a Lease that was emptied', {}, seconds(24), 'ready'],
    ['and does not act when it did not', {}, seconds(25), 'not-acting!'],
    ['has 20 s from when it is Ready', { lease: emptiedAt(-minutes(1)) }, seconds(23), 'ready'],
    ['acts while it holds the Lease', { lease: heldUntil(seconds(40)) }, seconds(39), 'ready'],
    ['has 20 s once a Lease has run out', { lease: heldUntil(seconds(10)) }, seconds(30), 'ready'],
    ['and no longer', { lease: heldUntil(seconds(10)) }, seconds(31), 'not-acting!'],
    ['is not judged by a Lease that cannot be read', { lease: 'unknown' }, seconds(50), 'ready'],
    ['or that somebody deleted', { lease: undefined }, seconds(50), 'ready'],
    [
      'or that nobody could take since no API server answered',
      { watcherSeesSince: at(seconds(35)) },
      seconds(55),
      'ready',
    ],
    [
      'is not judged by a stamp of a clock that was set back since',
      {
        lease: emptiedAt(-minutes(1440)),
        pods: [pod({ isReady: true, readySince: at(-minutes(1440)) })],
        leaseUnchangedFor: seconds(1),
      },
      seconds(55),
      'ready',
    ],
    ['is not judged by a watcher that has just begun', { watcherStartedAt: at(seconds(35)) }, seconds(55), 'ready'],
  ])('%s', (_, more, after, expected) => {
    expect(says(facts(more), after)).toBe(expected);
  });
});

describe('a new agent that runs and was not Ready in its time', () => {
  const failure = (kind: 'unreachable' | 'refused') => ({ attemptId: 'attempt-1', kind, message: 'no' });
  const waiting = (more: Partial<WatchFacts>): WatchFacts =>
    facts({ attempt: attempt({ phase: 'watching', swappedAt: t0 }), pods: [pod({})], ...more });

  test.each<[string, Partial<WatchFacts>, string]>([
    ['hangs', {}, 'not-ready!'],
    ['hangs also with the server gone, as it tells nothing of its trial', { isServerReachable: false }, 'not-ready!'],
    [
      'may have come late to its trial with the server gone',
      { isServerReachable: false, pods: [pod({ runningSince: at(seconds(70)) })] },
      'server-unreachable',
    ],
    ['was refused in its trial', { trialFailure: failure('refused') }, 'trial-failed!'],
    ['could not reach the server', { trialFailure: failure('unreachable') }, 'server-unreachable'],
    ['could not either', { trialFailure: failure('unreachable'), isServerReachable: false }, 'server-unreachable'],
    [
      'hangs, and another attempt had failed in its trial',
      { trialFailure: { ...failure('refused'), attemptId: 'other' } },
      'not-ready!',
    ],
    [
      'ended, whoever can reach the server',
      { isServerReachable: false, pods: [pod({ lastEnd: { exitCode: 1, finishedAt: at(seconds(9)) } })] },
      'exited!',
    ],
  ])('%s', (_, more, expected) => {
    expect(says(waiting(more), seconds(120))).toBe(expected);
  });
});
