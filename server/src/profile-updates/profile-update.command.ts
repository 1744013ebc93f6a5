/**
 * What a person decides about a profile update. One transaction that holds the gateway's row: the plan is made again, the
 * domain takes or refuses, and what was taken is a new target. Asked twice, the second gets the first's answer.
 */

import type { ConfirmReply } from '@gatehouse/contract/operator-types';
import { decideCancel, decideConfirm, decideRetry } from '@gatehouse/domain/confirm';
import { formatInstant, type Instant, toInstant } from '@gatehouse/domain/instant';
import { eventSubject, type GatewayRow, lockGateway } from '../gateways/gateway.store.ts';
import { type LoadedGateway, loadGateway, type ProfileUpdateRow } from '../gateways/gateway-facts.store.ts';
import { toReasonView } from '../gateways/gateway-view.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import type { CommandContext, Commands } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import { announce, tellAvailable } from '../polls/poll.command.ts';
import { retarget } from '../polls/retarget.ts';
import { newId, type Work } from '../work/work.ts';
import { currentPlan } from './current-plan.ts';
import {
  endProfileUpdate,
  insertPlan,
  insertProfileUpdate,
  selectNewestProfileUpdate,
  updateProfileUpdateOrder,
} from './profile-update.store.ts';

type Named = {
  readonly params: { readonly gateway: string };
  readonly query?: { readonly tenant?: string };
};

export function profileUpdateCommands(
  services: Services,
): Pick<Commands, 'confirmProfileUpdate' | 'retryProfileUpdate' | 'cancelProfileUpdate'> {
  return {
    confirmProfileUpdate: (call, context) => confirm(call, context, services),
    retryProfileUpdate: (call, context) => retry(call, context, services),
    cancelProfileUpdate: (call, context) => cancel(call, context, services),
  };
}

async function confirm(
  call: Named & { readonly body: { readonly planId: string; readonly acknowledgePause?: boolean } },
  { work, access }: CommandContext,
  services: Services,
): Promise<Answer<ConfirmReply>> {
  const { tx, now } = work;
  const found = await access.gateway(tx, { ...call.params, tenant: call.query?.tenant });
  if (found.kind === 'refused') return found;
  const { planId } = call.body;
  const loaded = await lockAndLoad(work, found.reply);
  const { row, facts, openUpdate } = loaded;
  const before = await selectNewestProfileUpdate(tx, { gatewayId: row.id, planId });
  // Also when it is completed meanwhile: whoever repeats a request that was answered gets that answer.
  if (before !== undefined && before.outcome !== 'cancelled' && before.outcome !== 'superseded') {
    return done(confirmReply(before, 'Confirmed.', now));
  }
  const decision = decideConfirm({ facts, plan: currentPlan(facts), request: call.body, now });
  if (decision.kind === 'refused') {
    return refuse(decision.code, decision.reasons.map(({ message }) => message).join(' '), {
      reasons: decision.reasons.map(toReasonView),
      ...(decision.planId === undefined ? {} : { planId: decision.planId }),
    });
  }
  if (decision.kind === 'repeated')
    throw new Error(`the plan ${planId} is confirmed and its update is not in the table`);
  const { plan } = decision;
  const release = facts.release?.platformVersion;
  if (release === undefined) throw new Error('a plan was made without a release');
  if (openUpdate !== undefined) await endProfileUpdate(tx, openUpdate.id, { outcome: 'superseded', now });
  await insertPlan(tx, plan, { release, now });
  const id = newId();
  const order = { id, gatewayId: row.id, planId, release, confirmedBy: access.principal.name, now };
  // A plan that was cancelled may be confirmed again; a higher number makes it another order for the agent.
  const retryNumber = before === undefined ? 0 : before.retry + 1;
  await insertProfileUpdate(tx, {
    ...order,
    generation: row.generation + 1,
    retry: retryNumber,
    startsBy: startsBy(loaded, now),
  });
  await tellAvailable(row, plan.to, work);
  const what = `The profile update to ${plan.to.version} was confirmed by ${access.principal.name}`;
  tell(work, row, {
    action: 'confirm',
    type: 'profile-update-confirmed',
    message: `${what}.`,
    actor: access.principal.name,
  });
  return finish(work, { row, what: 'Confirmed.', reason: `${what} (${planId}).`, services });
}

