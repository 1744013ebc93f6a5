/**
 * What gateways that are not on the platform's release yet are brought to next. It needs all that was imported; since
 * that never changes once it is there, what was worked out of it is kept until something is added, recalled or taken.
 * A gateway that has arrived costs nothing, any other one query.
 */

import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import { type WalkDecision, type WalkGateway, walksOver } from '@gatehouse/domain/gateway-walk';
import { buildUpgradeGraph } from '@gatehouse/domain/upgrade-graph';
import { hasArrived, type WalkedFacts, type WalkSubject, walkFacts } from '@gatehouse/domain/walk-facts';
import { sql } from 'kysely';
import type { Queryable } from '../database/connection.ts';
import { loadPathReleases } from '../platform/release-graph.store.ts';
import { selectReleaseDocuments, toReleaseFacts } from '../releases/release.store.ts';
import { platformVersion } from './observation-facts.ts';

/** In the order of `subjects`. */
export async function loadWalks(
  db: Queryable,
  platform: ReleaseDocument | undefined,
  subjects: readonly WalkSubject[],
): Promise<readonly WalkedFacts[]> {
  if (platform === undefined) return subjects.map(() => ({}));
  const releaseOf = ({ identity }: WalkSubject) => toReleaseFacts(platform, identity.provider);
  const isAnyBehind = subjects.some((subject) => !hasArrived(subject, releaseOf(subject)));
  if (!isAnyBehind) return subjects.map((subject) => ({ release: releaseOf(subject) }));
  const decide = await loadDecisions(db, platform.platformVersion);
  return subjects.map((subject) => walkFacts(subject, releaseOf(subject), decide(subject.identity.provider)));
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
