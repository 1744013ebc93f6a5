/**
 * What time alone brings about: silence of a gateway, the end of a pause, an exemption or a waiver, of a deletion whose
 * agent does not answer, and the clearing of what has expired. One replica does it at a time.
 */

import { gatewayHealth, gatewayStatus } from '@gatehouse/domain/gateway-status';
import { addMilliseconds, formatInstant, hours, toInstant } from '@gatehouse/domain/instant';
import { sql } from 'kysely';
import { deleteExpiredChallenges } from '../agents/agent.store.ts';
import { eventSubject, lockGateway, selectGateway, selectOverdueGateways } from '../gateways/gateway.store.ts';
import { loadGateway } from '../gateways/gateway-facts.store.ts';
import { done } from '../http/answer.ts';
import { deleteIdempotencyKeysBefore } from '../http/idempotency.store.ts';
import type { Services } from '../http/services.ts';
import { deleteExpiredIdentities } from '../identity/identity.store.ts';
import { tellOfTime } from '../notifications/time-notifications.task.ts';
import { tellScope } from '../pauses/pause.command.ts';
import { clearEndedPauses, deleteEndedExemptions } from '../pauses/pause.store.ts';
import { endWaivers } from '../platform/waiver.command.ts';
import { announce, markDeleted } from '../polls/poll.command.ts';
import { forgetPreviousSecrets } from '../webhooks/webhook.store.ts';
import { doWork, type Work } from './work.ts';

const upkeepLock = 7_241_002;
const rowsMax = 500;
const idempotencyKeyLife = hours(24);

export async function keepUp(services: Services): Promise<void> {
  const now = services.now();
  const context = { db: services.db, now, requestId: 'upkeep' };
  await doWork(context, async (work) => {
    if (!(await isOurs(work))) return done(undefined);
    await endPauses(work);
    await endWaivers(work);
    await noticeSilence(work, services);
    await tellOfTime(work);
    await clearExpired(work);
    return done(undefined);
  });
}

/** False when another replica is at it. */
async function isOurs({ tx }: Work): Promise<boolean> {
  const { rows } = await sql<{ is_ours: boolean }>`select pg_try_advisory_xact_lock(${upkeepLock}) as is_ours`.execute(
    tx,
  );
  return rows[0]?.is_ours === true;
}

async function endPauses(work: Work): Promise<void> {
  for (const pause of await clearEndedPauses(work.tx, work.now, rowsMax)) {
    const end = formatInstant(toInstant((pause.until ?? new Date(work.now)).getTime()));
    const message = `The pause of the ${pause.scope_kind} ${pause.scope_name} has ended by itself at ${end}.`;
    await tellScope(work, { kind: pause.scope_kind, id: pause.scope_id }, 'agent-updates-resumed', message);
  }
  for (const gatewayId of await deleteEndedExemptions(work.tx, work.now)) {
    const row = await selectGateway(work.tx, gatewayId);
    if (row === undefined) continue;
    work.event(eventSubject(row), {
      type: 'exemption-ended',
      message: 'The exemption of the gateway from its pauses has ended by itself.',
      severity: 'normal',
    });
    work.changed({ kind: 'gateway', gatewayId });
  }
}

async function noticeSilence(work: Work, { timings, clock }: Services): Promise<void> {
  const { interval, jitter, unhealthyAfterDue } = timings.poll;
  // What was due by the time before a jump of the clock is given one poll to be heard.
  if (clock.isNewTime(interval * (1 + jitter) + unhealthyAfterDue)) return;
  const dueBefore = addMilliseconds(work.now, -timings.poll.unhealthyAfterDue);
  for (const id of await selectOverdueGateways(work.tx, dueBefore, rowsMax)) {
    const row = await lockGateway(work.tx, id);
    if (row === undefined || row.deleted_at !== null) continue;
    const { facts } = await loadGateway(work.tx, row, { withProfiles: false });
    if (gatewayHealth(facts, work.now, timings) !== 'unhealthy') continue;
    if (gatewayStatus(facts, work.now) === 'Deleting') await markDeleted(row, work);
    else await announce(row, facts, work, timings);
  }
}

async function clearExpired({ tx, now }: Work): Promise<void> {
  await deleteExpiredChallenges(tx, now);
  await deleteExpiredIdentities(tx, now);
  await forgetPreviousSecrets(tx, now);
  await deleteIdempotencyKeysBefore(tx, addMilliseconds(now, -idempotencyKeyLife));
}

/** Runs `task` every so often, one at a time, until it is told to stop. */
export function repeat(
  task: () => Promise<void>,
  every: { readonly milliseconds: number; readonly onError: (error: unknown) => void },
): { stop(): Promise<void> } {
  let isStopped = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const runOnce = async (): Promise<void> => {
    try {
      await task();
    } catch (error) {
      every.onError(error);
    }
    next();
  };
  const next = (): void => {
    if (isStopped) return;
    timer = setTimeout(() => {
      running = runOnce();
    }, every.milliseconds);
    timer.unref();
  };
  next();
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