async function retry(call: Named, { work, access }: CommandContext, services: Services): Promise<Answer<ConfirmReply>> {
  const found = await access.gateway(work.tx, { ...call.params, tenant: call.query?.tenant });
  if (found.kind === 'refused') return found;
  const loaded = await lockAndLoad(work, found.reply);
  const { row, openUpdate } = loaded;
  const decision = decideRetry(loaded.facts);
  if (decision.kind === 'refused') {
    const { code, reasons } = decision;
    return refuse(code, reasons.map(({ message }) => message).join(' '), { reasons });
  }
  if (openUpdate === undefined) throw new Error('there is an update to retry and it is not in the table');
  if (decision.kind === 'repeated') return done(confirmReply(openUpdate, 'Retried.', work.now));
  await updateProfileUpdateOrder(work.tx, openUpdate.id, {
    retry: decision.retry,
    generation: row.generation + 1,
    startsBy: startsBy(loaded, work.now),
  });
  const message = `A retry of the profile update was ordered by ${access.principal.name}.`;
  tell(work, row, { action: 'retry', type: 'profile-update-retried', message, actor: access.principal.name });
  return finish(work, { row, what: 'Retried.', reason: message, services });
}

async function cancel(
  call: Named,
  { work, access }: CommandContext,
  services: Services,
): Promise<Answer<ConfirmReply>> {
  const found = await access.gateway(work.tx, { ...call.params, tenant: call.query?.tenant });
  if (found.kind === 'refused') return found;
  const loaded = await lockAndLoad(work, found.reply);
  const { row, openUpdate } = loaded;
  const decision = decideCancel(loaded.facts);
  if (decision.kind === 'refused') {
    const { code, reasons } = decision;
    return refuse(code, reasons.map(({ message }) => message).join(' '), { reasons });
  }
  if (openUpdate === undefined) throw new Error('there is an update to cancel and it is not in the table');
  if (decision.kind === 'repeated') return done(confirmReply(openUpdate, 'Cancelled.', work.now));
  await updateProfileUpdateOrder(work.tx, openUpdate.id, {
    isCancelled: true,
    generation: row.generation + 1,
    startsBy: startsBy(loaded, work.now),
  });
  const message = `The profile update was cancelled by ${access.principal.name}; what has begun by then goes on.`;
  tell(work, row, { action: 'cancel', type: 'profile-update-cancel-asked', message, actor: access.principal.name });
  return finish(work, { row, what: 'Cancelled.', reason: message, services });
}

async function lockAndLoad(work: Work, row: GatewayRow): Promise<LoadedGateway> {
  const locked = await lockGateway(work.tx, row.id);
  if (locked === undefined) throw new Error(`the gateway ${row.name} was found and cannot be locked`);
  return loadGateway(work.tx, locked, { withProfiles: true });
}

/** When the agent polls next, at the latest; unknown while it is overdue. */
function startsBy({ facts }: LoadedGateway, now: Instant): Instant | undefined {
  const due = facts.nextPollDueAt;
  return due === undefined || due < now ? undefined : due;
}

interface Told {
  readonly action: string;
  readonly type: string;
  readonly message: string;
  readonly actor: string;
}

function tell(work: Work, row: GatewayRow, { action, type, message, actor }: Told): void {
  work.event(eventSubject(row), { type, message, severity: 'normal' });
  work.audit({
    actor,
    action: `profile-update.${action}`,
    subjectKind: 'gateway',
    subjectName: row.name,
    tenantId: row.tenant_id,
    projectId: row.project_id ?? undefined,
    message,
  });
}

/** The new target, from the facts as they are after the change. */
async function finish(
  work: Work,
  {
    row,
    what,
    reason,
    services,
  }: { readonly row: GatewayRow; readonly what: string; readonly reason: string; readonly services: Services },
): Promise<Answer<ConfirmReply>> {
  const loaded = await loadGateway(work.tx, row, { withProfiles: true });
  const { openUpdate } = loaded;
  if (openUpdate === undefined)
    throw new Error(`the gateway ${row.name} has no profile update although one was just written`);
  const { target, isNew } = await retarget(work, { loaded, timings: services.timings, reason });
  if (!isNew || target?.generation !== openUpdate.generation) {
    throw new Error(
      `the gateway ${row.name} was to get generation ${openUpdate.generation} and has ${target?.generation}`,
    );
  }
  await announce(row, loaded.facts, work, services.timings);
  return done(confirmReply(openUpdate, what, work.now));
}

function confirmReply(update: ProfileUpdateRow, what: string, now: Instant): ConfirmReply {
  const by = update.starts_by === null ? undefined : toInstant(update.starts_by.getTime());
  return {
    planId: update.plan_id,
    generation: update.generation,
    ...(by === undefined ? {} : { startsBy: formatInstant(by) }),
    message: `${what} Starts with the next poll${by === undefined ? '' : `, by ${clockTime(by, now)}`}`,
  };
}

/** `10:42`, with the date when it is another day's, and with seconds when it is soon. All in UTC. */
function clockTime(by: Instant, now: Instant): string {
  const text = formatInstant(by);
  const isToday = text.slice(0, 10) === formatInstant(now).slice(0, 10);
  return `${isToday ? '' : `${text.slice(0, 10)} `}${text.slice(11, by - now < 60_000 ? 19 : 16)} UTC`;
}
