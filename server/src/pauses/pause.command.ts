/** Pausing and resuming agent updates of a scope, and exempting one gateway. Each scope is a flag of its own. */

import { formatInstant, type Instant } from '@gatehouse/domain/instant';
import type { Queryable } from '../database/connection.ts';
import { viewGateway } from '../gateways/gateway.query.ts';
import { eventSubject, lockGateway } from '../gateways/gateway.store.ts';
import type { PauseRow } from '../gateways/gateway-facts.store.ts';
import { toPauseView } from '../gateways/gateway-view.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import type { Commands, Queries } from '../http/operator-routes.ts';
import { readEnd } from '../http/read-end.ts';
import type { Services } from '../http/services.ts';
import type { Access } from '../identity/access.ts';
import { newId, type Work } from '../work/work.ts';
import {
  clearPause,
  deleteExemption,
  replacePause,
  selectExemptions,
  selectGatewaysOfScope,
  selectPauses,
  upsertExemption,
} from './pause.store.ts';

export const pauseQueries: Pick<Queries, 'listPauses'> = {
  async listPauses({ query }, { db, now, access }) {
    const part = await access.list(db, { tenant: query?.tenant });
    if (part.kind === 'refused') return part;
    const exemptions = await selectExemptions(db, part.reply, now);
    return done({
      items: (await selectPauses(db, part.reply, now)).map(toPauseView),
      exemptions: exemptions.map((row) => ({
        gateway: row.gateway_name,
        by: row.set_by,
        reason: row.reason,
        since: row.since.toISOString(),
        until: row.until.toISOString(),
      })),
    });
  },
};

export interface FoundScope {
  readonly kind: PauseRow['scope_kind'];
  readonly id: string;
  readonly name: string;
  readonly tenantId: string;
  readonly projectId?: string;
}

async function findScope(
  db: Queryable,
  access: Access,
  named: { readonly kind: PauseRow['scope_kind']; readonly name: string; readonly tenant?: string | undefined },
): Promise<Answer<FoundScope>> {
  const { kind, name, tenant } = named;
  if (kind === 'gateway') {
    const row = await access.gateway(db, { gateway: name, tenant });
    if (row.kind === 'refused') return row;
    const { id, tenant_id, project_id } = row.reply;
    return done({
      kind,
      id,
      name: row.reply.name,
      tenantId: tenant_id,
      ...(project_id === null ? {} : { projectId: project_id }),
    });
  }
  const place = await access.place(db, kind === 'tenant' ? { tenant: name } : { tenant, project: name });
  if (place.kind === 'refused') return place;
  const { tenant: found, project } = place.reply;
  if (kind === 'tenant') return done({ kind, id: found.id, name: found.name, tenantId: found.id });
  if (project === undefined) throw new Error('a project was asked for and found, and is not there');
  return done({ kind, id: project.id, name: project.name, tenantId: found.id, projectId: project.id });
}

const parseEnd = (text: string, work: Work): Answer<Instant> => readEnd('body.until', text, work.now);

export async function tellScope(
  work: Work,
  scope: Pick<FoundScope, 'kind' | 'id'>,
  type: string,
  message: string,
): Promise<void> {
  for (const gateway of await selectGatewaysOfScope(work.tx, scope)) {
    work.event(gateway, { type, message, severity: 'normal' });
  }
  work.changed(scope.kind === 'gateway' ? { kind: 'gateway', gatewayId: scope.id } : { kind: 'everything' });
}

function audit(work: Work, access: Access, action: string, scope: Omit<FoundScope, 'id'>, message: string): void {
  work.audit({
    actor: access.principal.name,
    action,
    subjectKind: scope.kind,
    subjectName: scope.name,
    tenantId: scope.tenantId,
    projectId: scope.projectId,
    message,
  });
}

