/** Every gateway that counts, with what gates, risks and forecasts ask of it. */

import { hopReasons } from '@gatehouse/domain/explain';
import type { Known } from '@gatehouse/domain/gateway';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { gatewayHealth } from '@gatehouse/domain/gateway-status';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import type { GatewayReadiness, Waiver } from '@gatehouse/domain/platform-gates';
import type { Timings } from '@gatehouse/domain/timings';
import type { RiskGateway } from '@gatehouse/domain/upgrade-risk';
import type { KubernetesVersion, PlatformVersion } from '@gatehouse/domain/version';
import { sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';
import { selectGateways } from '../gateways/gateway.store.ts';
import { loadGateways } from '../gateways/gateway-facts.store.ts';
import { kubernetesVersion, platformVersion } from '../gateways/observation-facts.ts';
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

export const toWaiver = (row: {
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

/** Of milestones `m`: those of an agent update or a profile update. */
export const isUpdateSubject = sql<boolean>`(m.subject like 'attempt:%' or m.subject like 'profile-update:%' or m.subject like 'taken-back:%')`;

/** When something of an agent update or a profile update was last heard of each, by the server's clock. */
async function selectLastUpdates(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, Instant>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('milestones as m')
    .select(['m.gateway_id', sql<Date>`max(m.at)`.as('at')])
    .where('m.gateway_id', 'in', ids)
    .where(isUpdateSubject)
    .groupBy('m.gateway_id')
    .execute();
  return new Map(rows.map((row) => [row.gateway_id, toInstant(row.at.getTime())]));
}

export function toRiskGateway({ identity, settings, observation }: GatewayFacts): RiskGateway {
  if (observation === undefined) return riskGateway(identity, settings);
  const { agent, kubernetes, nodes, appliedProfile } = observation;
  return riskGateway(identity, settings, {
    kubernetes,
    agent: agent.version,
    profile: appliedProfile?.version,
    controlPlanes: nodes === 'unknown' ? 'unknown' : nodes.filter(({ role }) => role === 'control-plane').length,
  });
}

interface SeenOfRisks {
  readonly kubernetes: Known<KubernetesVersion>;
  readonly agent: PlatformVersion;
  readonly profile: PlatformVersion | undefined;
  readonly controlPlanes: Known<number>;
}

function riskGateway(
  { name, provider, installation }: Pick<RiskGateway, 'name' | 'provider' | 'installation'>,
  settings: { readonly controlPlanes: number },
  seen?: SeenOfRisks,
): RiskGateway {
  const place = { name, provider, installation };
  if (seen === undefined) {
    // Nobody has looked yet, and nothing can be ruled out.
    return { ...place, kubernetes: 'unknown', agent: 'unknown', profile: 'unknown', controlPlanes: 'unknown' };
  }
  const { profile, ...known } = seen;
  return {
    ...place,
    ...known,
    ...(profile === undefined ? {} : { profile }),
    controlPlanes: installation === 'cli' ? settings.controlPlanes : seen.controlPlanes,
  };
}

/** What `loadFleet` would say of the risks of every gateway, read without the rest of the facts. */
export async function loadRiskGateways(db: Queryable): Promise<readonly RiskGateway[]> {
  const rows = await db
    .selectFrom('gateways as g')
    .leftJoin('observations as o', 'o.gateway_id', 'g.id')
    .select(['g.name', 'g.provider', 'g.installation', 'g.control_planes'])
    .select([
      sql<string | null>`o.body -> 'agent' ->> 'version'`.as('agent'),
      sql<string | null>`o.body ->> 'kubernetes'`.as('kubernetes'),
      sql<string | null>`o.body -> 'appliedProfile' ->> 'version'`.as('profile'),
      sql<number | null>`case jsonb_typeof(o.body -> 'nodes') when 'array' then
        jsonb_array_length(jsonb_path_query_array(o.body, '$.nodes[*] ? (@.role == "control-plane")')) end`.as('seen'),
    ])
    .where('g.deleted_at', 'is', null)
    .where('g.deletion_requested_at', 'is', null)
    .orderBy('g.name')
    .orderBy('g.id')
    .execute();
  return rows.map((row) => {
    const settings = { controlPlanes: row.control_planes };
    if (row.agent === null || row.kubernetes === null) return riskGateway(row, settings);
    return riskGateway(row, settings, {
      kubernetes: row.kubernetes === 'unknown' ? 'unknown' : kubernetesVersion(row.kubernetes),
      agent: platformVersion(row.agent),
      profile: row.profile === null ? undefined : platformVersion(row.profile),
      controlPlanes: row.seen ?? 'unknown',
    });
  });
}
