/** Recalls as they are kept, who may leave them through a pause, and which gateways are on them. */

import type { RecallDocument } from '@gatehouse/contract/release-document';
import { type Instant, parseInstant } from '@gatehouse/domain/instant';
import { type KnownRelease, nextGood, recalledReleases } from '@gatehouse/domain/recall';
import type { RecalledRelease, RecallFacts } from '@gatehouse/domain/recall-types';
import { buildUpgradeGraph, stepsFrom } from '@gatehouse/domain/upgrade-graph';
import { sql } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { loadPathReleases } from '../platform/release-graph.store.ts';
import { type PlatformRow, selectRecalls } from '../releases/release.store.ts';

export const publisher = 'publisher';

/** The versions that were not signed as recalled before. What is there stays as it was said first. */
export async function insertSignedRecalls(
  tx: DatabaseTransaction,
  recalls: RecallDocument['recalls'],
  now: Instant,
): Promise<readonly string[]> {
  const added: string[] = [];
  for (const { platformVersion: version, reason, recalledAt } of recalls) {
    const inserted = await tx
      .insertInto('recalls')
      .values({
        version,
        source: 'signed',
        reason,
        recalled_at: new Date(parseInstant(recalledAt)),
        recalled_by: publisher,
        recorded_at: new Date(now),
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (inserted.numInsertedOrUpdatedRows === 1n) added.push(version);
  }
  return added;
}

export async function insertOperatorRecall(
  tx: DatabaseTransaction,
  recall: { readonly version: string; readonly reason: string; readonly by: string; readonly now: Instant },
): Promise<void> {
  const now = new Date(recall.now);
  await tx
    .insertInto('recalls')
    .values({
      version: recall.version,
      source: 'operator',
      reason: recall.reason,
      recalled_at: now,
      recalled_by: recall.by,
      recorded_at: now,
    })
    .execute();
}

/** With whatever was permitted for its sake. */
export async function deleteOperatorRecall(tx: DatabaseTransaction, version: string): Promise<void> {
  await tx.deleteFrom('recalls').where('version', '=', version).where('source', '=', 'operator').execute();
  await tx.deleteFrom('recall_permissions').where('version', '=', version).execute();
}

/** Whoever said it first stays. True when it is new. */
export async function insertRecallPermission(
  tx: DatabaseTransaction,
  permission: {
    readonly version: string;
    readonly gatewayId: string;
    readonly by: string;
    readonly reason: string;
    readonly now: Instant;
  },
): Promise<boolean> {
  const inserted = await tx
    .insertInto('recall_permissions')
    .values({
      version: permission.version,
      gateway_id: permission.gatewayId,
      given_by: permission.by,
      reason: permission.reason,
      given_at: new Date(permission.now),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

/** What every release has put on gateways, by digest. Documents are large, and of each only this is read. */
async function selectKnownReleases(db: Queryable): Promise<readonly KnownRelease[]> {
  const rows = await db
    .selectFrom('releases as r')
    .select([
      'r.version',
      sql<string>`r.document #>> '{agent,digest}'`.as('agent'),
      sql<readonly string[]>`jsonb_path_query_array(r.document, '$.profiles.*.digest')`.as('profiles'),
    ])
    .execute();
  return rows.map(({ version, agent, profiles }) => ({
    platformVersion: platformVersion(version),
    agentDigest: agent,
    profileDigests: profiles,
  }));
}

/** Empty while nothing is recalled. */
export async function loadRecalledReleases(db: Queryable): Promise<readonly RecalledRelease[]> {
  const recalls = await selectRecalls(db);
  return recalls.length === 0 ? [] : recalledReleases(await selectKnownReleases(db), recalls);
}

/** What recalls mean for each of the gateways; nothing while nothing is recalled. */
export async function loadRecallFacts(
  db: Queryable,
  platform: PlatformRow,
  gatewayIds: readonly string[],
): Promise<(gatewayId: string) => RecallFacts | undefined> {
  const releases = await loadRecalledReleases(db);
  if (releases.length === 0) return () => undefined;
  const permissions = await db
    .selectFrom('recall_permissions as p')
    .select(['p.gateway_id', 'p.version'])
    .where('p.gateway_id', 'in', gatewayIds)
    .execute();
  const next = await loadNextGood(db, platform, releases);
  return (gatewayId) => ({
    releases,
    evenIfPaused: permissions
      .filter(({ gateway_id }) => gateway_id === gatewayId)
      .map(({ version }) => platformVersion(version)),
    ...(next === undefined ? {} : { next }),
  });
}

async function loadNextGood(
  db: Queryable,
  { version, channel }: PlatformRow,
  releases: readonly RecalledRelease[],
): Promise<RecallFacts['next']> {
  if (version === undefined || !releases.some(({ recall }) => recall.platformVersion === version)) return undefined;
  const graph = buildUpgradeGraph(await loadPathReleases(db), channel === undefined ? {} : { channel });
  const from = platformVersion(version);
  return nextGood(
    from,
    stepsFrom(graph, from).map((step) => step.version),
  );
}

export interface GatewayOn {
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
  readonly tenant: string;
  readonly projectId?: string;
  readonly agentDigest: string;
  readonly profileDigest?: string;
  readonly confirmedDigest?: string;
}

/** Gateways that run one of the agents, or whose applied or confirmed profile is one of the digests. */
export async function selectGatewaysOn(
  db: Queryable,
  digests: readonly string[],
  part: { readonly tenantId?: string; readonly projectId?: string } = {},
): Promise<readonly GatewayOn[]> {
  if (digests.length === 0) return [];
  const agent = sql<string>`o.body #>> '{agent,digest}'`;
  const profile = sql<string | null>`o.body #>> '{appliedProfile,digest}'`;
  const confirmed = sql<string | null>`p.body #>> '{to,digest}'`;
  let query = db
    .selectFrom('gateways as g')
    .innerJoin('tenants as n', 'n.id', 'g.tenant_id')
    .innerJoin('observations as o', 'o.gateway_id', 'g.id')
    .leftJoin('profile_updates as u', (join) => join.onRef('u.gateway_id', '=', 'g.id').on('u.ended_at', 'is', null))
    .leftJoin('plans as p', (join) =>
      join.onRef('p.gateway_id', '=', 'u.gateway_id').onRef('p.plan_id', '=', 'u.plan_id'),
    )
    .select(['g.id', 'g.name', 'g.tenant_id', 'g.project_id', 'n.name as tenant_name'])
    .select([agent.as('agent'), profile.as('profile'), confirmed.as('confirmed')])
    .where('g.deleted_at', 'is', null)
    .where((eb) => eb.or([eb(agent, 'in', digests), eb(profile, 'in', digests), eb(confirmed, 'in', digests)]))
    .orderBy('g.name')
    .orderBy('g.id');
  if (part.tenantId !== undefined) query = query.where('g.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('g.project_id', '=', part.projectId);
  const rows = await query.execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    tenantId: row.tenant_id,
    tenant: row.tenant_name,
    agentDigest: row.agent,
    ...(row.project_id === null ? {} : { projectId: row.project_id }),
    ...(row.profile === null ? {} : { profileDigest: row.profile }),
    ...(row.confirmed === null ? {} : { confirmedDigest: row.confirmed }),
  }));
}

/** What of the recalled release the gateway runs. */
export function partsOn(
  { agentDigest, profileDigest }: GatewayOn,
  { agentDigests, profileDigests }: Pick<RecalledRelease, 'agentDigests' | 'profileDigests'>,
): ('agent' | 'profile')[] {
  return [
    ...(agentDigests.includes(agentDigest) ? ['agent' as const] : []),
    ...(profileDigest !== undefined && profileDigests.includes(profileDigest) ? ['profile' as const] : []),
  ];
}

export async function selectPermitted(db: Queryable, version: string): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('recall_permissions as p')
    .select('p.gateway_id')
    .where('p.version', '=', version)
    .execute();
  return new Set(rows.map(({ gateway_id }) => gateway_id));
}
