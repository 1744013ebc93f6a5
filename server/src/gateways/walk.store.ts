/**
 * What gateways that are not on the platform's release yet are brought to next. It needs all that was imported; since
 * that never changes once it is there, what was worked out of it is kept until something is added, recalled or taken.
 * A gateway that has arrived costs nothing, any other one query.
 */

import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { type WalkDecision, type WalkGateway, walksOver } from '@gatehouse/domain/gateway-walk';
import { buildUpgradeGraph } from '@gatehouse/domain/upgrade-graph';
import { sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';
import { loadPathReleases } from '../platform/release-graph.store.ts';
import { selectReleaseDocuments, toReleaseFacts } from '../releases/release.store.ts';
import type { GatewayRow } from './gateway.store.ts';
import { platformVersion } from './observation-facts.ts';

export type Walked = Pick<GatewayFacts, 'release' | 'platformRelease' | 'walk'>;

export interface WalkSubject {
  readonly row: GatewayRow;
  readonly observation: NonNullable<GatewayFacts['observation']>;
}

/** By the gateway's id; without those for which the platform's release is all there is to say. */
export async function loadWalks(
  db: Queryable,
  platform: ReleaseDocument | undefined,
  subjects: readonly WalkSubject[],
): Promise<ReadonlyMap<string, Walked>> {
  if (platform === undefined) return new Map();
  const behind = subjects.filter((subject) => !hasArrived(platform, subject));
  if (behind.length === 0) return new Map();
  const decide = await loadDecisions(db, platform.platformVersion);
  return new Map(
    behind.flatMap((subject): readonly (readonly [string, Walked])[] => {
      const { row } = subject;
      const decision = decide(row.provider)(toWalkGateway(subject));
      const platformRelease = toReleaseFacts(platform, row.provider);
      const walked = toWalked(decision, platformRelease);
      return walked === undefined ? [] : [[row.id, walked]];
    }),
  );
}

function hasArrived(platform: ReleaseDocument, { row, observation }: WalkSubject): boolean {
  const { agent, profile } = toReleaseFacts(platform, row.provider);
  const { appliedProfile } = observation;
  const isProfileThere =
    row.installation === 'existing-cluster' ||
    profile === undefined ||
    appliedProfile === undefined ||
    appliedProfile.digest === profile.digest;
  return observation.agent.digest === agent.digest && isProfileThere;
}

function toWalkGateway({ row, observation }: WalkSubject): WalkGateway {
  const { agent, appliedProfile, kubernetes } = observation;
  return {
    name: row.name,
    installation: row.installation,
    agent,
    ...(appliedProfile === undefined ? {} : { profile: appliedProfile }),
    kubernetes,
    controlPlanes: row.control_planes,
  };
}

function toWalked(decision: WalkDecision, platformRelease: NonNullable<Walked['release']>): Walked | undefined {
  switch (decision.kind) {
    case 'arrived':
    case 'beyond':
      return undefined;
    case 'hold':
      return { release: platformRelease, walk: { kind: 'held', reasons: decision.reasons } };
    case 'walk': {
      const { from, stops, next } = decision;
      if (next.platformVersion === platformRelease.platformVersion) return undefined;
      return {
        release: next,
        platformRelease,
        ...(stops.length > 1 ? { walk: { kind: 'on-way', from, stops } } : {}),
      };
    }
  }
}

/** For a provider. */
type Decisions = (provider: string) => (gateway: WalkGateway) => WalkDecision;

const kept = new Map<string, Decisions>();
const keptMax = 4;

async function loadDecisions(db: Queryable, version: string): Promise<Decisions> {
  const key = await selectKey(db, version);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const decisions = await makeDecisions(db, version);
  if (kept.size >= keptMax) kept.clear();
  kept.set(key, decisions);
  return decisions;
}

/**
 * Differs as soon as anything differs that a walk depends on. Several control planes may be in one process, each with a
 * root of its own, so the root is part of it.
 */
async function selectKey(db: Queryable, version: string): Promise<string> {
  const { rows } = await sql<{ key: string }>`
    select concat_ws(' ',
      ${version}::text,
      (select p.root_fingerprint from platform as p),
      (select concat(count(*), ' ', max(r.imported_at)) from releases as r),
      (select concat(count(*), ' ', max(c.recorded_at)) from recalls as c),
      (select md5(string_agg(c.version || ' ' || c.source, ',' order by c.version, c.source)) from recalls as c),
      (select md5(string_agg(h.from_version || ' ' || h.to_version, ',' order by h.to_version)) from platform_hops as h),
      (select md5(string_agg(n.accepted_risks::text, ',' order by n.id)) from platform_plans as n)
    ) as key`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('a select without a table gave no row');
  return row.key;
}

async function makeDecisions(db: Queryable, version: string): Promise<Decisions> {
  const documents = await selectReleaseDocuments(db);
  const releases = await loadPathReleases(db);
  const hops = await db.selectFrom('platform_hops as h').select(['h.from_version', 'h.to_version']).execute();
  const plans = await db.selectFrom('platform_plans as p').select('p.accepted_risks').execute();
  const taken = hops.map((hop) => ({ from: platformVersion(hop.from_version), to: platformVersion(hop.to_version) }));
  // Without a channel: what the platform stopped at while it followed one is a stop also when it follows another.
  const graph = buildUpgradeGraph(releases, { keptEdges: taken });
  const acceptedRisks = [...new Set(plans.flatMap((plan) => plan.accepted_risks.map(({ name }) => name)))];
  const byProvider = new Map<string, (gateway: WalkGateway) => WalkDecision>();
  return (provider) => {
    const known = byProvider.get(provider);
    if (known !== undefined) return known;
    const facts = documents.map((document) => toReleaseFacts(document, provider));
    const decide = walksOver({
      graph,
      platform: platformVersion(version),
      provider,
      releases: new Map(facts.map((release) => [release.platformVersion, release])),
      taken,
      acceptedRisks,
    });
    byProvider.set(provider, decide);
    return decide;
  };
}
