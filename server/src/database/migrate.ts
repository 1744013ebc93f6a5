/** Brings a database to the schema of this program: numbered migrations, only forward, safe when two start at once. */

import { Migrator } from 'kysely/migration';
import type { Database } from './connection.ts';
import { up as initial } from './migrations/0001-initial.ts';

const migrations = { '0001-initial': { up: initial } };

export async function migrate(db: Database): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...migrations }) } });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find(({ status }) => status === 'Error')?.migrationName;
  throw new Error(`cannot bring the database to this program's schema${failed ? ` (migration ${failed})` : ''}`, {
    cause: error,
  });
}
