/**
 * The poll: observe, send, keep the target, verify what it names. Never two at once, since one loop does it; a failed
 * one is repeated with full jitter. A reply may be lost or repeated: nothing is remembered of it but the target, and what
 * was done because of it is observed again.
 */

import type { PollReply, PollRequest } from '@gatehouse/contract/agent-api';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { Milliseconds } from '@gatehouse/domain/instant';
import { nextPollDelay, type PollOutcome } from '@gatehouse/domain/poll-schedule';
import type { Timings } from '@gatehouse/domain/timings';
import { jsonDigest } from '@gatehouse/release/canonical-json';
import type { Clock } from '../clock.ts';
import { type Log, messageOf } from '../log.ts';
import { type Seen, toObservationMessage } from '../observe/observation-message.ts';
import type { Answer } from './control-plane.ts';

export interface PollParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly timings: Timings;
  readonly self: AgentRelease;
  /** Does one exchange from beginning to end. */
  readonly round: <T>(exchange: () => Promise<T>) => Promise<T>;
  /** Only who acts polls. */
  readonly mayAct: () => boolean;
  readonly handOverNumber: () => number;
  readonly observe: () => Promise<Seen>;
  /** Of the target the gateway has. */
  readonly target: () => Promise<Pick<PollRequest, 'generation' | 'targetDigest'>>;
  /** One exchange with a session that holds; enrols before if need be. */
  readonly send: (request: PollRequest) => Promise<Answer<PollReply>>;
  /** Keeps the target, verifies the releases it names. Called after every answer, with or without a target. */
  readonly receive: (reply: PollReply) => Promise<void>;
}

export interface PollLoop {
  run(signal: AbortSignal): Promise<void>;
  /** Polls soon, because something changed that people wait to see. Never more often than once a second. */
  wake(): void;
  /** By the last poll; true before the first. */
  isServerReachable(): boolean;
}

const standbyMilliseconds = 100;
const wakeSpacingMilliseconds = 1_000;
/** The server asks for an observation it lacks at once; more in a row than this would be a loop. */
const wantedInARowMax = 2;

export function createPollLoop(parts: PollParts): PollLoop {
  const { clock, log, timings } = parts;
  let failures = 0;
  let isReachable = true;
  let acceptedDigest: string | undefined;
  let isWanted = false;
  let wantedInARow = 0;
  let waker = new AbortController();

  const pollOnce = async (): Promise<PollOutcome | 'at-once'> => {
    const observation = toObservationMessage(await parts.observe());
    const observationDigest = jsonDigest(observation);
    const isSent = isWanted || observationDigest !== acceptedDigest;
    const runs = observation.attempt?.endedAt === undefined ? observation.attempt?.id : undefined;
    const request: PollRequest = {
      ...(await parts.target()),
      handOverNumber: parts.handOverNumber(),
      agent: parts.self,
      ...(runs === undefined ? {} : { attemptId: runs }),
      observationDigest,
      ...(isSent ? { observation } : {}),
    };
    if (!parts.mayAct()) return 'at-once';
    const answer = await parts.send(request);
    // One that sends callers away is there for nobody: an attempt begun now would only be interrupted.
    isReachable = answer.kind === 'answered' || (answer.kind === 'refused' && answer.status !== 429);
    if (answer.kind !== 'answered') {
      failures += 1;
      log('warn', 'poll-failed', {
        failures,
        message: answer.message,
        ...(answer.kind === 'refused' ? { code: answer.code } : {}),
      });
      const retryAfter = answer.retryAfterSeconds;
      return { kind: 'failed', failures, ...(retryAfter === undefined ? {} : { retryAfter: retryAfter * 1_000 }) };
    }
    if (failures > 0) log('info', 'poll-recovered', { failures });
    failures = 0;
    acceptedDigest = observationDigest;
    isWanted = answer.value.isObservationWanted;
    await parts.receive(answer.value);
    wantedInARow = isWanted ? wantedInARow + 1 : 0;
    if (isWanted && wantedInARow <= wantedInARowMax) return 'at-once';
    return { kind: 'answered', pollAgain: answer.value.pollAgainSeconds * 1_000 };
  };

  const pollSafely = async (): Promise<PollOutcome | 'at-once'> => {
    try {
      return await pollOnce();
    } catch (error) {
      failures += 1;
      log('warn', 'poll-failed', { failures, message: messageOf(error) });
      return { kind: 'failed', failures };
    }
  };

  const wait = async (outcome: PollOutcome, signal: AbortSignal): Promise<void> => {
    const delay = nextPollDelay(outcome, clock.random(), timings);
    // After a failure nobody may shorten the wait: that is what keeps a fleet from falling over a server that returns.
    if (outcome.kind === 'failed') {
      await clock.sleep(delay, signal);
      return;
    }
    const spacing: Milliseconds = Math.min(delay, wakeSpacingMilliseconds);
    await clock.sleep(spacing, signal);
    await clock.sleep(delay - spacing, AbortSignal.any([signal, waker.signal]));
    if (waker.signal.aborted) waker = new AbortController();
  };

  return {
    async run(signal) {
      while (!signal.aborted) {
        if (!parts.mayAct()) {
          await clock.sleep(standbyMilliseconds, signal);
          continue;
        }
        const outcome = await parts.round(pollSafely);
        if (outcome === 'at-once') continue;
        await wait(outcome, signal);
      }
    },
    wake: () => {
      waker.abort();
    },
    isServerReachable: () => isReachable,
  };
}
