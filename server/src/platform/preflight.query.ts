/** What is observed of the control plane itself before a hop; what follows from it is decided in the domain. */

import {
  checkControlPlane,
  type DatabaseFacts,
  type PreflightFacts,
  type PreflightFinding,
} from '@gatehouse/domain/platform-preflight';
import type { PlatformVersion } from '@gatehouse/domain/version';
import { sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';
import { missingMigrations } from '../database/migrate.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { selectReplicas } from './replica.store.ts';

export interface PreflightQuestion {
  /** The release of the next hop, if there is one. */
  readonly release?: { readonly version: PlatformVersion; readonly serverMinimum: PlatformVersion };
}

export async function preflight(db: Queryable, { release }: PreflightQuestion): Promise<readonly PreflightFinding[]> {
  const replicas = await selectReplicas(db);
  const facts: PreflightFacts = {
    database: await observeDatabase(db),
    missingMigrations: await missingMigrations(db),
    replicas: replicas.map((replica) => ({
      name: replica.name,
      programVersion: platformVersion(replica.program_version),
      silentFor: replica.silent_milliseconds,
    })),
    ...(release === undefined ? {} : { release }),
  };
  return checkControlPlane(facts);
}

async function observeDatabase(db: Queryable): Promise<DatabaseFacts> {
  const { rows } = await sql<Settings>`
    select pg_is_in_recovery() as is_in_recovery,
           current_setting('transaction_read_only') = 'on' as is_read_only,
           current_setting('fsync') as fsync,
           current_setting('full_page_writes') as full_page_writes,
           current_setting('synchronous_commit') as synchronous_commit,
           current_setting('synchronous_standby_names') as synchronous_standby_names,
           p.database_timeline as known_timeline
    from platform as p`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the platform has no row');
  return {
    isInRecovery: row.is_in_recovery,
    isReadOnly: row.is_read_only,
    fsync: row.fsync,
    fullPageWrites: row.full_page_writes,
    synchronousCommit: row.synchronous_commit,
    ...(await synchronousCommitOfNew(db)),
    synchronousStandbyNames: row.synchronous_standby_names,
    timeline: row.is_in_recovery ? 'unknown' : await observeTimeline(db),
    ...(row.known_timeline === null ? {} : { knownTimeline: row.known_timeline }),
  };
}

/**
 * A role or a database may have a setting of its own, which sessions get that begin later than it was set. A role's goes
 * before a database's, and both together before either (PostgreSQL, ALTER ROLE).
 */
async function synchronousCommitOfNew(db: Queryable): Promise<Pick<DatabaseFacts, 'synchronousCommitOfNew'>> {
  const { rows } = await sql<{ value: string; role: string | null; database: string | null }>`
    select split_part(c.setting, '=', 2) as value, r.rolname as role, d.datname as database
    from pg_db_role_setting as s
      cross join lateral unnest(s.setconfig) as c (setting)
      left join pg_roles as r on r.oid = s.setrole
      left join pg_database as d on d.oid = s.setdatabase
    where split_part(c.setting, '=', 1) = 'synchronous_commit'
      and (s.setrole = 0 or r.rolname = current_user)
      and (s.setdatabase = 0 or d.datname = current_database())
    order by s.setrole <> 0 and s.setdatabase <> 0 desc, s.setrole <> 0 desc
    limit 1`.execute(db);
  const [row] = rows;
  if (row === undefined) return {};
  const named = [
    ...(row.role === null ? [] : [`the role ${row.role}`]),
    ...(row.database === null ? [] : [`the database ${row.database}`]),
  ];
  return { synchronousCommitOfNew: { value: row.value, of: named.join(' in ') || 'all roles' } };
}

interface Settings {
  readonly is_in_recovery: boolean;
  readonly is_read_only: boolean;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
  readonly synchronous_standby_names: string;
  readonly known_timeline: number | null;
}

/**
 * The first eight hexadecimal digits of a WAL file's name are its timeline. Asked of the newest one, since the control
 * file names the new timeline only from the first checkpoint after a promotion on.
 */
export async function observeTimeline(db: Queryable): Promise<number | 'unknown'> {
  // A role may be denied it, and a service that looks like PostgreSQL may have none.
  const inTransaction = db.isTransaction;
  if (inTransaction) await sql`savepoint observe_timeline`.execute(db);
  try {
    const { rows } = await sql<{ name: string }>`select pg_walfile_name(pg_current_wal_lsn()) as name`.execute(db);
    const timeline = Number.parseInt(rows[0]?.name.slice(0, 8) ?? '', 16);
    return Number.isSafeInteger(timeline) ? timeline : 'unknown';
  } catch {
    if (inTransaction) await sql`rollback to savepoint observe_timeline`.execute(db);
    return 'unknown';
  }
}
