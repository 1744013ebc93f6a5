/**
 * What was last decided for each gateway, so that a poll that brings nothing new costs no SQL. Memory only ever answers
 * *nothing new*; everything else goes to the database. An entry ends when another replica says that something changed,
 * when the word of other replicas cannot be heard, or when time alone could change the decision. While the database does
 * not answer nobody decides anything, so what was decided last holds on for longer: it costs a poll at worst, and a fleet
 * does not fall over a database that comes back.
 */

import type { PollReply, PollRequest } from '@gatehouse/contract/agent-api';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { type Instant, minutes } from '@gatehouse/domain/instant';
import { pollIntervalFor } from '@gatehouse/domain/poll-schedule';
import type { Timings } from '@gatehouse/domain/timings';
import type { AgentSession } from '../agents/session.command.ts';
import type { Change } from '../work/change.store.ts';
import { clockDifference } from './gateway-clock.ts';

export interface Remembered {
  readonly identityId: string;
  readonly generation: number;
  /** Of the newest target; absent without one. */
  readonly targetDigest?: string | undefined;
  readonly observationDigest: string;
  readonly handOverNumber: number;
  readonly identityUid?: string | undefined;
  /** As it was told. */
  readonly isClockOff?: boolean;
  readonly facts: GatewayFacts;
}

interface Entry extends Remembered {
  /** By a clock that never goes back. */
  readonly decidedAt: number;
  /** By the wall clock: a pause or an exemption begins or ends. */
  readonly until?: Instant;
}

export interface PollMemory {
  answer(request: PollRequest, session: AgentSession, now: Instant, isLookedAt: boolean): PollReply | undefined;
  /** Called before a decision is loaded; gives the ticket that `remember` needs. */
  begin(): number;
  remember(gatewayId: string, entry: Remembered, now: Instant, ticket: number): void;
  forget(change: Change): void;
  /** Whether changes of other replicas reach us; without them nothing is answered from memory. */
  setListening(isListening: boolean): void;
}

/** Even with nothing to wait for a decision is made anew now and then. */
const lifeMax = minutes(5);
/** Two polls of the product's pace. */
const lifeMaxWhileAway = minutes(30);
const entriesMax = 50_000;

export interface PollMemoryOptions {
  readonly isDatabaseAway?: () => boolean;
  /** Milliseconds that never go back. */
  readonly monotonic?: () => number;
}

export function createPollMemory(timings: Timings, options: PollMemoryOptions = {}): PollMemory {
  const { isDatabaseAway = () => false, monotonic = () => performance.now() } = options;
  const entries = new Map<string, Entry>();
  let isListening = false;
  let ticket = 0;
  /** The last ticket at which everything, or a gateway, was forgotten: what was loaded before may be old. */
  let allForgottenAt = 0;
  const forgottenAt = new Map<string, number>();

  return {
    answer(request, session, now, isLookedAt) {
      const entry = entries.get(session.gatewayId);
      const isAway = isDatabaseAway();
      const isSame =
        (isListening || isAway) &&
        entry !== undefined &&
        monotonic() - entry.decidedAt < (isAway ? lifeMaxWhileAway : lifeMax) &&
        entry.identityId === session.identityId &&
        entry.generation === request.generation &&
        (request.targetDigest === undefined || entry.targetDigest === request.targetDigest) &&
        entry.observationDigest === request.observationDigest &&
        entry.handOverNumber === request.handOverNumber &&
        entry.identityUid === request.identityUid &&
        (clockDifference(request, now, entry.isClockOff === true) !== undefined) === (entry.isClockOff === true) &&
        (entry.until === undefined || now < entry.until);
      if (!isSame) return undefined;
      return { isObservationWanted: false, pollAgainSeconds: pollIntervalFor(entry.facts, isLookedAt, timings) / 1000 };
    },
    begin() {
      ticket += 1;
      return ticket;
    },
    remember(gatewayId, entry, now, begun) {
      if (!isListening || begun <= allForgottenAt || begun <= (forgottenAt.get(gatewayId) ?? 0)) return;
      if (entries.size >= entriesMax && !entries.has(gatewayId)) entries.clear();
      const until = validUntil(entry.facts, now);
      entries.set(gatewayId, { ...entry, decidedAt: monotonic(), ...(until === undefined ? {} : { until }) });
    },
    forget(change) {
      ticket += 1;
      if (change.kind === 'everything') {
        allForgottenAt = ticket;
        forgottenAt.clear();
        entries.clear();
      } else if (change.kind === 'gateway') {
        if (forgottenAt.size >= entriesMax) {
          allForgottenAt = ticket;
          forgottenAt.clear();
          entries.clear();
        }
        forgottenAt.set(change.gatewayId, ticket);
        entries.delete(change.gatewayId);
      }
    },
    setListening(value) {
      // What was missed while nothing was heard is not known: what is remembered ends when it would count again.
      const isHeardAgain = value && !isListening;
      isListening = value;
      if (!isHeardAgain) return;
      ticket += 1;
      allForgottenAt = ticket;
      entries.clear();
    },
  };
}

/** The first moment at which time alone may change the decision: a pause or an exemption begins or ends. */
function validUntil(facts: GatewayFacts, now: Instant): Instant | undefined {
  const moments = [
    ...facts.pauses.flatMap(({ since, until }) => [since, until]),
    facts.exemption?.since,
    facts.exemption?.until,
  ].filter((moment): moment is Instant => moment !== undefined && moment > now);
  return moments.toSorted((a, b) => a - b)[0];
}
