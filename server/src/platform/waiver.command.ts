/** Leaving one gateway out of the gates of platform upgrades, by name, with a reason and always with an end. */

import { addMilliseconds, formatInstant, hours, type Instant, parseInstant } from '@gatehouse/domain/instant';
import { eventSubject, type GatewayRow, lockGateway, selectGateway } from '../gateways/gateway.store.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import type { Commands } from '../http/operator-routes.ts';
import type { Work } from '../work/work.ts';
import { controlPlaneActor } from './advance-plan.command.ts';
import { deleteEndedWaivers, deleteWaiver, upsertWaiver } from './waiver.store.ts';

const lifeDefault = hours(24);
const lifeMax = hours(90 * 24);

export const waiverCommands: Pick<Commands, 'setWaiver' | 'clearWaiver'> = {
  async setWaiver({ params, query, body }, { work, access }) {
    const { tx, now } = work;
    const found = await access.gateway(tx, { ...params, tenant: query?.tenant });
    if (found.kind === 'refused') return found;
    const until = parseEnd(body.until, now);
    if (until.kind === 'refused') return until;
    const row = (await lockGateway(tx, found.reply.id)) ?? found.reply;
    const { name: by } = access.principal;
    const { reason } = body;
    await upsertWaiver(tx, { gatewayId: row.id, by, reason, since: now, until: until.reply });
    const end = formatInstant(until.reply);
    record(work, row, {
      actor: by,
      action: 'platform.waive',
      type: 'waiver-set',
      message: `The gateway was left out of the gates of platform upgrades by ${by} until ${end}: ${reason}`,
    });
    return done({
      gateway: row.name,
      tenant: row.tenant_name,
      by,
      reason,
      since: formatInstant(now),
      until: end,
    });
  },

  async clearWaiver({ params, query }, { work, access }) {
    const found = await access.gateway(work.tx, { ...params, tenant: query?.tenant });
    if (found.kind === 'refused') return found;
    const row = found.reply;
    if (!(await deleteWaiver(work.tx, row.id))) {
      const detail = `The gateway ${row.name} has no waiver, so there is none to end; \`gatehouse platform waivers\` shows which have.`;
      return refuse('not-found', detail, { reasons: [{ code: 'not-waived', message: detail }] });
    }
    const { name: by } = access.principal;
    record(work, row, {
      actor: by,
      action: 'platform.end-waiver',
      type: 'waiver-ended',
      message: `The waiver of the gateway was ended by ${by}.`,
    });
    return done(undefined);
  },
};

/** Those whose end has come hold no more by themselves; this says so. */
export async function endWaivers(work: Work): Promise<void> {
  for (const id of await deleteEndedWaivers(work.tx, work.now)) {
    const row = await selectGateway(work.tx, id);
    if (row === undefined) continue;
    record(work, row, {
      actor: controlPlaneActor,
      action: 'platform.end-waiver',
      type: 'waiver-ended',
      message: 'The waiver of the gateway has ended by itself.',
    });
  }
}

function record(
  work: Work,
  row: GatewayRow,
  what: { readonly actor: string; readonly action: string; readonly type: string; readonly message: string },
): void {
  work.event(eventSubject(row), { type: what.type, message: what.message, severity: 'normal' });
  work.changed({ kind: 'gateway', gatewayId: row.id });
  work.audit({
    actor: what.actor,
    action: what.action,
    subjectKind: 'gateway',
    subjectName: row.name,
    tenantId: row.tenant_id,
    projectId: row.project_id ?? undefined,
    message: what.message,
  });
}

function parseEnd(text: string | undefined, now: Instant): Answer<Instant> {
  if (text === undefined) return done(addMilliseconds(now, lifeDefault));
  const until = parseInstant(text);
  if (until > now && until <= addMilliseconds(now, lifeMax)) return done(until);
  const message =
    until > now
      ? `body.until is ${text}; a waiver ends after 90 days at the latest.`
      : `body.until is ${text}, which is over; give a later time.`;
  return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
}
