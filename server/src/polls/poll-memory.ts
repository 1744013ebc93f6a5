/**
 * What was last decided for each gateway, so that a poll that brings nothing new costs no SQL. Memory only ever answers
 * *nothing new*; everything else goes to the database. An entry ends when another replica says that something changed,
 * when the word of other replicas cannot be heard, or when time alone could change the decision.
 */

import type { PollReply, PollRequest } from '@gatehouse/contract/agent-api';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { addMilliseconds, type Instant, minutes } from '@gatehouse/domain/instant';
import { pollIntervalFor } from '@gatehouse/domain/poll-schedule';
import type { Timings } from '@gatehouse/domain/timings';
import type { AgentSession } from '../agents/session.command.ts';
import type { Change } from '../work/change.store.ts';

export interface Remembered {
  readonly identityId: string;
  readonly generation: number;
  /** Of the newest target; absent without one. */
  readonly targetDigest?: string | undefined;
  readonly observationDigest: string;
  readonly handOverNumber: number;
  readonly facts: GatewayFacts;
  readonly until: Instant;
}

export interface PollMemory {
  answer(request: PollRequest, session: AgentSession, now: Instant, isLookedAt: boolean): PollReply | undefined;
  /** Called before a decision is loaded; gives the ticket that `remember` needs. */
  begin(): number;
  remember(gatewayId: string, entry: Omit<Remembered, 'until'>, now: Instant, ticket: number): void;
  forget(change: Change): void;
  /** Whether changes of other replicas reach us; without them nothing is answered from memory. */
  setListening(isListening: boolean): void;
}

/** Even with nothing to wait for a decision is made anew now and then. */
const lifeMax = minutes(5);
const entriesMax = 50_000;

export function createPollMemory(timings: Timings): PollMemory {
  const entries = new Map<string, Remembered>();
  let isListening = false;
  let ticket = 0;
  /** The last ticket at which everything, or a gateway, was forgotten: what was loaded before may be old. */
  let allForgottenAt = 0;
  const forgottenAt = new Map<string, number>();

  return {
    answer(request, session, now, isLookedAt) {
      const entry = entries.get(session.gatewayId);
      const isSame =
        isListening &&
        entry !== undefined &&
        entry.identityId === session.identityId &&
        entry.generation === request.generation &&
        (request.targetDigest === undefined || entry.targetDigest === request.targetDigest) &&
        entry.observationDigest === request.observationDigest &&
        entry.handOverNumber === request.handOverNumber &&
        now < entry.until;
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
      entries.set(gatewayId, { ...entry, until: validUntil(entry.facts, now) });
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
      isListening = value;
      if (value) return;
      ticket += 1;
      allForgottenAt = ticket;
      entries.clear();
    },
  };
}

/** The first moment at which time alone may change the decision: a pause or an exemption begins or ends. */
function validUntil(facts: GatewayFacts, now: Instant): Instant {
  const moments = [
    ...facts.pauses.flatMap(({ since, until }) => [since, until]),
    facts.exemption?.since,
    facts.exemption?.until,
  ].filter((moment) => moment !== undefined && moment > now);
  return moments.reduce<Instant>(
    (first, moment) => (moment !== undefined && moment < first ? moment : first),
    addMilliseconds(now, lifeMax),
  );
}
