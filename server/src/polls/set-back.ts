/**
 * An agent that knows more than the database: the database was restored from a backup, or lost what it had confirmed.
 * Numbers go on from what the agent reports, and what is under way on the gateway is taken up again where the database
 * still knows the plan; where it does not, the agent keeps the target that it has until that is over.
 */

import type { PollRequest, Target } from '@gatehouse/contract/agent-api';
import { minutes } from '@gatehouse/domain/instant';
import { controlPlaneRecovered } from '@gatehouse/domain/notification';
import { jsonDigest } from '@gatehouse/release/canonical-json';
import { eventSubject, type GatewayRow, updateGateway } from '../gateways/gateway.store.ts';
import type { LoadedGateway } from '../gateways/gateway-facts.store.ts';
import { endProfileUpdate, insertProfileUpdate, selectPlanRelease } from '../profile-updates/profile-update.store.ts';
import { newId, type Work } from '../work/work.ts';

/** Told again no sooner: an agent that raises its number with every poll fills no list of events. */
const toldAgainAfter = minutes(60);

export interface Recovered {
  readonly seen: LoadedGateway;
  /** The agent is told nothing new: it carries out what the database has forgotten. */
  readonly isTargetKept: boolean;
}

export async function recover(
  row: GatewayRow,
  request: PollRequest,
  { seen, load }: { readonly seen: LoadedGateway; readonly load: () => Promise<LoadedGateway> },
  work: Work,
): Promise<Recovered> {
  const isOther = isOtherTarget(seen.target, request);
  if (request.generation <= row.generation && !isOther) return { seen, isTargetKept: false };
  await tellSetBack(row, request, isOther, work);
  const forgotten = forgottenUpdate(seen);
  if (forgotten === undefined) return { seen, isTargetKept: false };
  const isTakenUp = await takeUp(seen, forgotten, request.generation, work);
  return isTakenUp ? { seen: await load(), isTargetKept: false } : { seen, isTargetKept: true };
}

/** The number is the same, and the target is not ours. */
function isOtherTarget(target: Target | undefined, { generation, targetDigest: digest }: PollRequest): boolean {
  return digest !== undefined && generation === target?.generation && digest !== jsonDigest(target);
}

async function tellSetBack(row: GatewayRow, request: PollRequest, isOther: boolean, work: Work): Promise<void> {
  const told = row.set_back_at?.getTime() ?? Number.NEGATIVE_INFINITY;
  // Also when the clock has gone back since.
  if (Math.abs(work.now - told) < toldAgainAfter) return;
  await updateGateway(work.tx, row.id, { set_back_at: new Date(work.now) });
  const knows = isOther
    ? `another target ${request.generation} than the database`
    : `target ${request.generation}, and the database ${row.generation}`;
  work.tell(controlPlaneRecovered({ name: row.name, at: work.now }), {});
  work.event(eventSubject(row), {
    type: 'recovered',
    message:
      `Recovered: the agent ${request.agent.version} has ${knows}, so the database was set back, as by a backup that was ` +
      `restored. Targets go on from ${request.generation + 1}, the hand-over number from ${Math.max(row.hand_over_number, request.handOverNumber)}; ` +
      'no older version is ordered. What was confirmed since the backup has to be confirmed again.',
    severity: 'warning',
  });
}

/**
 * Whether the agent carries out a profile update that the database has forgotten. A gateway's first profile, which is no
 * update and stands in no table of them, is known by its digest.
 */
function forgottenUpdate({
  facts,
  target,
}: LoadedGateway): { readonly planId: string; readonly retry: number } | undefined {
  const running = facts.observation?.profileUpdate;
  if (running === undefined || facts.profileUpdate?.plan.planId === running.planId) return undefined;
  if (running.planId === target?.initialProfile?.digest) return undefined;
  return running.phase === 'preflight' || running.phase === 'running' ? running : undefined;
}

/** True when its plan is still known, and it counts as confirmed again. */
async function takeUp(
  { row, openUpdate }: LoadedGateway,
  { planId, retry }: { readonly planId: string; readonly retry: number },
  generation: number,
  work: Work,
): Promise<boolean> {
  const release = await selectPlanRelease(work.tx, { gatewayId: row.id, planId });
  if (release === undefined) return false;
  if (openUpdate !== undefined)
    await endProfileUpdate(work.tx, openUpdate.id, { outcome: 'superseded', now: work.now });
  await insertProfileUpdate(work.tx, {
    id: newId(),
    gatewayId: row.id,
    planId,
    release,
    confirmedBy: 'the agent, which carries it out (the database was set back)',
    generation,
    retry,
    now: work.now,
  });
  work.event(eventSubject(row), {
    type: 'recovered',
    message:
      'Recovered: the profile update that the agent carries out was confirmed before the database was set back; it goes on.',
    severity: 'warning',
  });
  return true;
}
