/**
 * What must hold after any kill, read from the database by itself, past the product: everything that was acknowledged is
 * there once, nothing is there twice, and what only rises has risen by one each time. Each finding is a sentence.
 */

import { queryDatabase } from '@gatehouse/testkit/postgres';
import type { Acknowledged } from './writers.ts';

/** `actor` is the token with which all that was acknowledged was written. */
export async function brokenInvariants(
  databaseUrl: string,
  acknowledged: readonly Acknowledged[],
  actor: string,
): Promise<readonly string[]> {
  const query = (statement: string, values: readonly unknown[] = []) => queryDatabase(databaseUrl, statement, values);
  return [
    ...differences(
      'audit records',
      countOf(acknowledged.flatMap(({ action, subject }) => (action === undefined ? [] : [`${action} ${subject}`]))),
      toCounts(
        await query(
          `select a.action || ' ' || a.subject_name as what, count(*)::int as count
             from audit_records as a where a.actor = $1 and a.action not like 'platform.%' and a.action <> 'release.import'
                or a.actor = $1 and a.action in ('platform.waive', 'platform.end-waiver')
            group by 1`,
          [actor],
        ),
      ),
    ),
    ...differences(
      'events',
      countOf(acknowledged.flatMap(({ event, gateway }) => (event === undefined ? [] : [`${event} ${gateway ?? ''}`]))),
      toCounts(
        await query(
          `select e.type || ' ' || e.gateway_name as what, count(*)::int as count
             from events as e
            where e.type = any ($1)
            group by 1`,
          [[...new Set(acknowledged.flatMap(({ event }) => (event === undefined ? [] : [event])))]],
        ),
        // Made and installed by somebody else than the writers.
      ).filter(([what]) => !/^(gateway-created|registration-token-issued) (ours|owners|newcomer-\d+)$/.test(what)),
    ),
    ...rowsOf(acknowledged, await rows(query)),
    ...told(
      await query(
        `select 'told twice on ' || e.gateway_name || ': ' || e.message as what
           from events as e
          where e.type in ('agent-enrolled', 'profile-available', 'profile-update-started', 'control-planes-updated',
                           'workers-updated', 'pack-applied', 'profile-update-completed', 'agent-update-settled')
          group by e.gateway_id, e.gateway_name, e.type, e.message
         having count(*) > greatest(1, case when e.type like 'agent%' or e.type = 'profile-available' then 1 else
                  (select count(*) from profile_updates as u where u.gateway_id = e.gateway_id) end)`,
      ),
    ),
    ...told(
      await query(
        `select 'the generations of ' || g.name || ' have a gap or one too many: ' || count(t.generation) || ' of ' || g.generation as what
           from gateways as g left join targets as t on t.gateway_id = g.id
          group by g.id, g.name, g.generation
         having count(t.generation) <> g.generation or coalesce(max(t.generation), 0) <> g.generation`,
      ),
    ),
    ...told(
      await query(
        `select 'generation ' || t.generation || ' of ' || g.name || ' orders again what the one before it did' as what
           from targets as t
           join targets as b on b.gateway_id = t.gateway_id and b.generation = t.generation - 1
           join gateways as g on g.id = t.gateway_id
          where t.body - 'generation' = b.body - 'generation'`,
      ),
    ),
    ...told(
      await query(
        `select 'the gateway ' || g.name || ' has ' || count(*) || ' profile updates under way' as what
           from profile_updates as u join gateways as g on g.id = u.gateway_id
          where u.ended_at is null group by g.name having count(*) > 1`,
      ),
    ),
  ];
}

type Query = (statement: string, values?: readonly unknown[]) => Promise<readonly Readonly<Record<string, unknown>>[]>;
type Counts = readonly (readonly [what: string, count: number])[];

/** Rows by the operation that made each, and what it is about. */
async function rows(query: Query): Promise<Counts> {
  return toCounts(
    await query(
      `select 'createGateway ' || g.name as what, count(*)::int as count from gateways as g group by 1
       union all select 'createToken ' || t.name, count(*)::int from tokens as t group by 1
       union all select 'createTenant ' || t.name, count(*)::int from tenants as t group by 1
       union all select 'createProject ' || p.name, count(*)::int from projects as p group by 1
       union all select 'createHostCluster ' || h.namespace || '/' || h.name, count(*)::int from host_clusters as h group by 1
       union all select 'setPause ' || p.scope_name, count(*)::int from pauses as p group by 1
       union all select 'confirmProfileUpdate ' || g.name, count(*)::int
         from profile_updates as u join gateways as g on g.id = u.gateway_id group by 1
       union all select 'clearPause ' || p.scope_name, count(*)::int from pauses as p where p.cleared_at is not null group by 1
       union all select 'revokeToken ' || t.name, count(*)::int from tokens as t where t.revoked_at is not null group by 1
       union all select 'deleteGateway ' || g.name, count(*)::int from gateways as g where g.deleted_at is not null group by 1`,
    ),
  );
}

const withRows = new Set([
  'createGateway',
  'createToken',
  'createTenant',
  'createProject',
  'createHostCluster',
  'setPause',
  'confirmProfileUpdate',
  'clearPause',
  'revokeToken',
  'deleteGateway',
]);

/** Of each acknowledged write one row; rows of before the test are no concern. */
function rowsOf(acknowledged: readonly Acknowledged[], found: Counts): readonly string[] {
  const wanted = countOf(
    acknowledged.flatMap(({ write, subject }) => (withRows.has(write) ? [`${write} ${subject}`] : [])),
  );
  const names = new Set(wanted.map(([what]) => what));
  return differences(
    'rows',
    wanted,
    found.filter(([what]) => names.has(what)),
  );
}

function differences(of: string, wanted: Counts, found: Counts): readonly string[] {
  const [before, after] = [new Map(wanted), new Map(found)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((what) => {
    const [acknowledged, there] = [before.get(what) ?? 0, after.get(what) ?? 0];
    if (acknowledged === there) return [];
    return [`${of}: ${what}: ${acknowledged} acknowledged, ${there} there`];
  });
}

function countOf(all: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  return [...counts];
}

const toCounts = (found: readonly Readonly<Record<string, unknown>>[]): Counts =>
  found.map(({ what, count }) => [String(what), Number(count)]);

const told = (found: readonly Readonly<Record<string, unknown>>[]): readonly string[] =>
  found.map(({ what }) => String(what));
