/** Every gateway that counts, with what gates, risks and forecasts ask of it. */

import { hopReasons } from '@gatehouse/domain/explain';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { gatewayHealth } from '@gatehouse/domain/gateway-status';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import type { GatewayReadiness, Waiver } from '@gatehouse/domain/platform-gates';
import type { Timings } from '@gatehouse/domain/timings';
import type { RiskGateway } from '@gatehouse/domain/upgrade-risk';
import { sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';
import { selectGateways } from '../gateways/gateway.store.ts';
import { loadGateways } from '../gateways/gateway-facts.store.ts';
import { selectWaiversOf } from './waiver.store.ts';

export interface FleetGateway {
  readonly facts: GatewayFacts;
  readonly readiness: GatewayReadiness;
  readonly risk: RiskGateway;
}

export interface FleetPart {
  readonly tenantId?: string;
  readonly projectId?: string;
  /** Only these, where they still count. */
  readonly ids?: readonly string[];
}

const rowsPerRead = 500;

/** Of the whole platform, or of the part that is named; in the order of their names. */
export async function loadFleet(
  db: Queryable,
  part: FleetPart,
  now: Instant,
  timings: Timings,
): Promise<readonly FleetGateway[]> {
  const fleet: FleetGateway[] = [];
  let after: { readonly name: string; readonly id: string } | undefined;
  for (;;) {
    const rows = await selectGateways(db, { ...part, after, limit: rowsPerRead });
    // One that is being deleted moves nowhere and holds nobody up.
    const counting = rows.filter((row) => row.deletion_requested_at === null);
    const ids = counting.map(({ id }) => id);
    const waivers = new Map((await selectWaiversOf(db, ids)).map((row) => [row.gateway_id, toWaiver(row)]));
    const updated = await selectLastUpdates(db, ids);
    for (const { row, facts } of await loadGateways(db, counting, { withProfiles: false })) {
      const waiver = waivers.get(row.id);
      const lastUpdateAt = updated.get(row.id);
      const readiness: GatewayReadiness = {
        id: row.id,
        name: row.name,
        tenant: row.tenant_name,
        reasons: hopReasons(facts, now, timings),
        health: gatewayHealth(facts, now, timings),
        ...(lastUpdateAt === undefined ? {} : { lastUpdateAt }),
        ...(waiver === undefined ? {} : { waiver }),
      };
      fleet.push({ facts, readiness, risk: toRiskGateway(facts) });
    }
    const last = rows.at(-1);
    if (rows.length < rowsPerRead || last === undefined) return fleet;
    after = { name: last.name, id: last.id };
  }
}

const toWaiver = (row: {
  readonly set_by: string;
  readonly reason: string;
  readonly since: Date;
  readonly until: Date;
}): Waiver => ({
  by: row.set_by,
  reason: row.reason,
  since: toInstant(row.since.getTime()),
  until: toInstant(row.until.getTime()),
});

/** When something of an agent update or a profile update was last heard of each, by the server's clock. */
async function selectLastUpdates(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, Instant>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('milestones as m')
    .select(['m.gateway_id', sql<Date>`max(m.at)`.as('at')])
    .where('m.gateway_id', 'in', ids)
    .where((eb) =>
      eb.or([
        eb('m.subject', 'like', 'attempt:%'),
        eb('m.subject', 'like', 'profile-update:%'),
        eb('m.subject', 'like', 'taken-back:%'),
      ]),
    )
    .groupBy('m.gateway_id')
    .execute();
  return new Map(rows.map((row) => [row.gateway_id, toInstant(row.at.getTime())]));
}

export function toRiskGateway({ identity, settings, observation }: GatewayFacts): RiskGateway {
  const { name, provider, installation } = identity;
  const place = { name, provider, installation };
  if (observation === undefined) {
    // Nobody has looked yet, and nothing can be ruled out.
    return { ...place, kubernetes: 'unknown', agent: 'unknown', profile: 'unknown', controlPlanes: 'unknown' };
  }
  const { agent, kubernetes, nodes, appliedProfile } = observation;
  const controlPlanes = nodes === 'unknown' ? 'unknown' : nodes.filter(({ role }) => role === 'control-plane').length;
  return {
    ...place,
    kubernetes,
    agent: agent.version,
    ...(appliedProfile === undefined ? {} : { profile: appliedProfile.version }),
    controlPlanes: installation === 'cli' ? settings.controlPlanes : controlPlanes,
  };
}
