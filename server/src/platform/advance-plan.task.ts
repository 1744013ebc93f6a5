/** Looks whether the plan under way may go on: every so often, and soon after something changed. Every replica looks. */

import type { Services } from '../http/services.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { done } from '../http/answer.ts';
import { lockPlatform, selectPlatform } from '../releases/release.store.ts';
import { doWork } from '../work/work.ts';
import { advancePlan } from './advance-plan.command.ts';
import { judgePlan, outlineOf } from './plan-judgement.ts';
import { selectOpenPlatformPlan } from './platform-plan.store.ts';

export async function advancePlatform(services: Services): Promise<void> {
  const { db } = services;
  const now = services.now();
  const plan = await selectOpenPlatformPlan(db);
  const { version } = await selectPlatform(db);
  if (plan === undefined || version === undefined) return;
  // Without a lock first: most looks find that it still waits.
  const { decision } = await judgePlan(db, platformVersion(version), outlineOf(plan), now, services);
  if (decision.kind === 'hold') return;
  await doWork({ db, now, requestId: 'platform-plan' }, async (work) => {
    const platform = await lockPlatform(work.tx);
    const open = await selectOpenPlatformPlan(work.tx);
    if (platform.version !== undefined && open !== undefined) {
      await advancePlan(work, open, platformVersion(platform.version), services);
    }
    return done(undefined);
  });
}
