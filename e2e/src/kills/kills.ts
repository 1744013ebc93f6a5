/** The kills that rounds choose from. The order is drawn from a seed, which a round that fails prints. */

import { agentFailPointNames } from '../../../agent/src/fail-points.ts';
import { failPointNames } from '../../../server/src/work/fail-points.ts';
import { writes } from './writers.ts';

export type Kill =
  /** The control plane, at a fail point that is reached in the course of each round. */
  | { readonly kind: 'server'; readonly point: string }
  /** The control plane, and again when it starts anew, at a step of its start. */
  | { readonly kind: 'server-start'; readonly point: string }
  /** Guard or agent of whichever gateway comes there first. */
  | { readonly kind: 'agent'; readonly point: string }
  /** All guards and agents at once. */
  | { readonly kind: 'agents' }
  | { readonly kind: 'postgres' }
  /** One backend of it, upon which PostgreSQL ends all others and recovers. */
  | { readonly kind: 'postgres-backend' }
  /** The control plane, wherever it is just then. */
  | { readonly kind: 'server-anywhere' };

export const nameOf = (kill: Kill): string => ('point' in kill ? kill.point : kill.kind);

const startsWithAny = (names: readonly string[], point: string): boolean =>
  names.some((name) => point.startsWith(`${name}.`));

const untouched = ['start-sandbox', 'start-sandbox-gateways'];
const atStart = failPointNames.filter((point) => point.startsWith('start-') && !startsWithAny(untouched, point));
/** What happens by itself while gateways poll. `platform-plan` writes only when there is a hop to take. */
const byThemselves = ['agentPoll', 'poll-times', 'upkeep', 'replica'];
/** Of a hop: these are reached only when there is something to move. */
const rare = ['confirmProfileUpdate', 'retryProfileUpdate', 'retryAgentUpdate'];
const inEachRound = [...writes.filter((write) => !rare.includes(write)), ...byThemselves];

/** What a person does once on the way to a release. The control plane is killed at another place of it each time. */
export const deeds = ['importReleases', 'upgradePlatform', 'confirmProfileUpdate'] as const;
export type Deed = (typeof deeds)[number];

/** The place of a deed's `turn`-th time, from 0. */
export function placeOf(deed: Deed, turn: number): string {
  const places = failPointNames.filter((point) => startsWithAny([deed], point));
  const place = places[turn % places.length];
  if (place === undefined) throw new Error(`${deed} has no fail points`);
  return place;
}

/** Where an enrolment may break off. */
export type EnrolmentKill = { readonly of: 'server' | 'agents'; readonly point: string };
export const enrolmentKills: readonly EnrolmentKill[] = [
  ...failPointNames
    .filter((point) => startsWithAny(['agentEnrol'], point))
    .map((point): EnrolmentKill => ({ of: 'server', point })),
  ...agentFailPointNames
    .filter((point) => startsWithAny(['agent.enrol', 'agent.writeMap.identity'], point))
    .map((point): EnrolmentKill => ({ of: 'agents', point })),
];

/** In the rounds nobody is enrolled or installed, and no machine is ever stuck. */
const never = ['agent.enrol', 'agent.writeMap.settings', 'agent.writeMap.identity', 'agent.deleteMachine'];
const ofAgents = agentFailPointNames.filter((point) => !startsWithAny(never, point));
const steady = ['agent.poll', 'agent.writeLease'];

/** Reached only while a gateway moves to another release. */
export const needsHop = (kill: Kill): boolean => kill.kind === 'agent' && !startsWithAny(steady, kill.point);

/** All there are, once; and those without a name as often as makes them one kill in five. */
const all: readonly Kill[] = [
  ...failPointNames
    .filter((point) => startsWithAny(inEachRound, point))
    .map((point): Kill => ({ kind: 'server', point })),
  ...atStart.map((point): Kill => ({ kind: 'server-start', point })),
  ...ofAgents.map((point): Kill => ({ kind: 'agent', point })),
  ...Array.from({ length: 10 }).flatMap((): readonly Kill[] => [
    { kind: 'postgres' },
    { kind: 'postgres-backend' },
    { kind: 'server-anywhere' },
    { kind: 'agents' },
  ]),
];

/** Those whose name begins with what `GATEHOUSE_KILLS_ONLY` says; all without it. */
export function killsAsked(environment: NodeJS.ProcessEnv): readonly Kill[] {
  const only = environment['GATEHOUSE_KILLS_ONLY'];
  const asked = only === undefined ? all : all.filter((kill) => nameOf(kill).startsWith(only));
  if (asked.length === 0) throw new Error(`GATEHOUSE_KILLS_ONLY is "${only}", and no kill begins so`);
  return asked;
}

/** A fraction from 0 to 1, each time another one; the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<T>(all: readonly T[], random: () => number): readonly T[] {
  return all
    .map((one) => ({ one, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
