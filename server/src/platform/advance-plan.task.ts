/**
 * Looks whether the plan under way may go on: every so often, and soon after something changed. Every replica looks. Most
 * looks find that it still waits, so they ask first for the gateways that held it the last time, and a look at a large
 * fleet is not made again at once.
 */

import { toInstant } from '@gatehouse/domain/instant';
import { type HeldHop, heldHop } from '@gatehouse/domain/notification';
import { platformVersion } from '../gateways/observation-facts.ts';
import { done } from '../http/answer.ts';
import type { Services } from '../http/services.ts';
import { isNotificationThere } from '../notifications/notification.store.ts';
import { lockPlatform, selectPlatform } from '../releases/release.store.ts';
import { doWork } from '../work/work.ts';
import { advancePlan } from './advance-plan.command.ts';
import { gatesFor, judgePlan, startedPlan } from './plan-judgement.ts';
import { selectOpenPlatformPlan } from './platform-plan.store.ts';

const rememberedMax = 100;
/** Looks may take this share of a replica's time: one part in six. */
const restPerLook = 5;

/** That a hop is held is told once, when it is for a person to know. */
async function tellHeld({ db, now }: Services, held: HeldHop): Promise<void> {
  const told = heldHop(held, now());
  if (told?.key === undefined || (await isNotificationThere(db, told.key))) return;
  await doWork({ db, now: now(), requestId: 'platform-plan' }, async (work) => {
    work.tell(told, {});
    return Promise.resolve(done(undefined));
  });
}

/** Gives what makes one look. */
export function createPlanWatch(services: Services): () => Promise<void> {
  const { db, timings } = services;
  let lastClosed: readonly string[] = [];
  let lastHeld: HeldHop | undefined;
  let restUntil = 0;

  async function isStillClosed(version: string): Promise<boolean> {
    if (lastClosed.length === 0) return false;
    const part = { ids: lastClosed };
    const { gates } = await gatesFor(db, { version: platformVersion(version), part }, services.now(), timings);
    return gates.some(({ state }) => state === 'closed');
  }

  return async () => {
    const plan = await selectOpenPlatformPlan(db);
    if (plan === undefined) return;
    const { version, versionSince } = await selectPlatform(db);
    if (version === undefined) return;
    if (await isStillClosed(version)) {
      if (lastHeld?.planId === plan.id) await tellHeld(services, lastHeld);
      return;
    }
    if (performance.now() < restUntil) return;
    const begun = performance.now();
    const now = services.now();
    const { decision, gates } = await judgePlan(db, platformVersion(version), startedPlan(plan), now, services);
    const ended = performance.now();
    restUntil = ended + (ended - begun) * restPerLook;
    lastClosed = gates
      .filter(({ state }) => state === 'closed')
      .slice(0, rememberedMax)
      .map(({ gatewayId }) => gatewayId);
    lastHeld = undefined;
    if (decision.kind === 'hold') {
      const { before, reasons, opensAt } = decision;
      lastHeld = {
        planId: plan.id,
        to: plan.to_version,
        reasons,
        since: toInstant(Math.max(plan.started_at.getTime(), versionSince?.getTime() ?? 0)),
        ...(before === undefined ? {} : { before }),
        ...(opensAt === undefined ? {} : { opensAt }),
      };
      await tellHeld(services, lastHeld);
      return;
    }
    await doWork({ db, now, requestId: 'platform-plan' }, async (work) => {
      const platform = await lockPlatform(work.tx);
      const open = await selectOpenPlatformPlan(work.tx);
      if (platform.version !== undefined && open !== undefined) {
        await advancePlan(work, open, platformVersion(platform.version), services);
      }
      return done(undefined);
    });
  };
}
