/** Writes a gateway's next target if what it should be is no longer what its target says. Within a transaction that has locked the gateway. */

import type { Target } from '@gatehouse/contract/agent-api';
import { type AgentUpdateDecision, decideAgentUpdate } from '@gatehouse/domain/agent-update';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { nextGeneration } from '@gatehouse/domain/generation';
import type { ProfileUpdatePlan } from '@gatehouse/domain/profile-update-types';
import { isUpdateToCancel, recallOfProfile } from '@gatehouse/domain/recall';
import type { Timings } from '@gatehouse/domain/timings';
import { jsonDigest } from '@gatehouse/release/canonical-json';
import { eventSubject, updateGateway } from '../gateways/gateway.store.ts';
import type { LoadedGateway } from '../gateways/gateway-facts.store.ts';
import { currentPlan } from '../profile-updates/current-plan.ts';
import { insertPlan, updateProfileUpdateOrder } from '../profile-updates/profile-update.store.ts';
import { selectReleaseDocument } from '../releases/release.store.ts';
import type { Work } from '../work/work.ts';
import { desiredTarget, isSameTarget } from './desired-target.ts';
import { insertTarget, selectReleasesOfAgent, selectReleasesOfProfile } from './poll.store.ts';

export interface Retarget {
  /** With its profiles, and with whatever this transaction has changed. */
  readonly loaded: LoadedGateway;
  readonly timings: Timings;
  /** For the record of why there is a new target. */
  readonly reason: string;
  /** What the agent says it has; higher than ours only after our database was set back. */
  readonly reportedGeneration?: number;
  /** Of the target that the agent says it has; absent from agents that do not say. */
  readonly reportedDigest?: string | undefined;
}

export interface Retargeted {
  readonly decision: AgentUpdateDecision;
  readonly plan?: ProfileUpdatePlan;
  /** The newest target, new or not; absent where there is nothing to say yet. */
  readonly target?: Target;
  readonly isNew: boolean;
}

export async function retarget(
  work: Work,
  { loaded, timings, reason, reportedGeneration = 0, reportedDigest }: Retarget,
): Promise<Retargeted> {
  const { tx, now } = work;
  const { row, openUpdate } = loaded;
  const isUpdateCancelled = openUpdate !== undefined && isUpdateToCancel(loaded.facts);
  const facts = isUpdateCancelled ? withCancelledUpdate(loaded.facts) : loaded.facts;
  const decision = decideAgentUpdate(facts, now, timings);
  const planned = facts.profileUpdate === undefined ? currentPlan(facts) : { reasons: [] };
  const plan = 'reasons' in planned ? undefined : planned;
  const planRelease = facts.release?.platformVersion;
  if (plan !== undefined && planRelease !== undefined) await insertPlan(tx, plan, { release: planRelease, now });
  const initialProfile = await initialProfileOf(work, loaded);
  const named = await releasesOfAgents(work, facts, decision);
  const contents = desiredTarget({
    facts,
    decision,
    releaseOfAgent: (digest) => named.get(digest),
    ...(initialProfile === undefined ? {} : { initialProfile }),
    ...(plan === undefined || planRelease === undefined ? {} : { proposed: { plan, release: planRelease } }),
    ...(openUpdate === undefined ? {} : { confirmedRelease: await releaseOfUpdate(work, facts, openUpdate.release) }),
  });
  const outcome = { decision, ...(plan === undefined ? {} : { plan }) };
  const isOtherTarget =
    reportedDigest !== undefined &&
    reportedGeneration === loaded.target?.generation &&
    reportedDigest !== jsonDigest(loaded.target);
  const isBehind = reportedGeneration > row.generation || isOtherTarget;
  if (!isBehind && isSameTarget(loaded.target, contents)) {
    return { ...outcome, isNew: false, ...(loaded.target === undefined ? {} : { target: loaded.target }) };
  }
  const generation = nextGeneration(Math.max(row.generation, isBehind ? reportedGeneration : 0));
  const target: Target = { generation, ...contents };
  await updateGateway(tx, row.id, { generation });
  if (isUpdateCancelled) {
    await updateProfileUpdateOrder(tx, openUpdate.id, { isCancelled: true, generation });
    tellCancelled(work, loaded);
  }
  await insertTarget(tx, { gatewayId: row.id, body: target, reason, now });
  work.changed({ kind: 'gateway', gatewayId: row.id });
  return { ...outcome, isNew: true, target };
}

const withCancelledUpdate = ({ profileUpdate, ...facts }: GatewayFacts): GatewayFacts => ({
  ...facts,
  ...(profileUpdate === undefined ? {} : { profileUpdate: { ...profileUpdate, isCancelled: true } }),
});

function tellCancelled(work: Work, { row, facts }: LoadedGateway): void {
  const { profileUpdate, release } = facts;
  const message =
    `The profile update to ${profileUpdate?.plan.to.version} is cancelled by the control plane: its release was ` +
    `recalled before a node was replaced, and ${release?.platformVersion} is there instead.`;
  work.event(eventSubject(row), { type: 'profile-update-cancel-asked', message, severity: 'normal' });
}

/** The release it was confirmed from; another one that has the very profile where that one was recalled. */
async function releaseOfUpdate(work: Work, facts: GatewayFacts, release: string): Promise<string> {
  const digest = facts.profileUpdate?.plan.to.digest;
  if (digest === undefined || !isRecalled(facts, release) || recallOfProfile(facts, digest) !== undefined)
    return release;
  const others = await selectReleasesOfProfile(work.tx, digest);
  return others.find((other) => !isRecalled(facts, other)) ?? release;
}

const isRecalled = ({ recalls }: GatewayFacts, version: string): boolean =>
  recalls?.releases.some(({ recall }) => recall.platformVersion === version) === true;

async function initialProfileOf(work: Work, { row }: LoadedGateway): Promise<Target['initialProfile']> {
  if (row.installation !== 'cli' || row.initial_release === null) return undefined;
  const release = await selectReleaseDocument(work.tx, row.initial_release);
  const profile = release?.profiles[row.provider];
  return profile && { release: row.initial_release, digest: profile.digest };
}

/** A release that has each agent that may be named; the platform's own where it has it. */
async function releasesOfAgents(
  work: Work,
  facts: GatewayFacts,
  decision: AgentUpdateDecision,
): Promise<ReadonlyMap<string, string>> {
  const named = new Map<string, string>();
  const attempted = decision.kind === 'continue' ? decision.to.digest : undefined;
  for (const digest of [facts.observation?.agent.digest, attempted]) {
    if (digest === undefined || named.has(digest)) continue;
    const releases = await selectReleasesOfAgent(work.tx, digest);
    const release = releases.find((version) => !isRecalled(facts, version)) ?? releases[0];
    if (release !== undefined) named.set(digest, release);
  }
  const own = facts.release?.agentRelease ?? facts.release?.platformVersion;
  if (facts.release !== undefined && own !== undefined && !isRecalled(facts, own)) {
    named.set(facts.release.agent.digest, own);
  }
  return named;
}
