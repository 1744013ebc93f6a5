/**
 * The fleet for the page of the platform, found by its summaries: what is counted and which gateways stand in the way is
 * read of them (decision 0017), and the facts are loaded only of those that are shown. What moves the platform never asks
 * this; it asks `loadFleet`.
 */

import { isCurrent } from '@gatehouse/domain/explain';
import type { GatewayHealth } from '@gatehouse/domain/gateway';
import { addMilliseconds, type Instant, toInstant } from '@gatehouse/domain/instant';
import { type GatewayReadiness, gatesOf } from '@gatehouse/domain/platform-gates';
import type { Reason } from '@gatehouse/domain/reason';
import type { Timings } from '@gatehouse/domain/timings';
import type { PlatformVersion } from '@gatehouse/domain/version';
import { sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';
import { type FleetGateway, type FleetPart, isUpdateSubject, loadFleet, toWaiver } from './fleet.query.ts';
import { shownGatewaysMax } from './platform-view.ts';

export interface CountedGateway {
  readonly readiness: GatewayReadiness;
  readonly tenantId: string;
  readonly projectId?: string | undefined;
  readonly isCurrent: boolean;
}

export function countedOf(fleet: readonly FleetGateway[], now: Instant): readonly CountedGateway[] {
  return fleet.map(({ facts, readiness }) => ({
    readiness,
    tenantId: facts.identity.tenant.id,
    projectId: facts.identity.project?.id,
    isCurrent: isCurrent(facts, now),
  }));
}

/** Stands where more are held than are shown, so nobody reads it unless a summary was out of date. */
const notLookedAt: Reason = { code: 'not-current', message: 'Its own page says why.' };

/**
 * In the order of `loadFleet`. `version`: of the platform, for which gates are asked; absent: there are none.
 * `isShown`: of the part, whose facts may be shown.
 */
export async function findFleet(
  db: Queryable,
  find: {
    readonly part: FleetPart;
    readonly version: PlatformVersion | undefined;
    readonly isShown: (gateway: CountedGateway) => boolean;
  },
  now: Instant,
  timings: Timings,
): Promise<readonly CountedGateway[]> {
  const found = await selectFound(db, find.part, addMilliseconds(now, -timings.platform.settle));
  const gateways = found.map(({ readiness }) => readiness);
  const gates =
    find.version === undefined
      ? []
      : gatesOf({ version: find.version, gateways, settle: timings.platform.settle }, now);
  const shown = found.filter(find.isShown);
  const shownIds = new Set(shown.map(({ readiness }) => readiness.id));
  const ofState = (...states: readonly string[]) =>
    gates
      .filter(({ state, gatewayId }) => states.includes(state) && shownIds.has(gatewayId))
      .slice(0, shownGatewaysMax);
  const ids = new Set([
    ...shown
      .filter(({ readiness }) => readiness.reasons.length > 0)
      .slice(0, shownGatewaysMax)
      .map(({ readiness }) => readiness.id),
    // Apart from each other: of a plan only the closed ones are said.
    ...[...ofState('closed'), ...ofState('closed', 'waived')].map(({ gatewayId }) => gatewayId),
  ]);
  if (ids.size === 0) return found;
  const loaded = countedOf(await loadFleet(db, { ids: [...ids] }, now, timings), now);
  const byId = new Map(loaded.map((gateway) => [gateway.readiness.id, gateway]));
  return found.map((gateway) => byId.get(gateway.readiness.id) ?? gateway);
}

/** `since`: an update that was heard of before it has settled. */
async function selectFound(db: Queryable, part: FleetPart, since: Instant): Promise<readonly CountedGateway[]> {
  let query = db
    .with('updates', (on) =>
      on
        .selectFrom('milestones as m')
        .select(['m.gateway_id', sql<Date>`max(m.at)`.as('at')])
        .where('m.at', '>', new Date(since))
        .where(isUpdateSubject)
        .groupBy('m.gateway_id'),
    )
    .selectFrom('gateways as g')
    .innerJoin('gateway_summaries as s', 's.gateway_id', 'g.id')
    .innerJoin('tenants as n', 'n.id', 'g.tenant_id')
    .leftJoin('waivers as w', 'w.gateway_id', 'g.id')
    .leftJoin('updates as u', 'u.gateway_id', 'g.id')
    .select(['g.id', 'g.name', 'g.tenant_id', 'g.project_id', 'n.name as tenant', 's.health', 's.holds_hop'])
    .select(['w.set_by', 'w.reason', 'w.since', 'w.until', 'u.at as updated_at'])
    .select(sql<boolean>`s.states @> array['current']`.as('is_current'))
    .where('g.deleted_at', 'is', null)
    // One that is being deleted moves nowhere and holds nobody up.
    .where('g.deletion_requested_at', 'is', null)
    .orderBy('g.name')
    .orderBy('g.id');
  if (part.tenantId !== undefined) query = query.where('g.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('g.project_id', '=', part.projectId);
  const rows = await query.execute();
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    projectId: row.project_id ?? undefined,
    isCurrent: row.is_current,
    readiness: {
      id: row.id,
      name: row.name,
      tenant: row.tenant,
      reasons: row.holds_hop ? [notLookedAt] : [],
      health: healthOf(row.health),
      ...(row.updated_at === null ? {} : { lastUpdateAt: toInstant(row.updated_at.getTime()) }),
      ...(row.set_by === null || row.reason === null || row.since === null || row.until === null
        ? {}
        : { waiver: toWaiver({ set_by: row.set_by, reason: row.reason, since: row.since, until: row.until }) }),
    },
  }));
}

function healthOf(text: string): GatewayHealth {
  if (text === 'healthy' || text === 'unhealthy' || text === 'unknown') return text;
  throw new TypeError(`stored as the health of a gateway, but is none: ${text}`);
}
