/** Brings a database to the schema of this program: numbered migrations, only forward, safe when two start at once. */

import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { Database, Queryable } from './connection.ts';
import { faultOf } from './database-fault.ts';
import { up as initial } from './migrations/0001-initial.ts';
import { up as platformPlans } from './migrations/0002-platform-plans.ts';
import { up as recalls } from './migrations/0003-recalls.ts';
import { up as registryPrefix } from './migrations/0004-registry-prefix.ts';
import { up as notifications } from './migrations/0005-notifications.ts';
import { up as identityPlaces } from './migrations/0007-identity-places.ts';
import { up as gatewaySummaries } from './migrations/0008-gateway-summaries.ts';
import { up as handOverBeginsAnew } from './migrations/0009-hand-over-begins-anew.ts';
import { up as knownByAgents } from './migrations/0010-known-by-agents.ts';
import { up as gatewaysThatHoldAHop } from './migrations/0011-gateways-that-hold-a-hop.ts';

const migrations = {
  '0001-initial': { up: initial },
  '0002-platform-plans': { up: platformPlans },
  '0003-recalls': { up: recalls },
  '0004-registry-prefix': { up: registryPrefix },
  '0005-notifications': { up: notifications },
  '0007-identity-places': { up: identityPlaces },
  '0008-gateway-summaries': { up: gatewaySummaries },
  '0009-hand-over-begins-anew': { up: handOverBeginsAnew },
  '0010-known-by-agents': { up: knownByAgents },
  '0011-gateways-that-hold-a-hop': { up: gatewaysThatHoldAHop },
};

/** Those of this program that the database has not had. One that only a newer program knows is no concern of this one. */
export async function missingMigrations(db: Queryable): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select m.name from kysely_migration as m`.execute(db);
  const had = new Set(rows.map(({ name }) => name));
  return Object.keys(migrations).filter((name) => !had.has(name));
}

export async function migrate(db: Database): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...migrations }) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  // What says nothing about a migration: whoever can wait for the database may try again.
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName;
  if (error instanceof Error && (failed === undefined || faultOf(error) !== undefined)) throw error;
  throw new Error(`cannot bring the database to this program's schema${failed ? ` (migration ${failed})` : ''}`, {
    cause: error,
  });
}