export function pauseCommands({
  timings,
}: Services): Pick<Commands, 'setPause' | 'clearPause' | 'setExemption' | 'clearExemption'> {
  return {
    async setPause({ query, body }, { work, access }) {
      const { tx, now } = work;
      const found = await findScope(tx, access, { kind: body.scope, name: body.name, tenant: query?.tenant });
      if (found.kind === 'refused') return found;
      const until = body.until === undefined ? undefined : parseEnd(body.until, work);
      if (until?.kind === 'refused') return until;
      const scope = found.reply;
      const row = await replacePause(tx, {
        id: newId(),
        tenantId: scope.tenantId,
        scope,
        by: access.principal.name,
        reason: body.reason,
        since: now,
        until: until?.reply,
      });
      const end = until === undefined ? '' : ` until ${formatInstant(until.reply)}`;
      const message = `Agent updates of the ${scope.kind} ${scope.name} were paused by ${access.principal.name}${end}: ${body.reason}`;
      await tellScope(work, scope, 'agent-updates-paused', message);
      audit(work, access, 'pause.set', scope, message);
      return done(toPauseView(row));
    },

    async clearPause({ params, query }, { work, access }) {
      const found = await findScope(work.tx, access, { kind: params.scope, name: params.name, tenant: query?.tenant });
      if (found.kind === 'refused') return found;
      const scope = found.reply;
      const { name: by } = access.principal;
      const cleared = await clearPause(work.tx, { scopeKind: scope.kind, scopeId: scope.id, by, now: work.now });
      if (cleared === undefined) {
        const detail = `The ${scope.kind} ${scope.name} is not paused, so there is nothing to resume; \`gatehouse pause list\` shows what is.`;
        return refuse('not-found', detail, { reasons: [{ code: 'not-paused', message: detail }] });
      }
      const message = `Agent updates of the ${scope.kind} ${scope.name} were resumed by ${by}.`;
      await tellScope(work, scope, 'agent-updates-resumed', message);
      audit(work, access, 'pause.clear', scope, message);
      return done(undefined);
    },

    async setExemption({ params, query, body }, { work, access }) {
      const { tx, now } = work;
      const found = await access.gateway(tx, { ...params, tenant: query?.tenant });
      if (found.kind === 'refused') return found;
      const until = parseEnd(body.until, work);
      if (until.kind === 'refused') return until;
      const row = (await lockGateway(tx, found.reply.id)) ?? found.reply;
      const { name: by } = access.principal;
      await upsertExemption(tx, { gatewayId: row.id, by, reason: body.reason, since: now, until: until.reply });
      const message = `The gateway was exempted from its pauses by ${by} until ${formatInstant(until.reply)}: ${body.reason}`;
      work.event(eventSubject(row), { type: 'exemption-set', message, severity: 'normal' });
      work.changed({ kind: 'gateway', gatewayId: row.id });
      audit(work, access, 'pause.exempt', scopeOfRow(row), message);
      return done(await viewGateway(tx, row, now, timings));
    },

    async clearExemption({ params, query }, { work, access }) {
      const found = await access.gateway(work.tx, { ...params, tenant: query?.tenant });
      if (found.kind === 'refused') return found;
      const row = found.reply;
      if (!(await deleteExemption(work.tx, row.id))) {
        const detail = `The gateway ${row.name} has no exemption, so there is none to end.`;
        return refuse('not-found', detail, { reasons: [{ code: 'not-exempt', message: detail }] });
      }
      const message = `The exemption of the gateway was ended by ${access.principal.name}.`;
      work.event(eventSubject(row), { type: 'exemption-ended', message, severity: 'normal' });
      work.changed({ kind: 'gateway', gatewayId: row.id });
      audit(work, access, 'pause.end-exemption', scopeOfRow(row), message);
      return done(undefined);
    },
  };
}

const scopeOfRow = (row: {
  readonly name: string;
  readonly tenant_id: string;
  readonly project_id: string | null;
}): Omit<FoundScope, 'id'> => ({
  kind: 'gateway',
  name: row.name,
  tenantId: row.tenant_id,
  ...(row.project_id === null ? {} : { projectId: row.project_id }),
});
