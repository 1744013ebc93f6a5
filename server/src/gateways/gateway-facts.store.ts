/**
 * Everything that is known of gateways, loaded as the one shape that decisions, plans and explanations read. Loaded for
 * many at once with a fixed number of queries.
 */

import type { Observation, Target } from '@gatehouse/contract/agent-api';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { ConfirmedProfileUpdate, GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import type { Pause } from '@gatehouse/domain/pause';
import type { WalkSubject } from '@gatehouse/domain/walk-facts';
import type { Selectable } from 'kysely';
import { toIdentityUse } from '../agents/agent.store.ts';
import type { Queryable } from '../database/connection.ts';
import type { Tables } from '../database/schema.ts';
import { loadRecallFacts } from '../recalls/recall.store.ts';
import { selectPlatform, selectProfileDocuments, selectReleaseDocument, toProfile } from '../releases/release.store.ts';
import type { GatewayRow } from './gateway.store.ts';
import { platformVersion, toObservationFacts } from './observation-facts.ts';
import { loadWalks } from './walk.store.ts';

export type PauseRow = Selectable<Tables['pauses']>;
export type ProfileUpdateRow = Selectable<Tables['profile_updates']>;

export interface LoadedGateway {
  readonly row: GatewayRow;
  readonly facts: GatewayFacts;
  readonly observation?: { readonly digest: string; readonly body: Observation };
  /** The newest one. */
  readonly target?: Target;
  readonly pauses: readonly PauseRow[];
  /** Confirmed, neither completed nor cancelled. */
  readonly openUpdate?: ProfileUpdateRow;
}

export interface LoadOptions {
  /** Also the profile documents, which only a plan needs. */
  readonly withProfiles: boolean;
}

export async function loadGateway(db: Queryable, row: GatewayRow, options: LoadOptions): Promise<LoadedGateway> {
  const [loaded] = await loadGateways(db, [row], options);
  if (loaded === undefined) throw new Error(`the gateway ${row.id} was given and not loaded`);
  return loaded;
}

/** In the order of `rows`. */
export async function loadGateways(
  db: Queryable,
  rows: readonly GatewayRow[],
  options: LoadOptions,
): Promise<readonly LoadedGateway[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const platform = await selectPlatform(db);
  const release = platform.version === undefined ? undefined : await selectReleaseDocument(db, platform.version);
  const polls = byGateway(await db.selectFrom('gateway_polls').selectAll().where('gateway_id', 'in', ids).execute());
  const observations = byGateway(
    await db.selectFrom('observations').selectAll().where('gateway_id', 'in', ids).execute(),
  );
  const identities = byGateway(
    await db
      .selectFrom('agent_identities')
      .select(['gateway_id', 'enrolled_at', 'places', 'waits_until', 'shared_since'])
      .where('gateway_id', 'in', ids)
      .execute(),
  );
  const targets = byGateway(await selectNewestTargets(db, ids));
  const pauses = await selectOpenPauses(db, rows);
  const exemptions = byGateway(await db.selectFrom('exemptions').selectAll().where('gateway_id', 'in', ids).execute());
  const retried = await db
    .selectFrom('retried_agents as r')
    .select(['r.gateway_id', 'r.digest'])
    .where('r.gateway_id', 'in', ids)
    .execute();
  const updates = byGateway(await selectOpenUpdates(db, ids));
  const recallsOf = await loadRecallFacts(db, platform, ids);
  const subjects = rows.map((row) => toSubject(row, observations.get(row.id)));
  const walks = await loadWalks(db, release, subjects);
  const profiles = options.withProfiles
    ? await selectProfileDocuments(db, [
        ...new Set([
          ...Object.values(release?.profiles ?? {}).map(({ digest }) => digest),
          ...walks.flatMap((walked) => walked.release?.profile?.digest ?? []),
          ...[...observations.values()].flatMap(({ body }) => body.appliedProfile?.digest ?? []),
        ]),
      ])
    : undefined;
  const profile = (digest: string | undefined) => {
    const document = digest === undefined ? undefined : profiles?.get(digest);
    return document === undefined || digest === undefined ? undefined : toProfile(document, digest);
  };

  return rows.map((row, index): LoadedGateway => {
    const poll = polls.get(row.id);
    const identity = identities.get(row.id);
    const observation = observations.get(row.id);
    const target = targets.get(row.id)?.body;
    const update = updates.get(row.id);
    const exemption = exemptions.get(row.id);
    const own = pauses.filter((pause) => concerns(pause, row));
    const subject = subjects[index] ?? toSubject(row, observation);
    const walked = walks[index] ?? {};
    const facts: GatewayFacts = {
      ...subject,
      pauses: own.map(toPause),
      retriedAgentDigests: retried.filter(({ gateway_id }) => gateway_id === row.id).map(({ digest }) => digest),
      generation: row.generation,
      ...optional('provisioningBegunAt', row.provisioning_begun_at),
      ...optional('enrolledAt', identity?.enrolled_at),
      ...given('identityUse', identity && toIdentityUse(identity)),
      ...optional('deletionRequestedAt', row.deletion_requested_at),
      ...optional('deletedAt', row.deleted_at),
      ...optional('silenceExpectedUntil', row.silence_expected_until),
      ...optional('lastPollAt', poll?.last_poll_at),
      ...optional('nextPollDueAt', poll?.next_poll_due_at),
      ...(exemption === undefined
        ? {}
        : {
            exemption: {
              by: exemption.set_by,
              reason: exemption.reason,
              since: instant(exemption.since),
              until: instant(exemption.until),
            },
          }),
      ...walked,
      ...given('recalls', recallsOf(row.id)),
      ...given('targetAgent', toTargetAgent(target)),
      ...given('profileUpdate', update === undefined ? undefined : toConfirmed(update)),
      ...given('currentProfile', profile(observation?.body.appliedProfile?.digest)),
      ...given('releaseProfile', profile(walked.release?.profile?.digest)),
    };
    return {
      row,
      facts,
      pauses: own,
      ...(observation === undefined ? {} : { observation: { digest: observation.digest, body: observation.body } }),
      ...(target === undefined ? {} : { target }),
      ...(update === undefined ? {} : { openUpdate: update }),
    };
  });
}

function toSubject(row: GatewayRow, observation: Selectable<Tables['observations']> | undefined): WalkSubject {
  return {
    identity: {
      id: row.id,
      name: row.name,
      tenant: { id: row.tenant_id, name: row.tenant_name },
      ...(row.project_id === null || row.project_name === null
        ? {}
        : { project: { id: row.project_id, name: row.project_name } }),
      installation: row.installation,
      provider: row.provider,
    },
    settings: { controlPlanes: row.control_planes === 1 ? 1 : 3, workers: row.workers },
    ...(observation === undefined
      ? {}
      : { observation: toObservationFacts(observation.body, instant(observation.received_at)) }),
  };
}

async function selectNewestTargets(db: Queryable, ids: readonly string[]) {
  return db
    .selectFrom('targets as t')
    .innerJoin('gateways as g', (join) =>
      join.onRef('g.id', '=', 't.gateway_id').onRef('g.generation', '=', 't.generation'),
    )
    .select(['t.gateway_id', 't.body'])
    .where('t.gateway_id', 'in', ids)
    .execute();
}

async function selectOpenPauses(db: Queryable, rows: readonly GatewayRow[]): Promise<readonly PauseRow[]> {
  const scopes = new Set(
    rows.flatMap((row) => [row.id, row.tenant_id, ...(row.project_id === null ? [] : [row.project_id])]),
  );
  return db
    .selectFrom('pauses as p')
    .selectAll('p')
    .where('p.cleared_at', 'is', null)
    .where('p.scope_id', 'in', [...scopes])
    .orderBy('p.since')
    .execute();
}

async function selectOpenUpdates(db: Queryable, ids: readonly string[]) {
  return db
    .selectFrom('profile_updates as u')
    .innerJoin('plans as p', (join) =>
      join.onRef('p.gateway_id', '=', 'u.gateway_id').onRef('p.plan_id', '=', 'u.plan_id'),
    )
    .selectAll('u')
    .select('p.body as plan')
    .where('u.gateway_id', 'in', ids)
    .where('u.ended_at', 'is', null)
    .execute();
}

type OpenUpdate = Awaited<ReturnType<typeof selectOpenUpdates>>[number];

const toConfirmed = (update: OpenUpdate): ConfirmedProfileUpdate => ({
  plan: update.plan,
  confirmedAt: instant(update.confirmed_at),
  confirmedBy: update.confirmed_by,
  retry: update.retry,
  isCancelled: update.is_cancelled,
});

const concerns = (pause: PauseRow, row: GatewayRow): boolean =>
  pause.scope_id === { tenant: row.tenant_id, project: row.project_id, gateway: row.id }[pause.scope_kind];

export const toPause = (row: PauseRow): Pause => ({
  scope: { kind: row.scope_kind, id: row.scope_id, name: row.scope_name },
  by: row.set_by,
  reason: row.reason,
  since: instant(row.since),
  ...optional('until', row.until),
});

function toTargetAgent(target: Target | undefined): AgentRelease | undefined {
  const agent = target?.agent;
  return agent && { version: platformVersion(agent.version), digest: agent.digest };
}

const instant = (date: Date): Instant => toInstant(date.getTime());

function optional<Key extends string>(key: Key, date: Date | null | undefined): { readonly [K in Key]?: Instant } {
  return given(key, date === null || date === undefined ? undefined : instant(date));
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- A computed key widens to string; the one there is is `Key`.
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in Key]?: Value };
}

function byGateway<Row extends { readonly gateway_id: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.gateway_id, row]));
}
