/**
 * The fail points of the control plane. Its persists all go through one door, the database, and what it tells anybody
 * through another, HTTP; so the places stand in these two doors (`failing-dialect.ts`, `failing-replies.ts`) and are named
 * by the work that is under way: `setPause.persist.before`. A write that belongs to no named work is an error while fail
 * points are on, so none can be forgotten. What the program starts at its start has a place before and after each step.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import type { Route } from '@gatehouse/contract/route';
import { type FailPoints, placesAround, readFailPoints } from '@gatehouse/release/fail-point';

const routes: Readonly<Record<string, Route>> = operatorRoutes;
/** What operators ask for and that may leave something behind. */
export const operatorWrites: readonly string[] = Object.entries(routes).flatMap(([name, { method }]) =>
  method === 'GET' ? [] : [name],
);
/** By address. A challenge leaves nothing behind. */
export const agentWrites: Readonly<Record<string, string>> = {
  '/v1/agent/enrol': 'agentEnrol',
  '/v1/agent/session': 'agentSession',
  '/v1/agent/poll': 'agentPoll',
};
/** What runs by a timer. */
export const tasks = ['poll-times', 'upkeep', 'replica', 'platform-plan', 'gateway-summaries', 'deliver'] as const;
/** In their order, each with what it writes into the database. */
export const startSteps = [
  'start-database',
  'start-schema',
  'start-defaults',
  'start-replica',
  'start-timeline',
  'start-admin-token',
  'start-sandbox-gateways',
  'start-listening',
  'start-sandbox',
  'start-sign-in-link',
] as const;
export type StartStep = (typeof startSteps)[number];
/** Those that write nothing into the database. */
const stepsOutside: ReadonlySet<string> = new Set(['start-database', 'start-listening', 'start-sandbox']);
const stopSteps = ['stop-replica'] as const;

export type NamedWork = (typeof tasks)[number] | StartStep | (typeof stopSteps)[number];

const answered = [...operatorWrites, ...Object.values(agentWrites)];
const persisting = [...answered, ...tasks, ...startSteps.filter((step) => !stepsOutside.has(step)), ...stopSteps];

export const failPointNames: readonly string[] = placesAround([
  ...persisting.map((name) => `${name}.persist`),
  ...answered.map((name) => `${name}.reply`),
  ...startSteps.map((name) => `${name}.step`),
]);

/** Undefined in production. Throws `FailPointsInvalid`. */
export const readServerFailPoints = (environment: NodeJS.ProcessEnv): FailPoints | undefined =>
  readFailPoints(environment, failPointNames);

const underWay = new AsyncLocalStorage<string>();

/** The name of what is under way. Throws for a write that nobody has named. */
export function workUnderWay(): string {
  const name = underWay.getStore();
  if (name === undefined) throw new Error('something is written outside of any named work; see work/fail-points.ts');
  return name;
}

/** Runs `work` under the name. Without fail points it is `work` as it is. */
export function named<T>(points: FailPoints | undefined, name: NamedWork, work: () => Promise<T>): Promise<T> {
  return points === undefined ? work() : underWay.run(name, work);
}

/** Goes on with `next` under the name. */
export const nameRest = (name: string, next: () => void): void => underWay.run(name, next);

/** One step of the start, with a place before and after it. */
export async function startStep<T>(
  points: FailPoints | undefined,
  name: StartStep,
  step: () => Promise<T>,
): Promise<T> {
  if (points === undefined) return step();
  await points.reach(`${name}.step.before`);
  const result = await underWay.run(name, step);
  await points.reach(`${name}.step.after`);
  return result;
}
