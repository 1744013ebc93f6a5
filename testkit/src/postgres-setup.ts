/**
 * Vitest's global setup: one PostgreSQL for all projects of a run, stopped with the last of them. Test files get
 * their databases on it from `provided-postgres.ts`.
 */

import type { TestProject } from 'vitest/node';
import { startTestPostgres, type TestPostgres } from './postgres.ts';
import type {} from './provided-postgres.ts';

declare global {
  // Each project loads this module for itself; what they share lies on the process. Only `var` makes a global.
  var gatehouseTestPostgres: { readonly started: Promise<TestPostgres>; users: number } | undefined;
}

export async function setup(project: TestProject): Promise<void> {
  globalThis.gatehouseTestPostgres ??= { started: startTestPostgres(), users: 0 };
  globalThis.gatehouseTestPostgres.users += 1;
  project.provide('postgresUrl', (await globalThis.gatehouseTestPostgres.started).url);
}

export async function teardown(): Promise<void> {
  const postgres = globalThis.gatehouseTestPostgres;
  if (postgres === undefined) return;
  postgres.users -= 1;
  if (postgres.users > 0) return;
  globalThis.gatehouseTestPostgres = undefined;
  await (await postgres.started).stop();
}
