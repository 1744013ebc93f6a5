/**
 * Takes the hops of the plan under way that nothing holds, in one transaction that has locked the platform's row, so that
 * of several replicas and requests one does it. Each hop is an audit record, and so is the plan's end.
 */

import { formatInstant } from '@gatehouse/domain/instant';
import { hopTopic } from '@gatehouse/domain/notification';
import type { Gate } from '@gatehouse/domain/platform-gates';
import type { Hop } from '@gatehouse/domain/platform-progress';
import type { PlatformVersion } from '@gatehouse/domain/version';
import type { Services } from '../http/services.ts';
import { selectRecalls, updatePlatform } from '../releases/release.store.ts';
import type { Work } from '../work/work.ts';
import type { FleetGateway } from './fleet.query.ts';
import { judgePlan, type PlanJudgement, startedPlan } from './plan-judgement.ts';
import { endPlatformPlan, insertPlatformHop, type PlatformPlanRow } from './platform-plan.store.ts';

/** Who does what follows from a plan by itself. */
export const controlPlaneActor = 'control plane';

export interface Advanced {
  /** The version the platform is on now. */
  readonly version: PlatformVersion;
  readonly hopsTaken: number;
  /** After the last hop: what holds the plan, or that it is done. */
  readonly judgement: PlanJudgement;
}

/** `fleet`: if it was loaded in this transaction. */
export async function advancePlan(
  work: Work,
  plan: PlatformPlanRow,
  from: PlatformVersion,
  services: Services,
  fleet?: readonly FleetGateway[],
): Promise<Advanced> {
  const { tx, now } = work;
  let version = from;
  // Each round takes a hop of the plan or is the last one.
  for (let hopsTaken = 0; ; hopsTaken += 1) {
    // What is known of the fleet is known for the version before the first hop.
    const known = hopsTaken === 0 ? fleet : undefined;
    const judgement = await judgePlan(tx, version, startedPlan(plan), now, services, known);
    const { decision } = judgement;
    if (decision.kind === 'advance') {
      await takeHop(work, plan, decision, judgement.gates);
      version = decision.hop.to;
      continue;
    }
    if (decision.kind === 'done') await finish(work, plan, judgement.gates);
    return { version, hopsTaken, judgement };
  }
}

async function takeHop(
  work: Work,
  plan: PlatformPlanRow,
  { hop, number }: { readonly hop: Hop; readonly number: number },
  gates: readonly Gate[],
): Promise<void> {
  const { tx, now } = work;
  await updatePlatform(tx, { version: hop.to, now });
  await insertPlatformHop(tx, { planId: plan.id, number, ...hop, now });
  work.over(hopTopic(plan.id));
  work.changed({ kind: 'everything' });
  const isThumb = plan.hops[number - 1]?.basis === 'rule-of-thumb';
  const basis = isThumb ? 'a step by the rule of thumb' : 'a step the release names';
  work.audit({
    actor: controlPlaneActor,
    action: 'platform.hop',
    subjectKind: 'platform',
    subjectName: hop.to,
    message:
      `The platform was moved from ${hop.from} to ${hop.to}: hop ${number} of ${plan.hops.length} of the plan to ` +
      `${plan.to_version} that ${plan.started_by} started (${basis}).${leftOut(gates)}`,
  });
}

async function finish(work: Work, plan: PlatformPlanRow, gates: readonly Gate[]): Promise<void> {
  await endPlatformPlan(work.tx, plan.id, { outcome: 'done', by: controlPlaneActor, now: work.now });
  work.over(hopTopic(plan.id));
  work.changed({ kind: 'everything' });
  // Nobody gets a recalled version, so that whoever is not on it yet holds nothing up.
  const isRecalled = (await selectRecalls(work.tx, plan.to_version)).length > 0;
  const end = isRecalled
    ? `${plan.to_version} was recalled, and nothing is on its way to it`
    : `every gateway that counts is current for ${plan.to_version}`;
  work.audit({
    actor: controlPlaneActor,
    action: 'platform.plan-done',
    subjectKind: 'platform',
    subjectName: plan.to_version,
    message:
      `The plan from ${plan.from_version} to ${plan.to_version} that ${plan.started_by} started is done: ` +
      `${end}.${leftOut(gates)}`,
  });
}

function leftOut(gates: readonly Gate[]): string {
  const named = gates
    .filter(({ state }) => state === 'waived')
    .map(({ gateway, waiver }) =>
      waiver === undefined
        ? gateway
        : `${gateway} (waived by ${waiver.by} until ${formatInstant(waiver.until)}: ${waiver.reason})`,
    );
  return named.length === 0 ? '' : ` Without ${named.join(', ')}.`;
}
