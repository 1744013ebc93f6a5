/** Making, installing and deleting gateways. */

import { randomBytes } from 'node:crypto';
import { formatInstant } from '@gatehouse/domain/instant';
import { selectAgentIdentity, withdrawRegistrationTokens } from '../agents/agent.store.ts';
import type { Queryable } from '../database/connection.ts';
import { done, refuse } from '../http/answer.ts';
import type { Commands } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import type { Place } from '../identity/access.ts';
import { markDeleted } from '../polls/poll.command.ts';
import { type PlatformRow, selectPlatform, selectReleaseDocument } from '../releases/release.store.ts';
import { newId, type Work } from '../work/work.ts';
import { viewGateway } from './gateway.query.ts';
import {
  eventSubject,
  type GatewayRow,
  insertGateway,
  lockGateway,
  selectGateway,
  updateGateway,
} from './gateway.store.ts';
import { installBundle, installInstructions, installRefusal, issueRegistrationToken } from './install.ts';

export interface MakeGateway {
  readonly place: Place;
  readonly name: string;
  readonly installation: 'cli' | 'existing-cluster';
  readonly provider: string;
  readonly controlPlanes: 1 | 3;
  readonly workers: number;
  readonly registryPrefix?: string | undefined;
  readonly isSandbox: boolean;
  readonly actor: string;
}

/** The list is the releases' to give. */
async function providersOf(db: Queryable, { version }: PlatformRow): Promise<readonly string[]> {
  const release = version === undefined ? undefined : await selectReleaseDocument(db, version);
  return Object.keys(release?.profiles ?? {});
}

/** Undefined: the tenant has a gateway of that name. */
export async function makeGateway(work: Work, gateway: MakeGateway): Promise<GatewayRow | undefined> {
  const { tx, now } = work;
  const id = newId();
  const isNew = await insertGateway(tx, {
    ...gateway,
    id,
    tenantId: gateway.place.tenant.id,
    projectId: gateway.place.project?.id,
    installKey: randomBytes(24).toString('base64url'),
    now,
  });
  if (!isNew) return undefined;
  const row = await selectGateway(tx, id);
  if (row === undefined) throw new Error(`the gateway ${gateway.name} was inserted and is not there`);
  const kind = gateway.isSandbox ? `a sandbox gateway (${gateway.installation})` : gateway.installation;
  const message = `The gateway was created by ${gateway.actor}: ${kind}, provider ${gateway.provider}.`;
  work.event(eventSubject(row), { type: 'gateway-created', message, severity: 'normal' });
  work.audit({
    actor: gateway.actor,
    action: 'gateway.create',
    subjectKind: 'gateway',
    subjectName: gateway.name,
    tenantId: row.tenant_id,
    projectId: row.project_id ?? undefined,
    message,
  });
  return row;
}

export function gatewayCommands(
  services: Services,
): Pick<Commands, 'createGateway' | 'installGateway' | 'deleteGateway'> {
  const { timings } = services;
  return {
    async createGateway({ query, body }, { work, access }) {
      const { tx, now } = work;
      const place = await access.place(tx, { tenant: query?.tenant, project: body.project });
      if (place.kind === 'refused') return place;
      const platform = await selectPlatform(tx);
      const refusal = await installRefusal(tx, platform);
      if (refusal !== undefined) return refusal;
      const providers = await providersOf(tx, platform);
      if (!providers.includes(body.provider)) {
        const message = `body.provider is ${body.provider}; the platform's release ${platform.version} has ${providers.join(', ')}.`;
        return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
      }
      const row = await makeGateway(work, {
        place: place.reply,
        name: body.name,
        installation: body.installation,
        provider: body.provider,
        controlPlanes: body.controlPlanes ?? 1,
        workers: body.workers ?? 0,
        registryPrefix: body.registryPrefix,
        isSandbox: false,
        actor: access.principal.name,
      });
      if (row === undefined) {
        const detail = `The tenant ${place.reply.tenant.name} has a gateway ${body.name} already; choose another name, or delete that one first.`;
        return refuse('name-taken', detail, { reasons: [{ code: 'name-taken', message: detail }] });
      }
      const gateway = await viewGateway(tx, row, now, timings);
      // A gateway of ours gets its token with `gateway install`, which makes its cluster first.
      const { rootFingerprint } = platform;
      if (body.installation === 'cli' || rootFingerprint === undefined) return done({ gateway });
      const token = await issueRegistrationToken(work, row.id);
      return done({ gateway, install: installInstructions(row, token, services, { ...platform, rootFingerprint }) });
    },

    async installGateway({ params, query }, { work, access }) {
      const { tx, now } = work;
      const found = await access.gateway(tx, { ...params, tenant: query?.tenant });
      if (found.kind === 'refused') return found;
      const platform = await selectPlatform(tx);
      const refusal = await installRefusal(tx, platform);
      if (refusal !== undefined) return refusal;
      const row = await lockGateway(tx, found.reply.id);
      if (row === undefined || row.deletion_requested_at !== null || row.deleted_at !== null) {
        const detail = `The gateway ${found.reply.name} is being deleted or is deleted; create a new one.`;
        return refuse('gateway-not-running', detail, { reasons: [{ code: 'gateway-not-running', message: detail }] });
      }
      const { version, rootFingerprint } = platform;
      if (version === undefined || rootFingerprint === undefined) throw new Error('installRefusal has to notice this');
      const identity = await selectAgentIdentity(tx, row.id);
      if (row.installation === 'cli' && identity === undefined) {
        // The release it is made with stays the one whose profile it has to report first.
        await updateGateway(tx, row.id, {
          initial_release: version,
          ...(row.provisioning_begun_at === null ? { provisioning_begun_at: new Date(now) } : {}),
        });
      }
      const token = await issueRegistrationToken(work, row.id);
      const bundle = await installBundle(tx, { row, release: version, token: token.token, rootFingerprint }, services);
      if (row.installation === 'cli' && bundle.kind === 'refused') return bundle;
      work.changed({ kind: 'gateway', gatewayId: row.id });
      const message = `A fresh registration token was issued by ${access.principal.name}, good until ${formatInstant(token.expiresAt)}.`;
      work.event(eventSubject(row), { type: 'registration-token-issued', message, severity: 'normal' });
      work.audit({
        actor: access.principal.name,
        action: 'gateway.install',
        subjectKind: 'gateway',
        subjectName: row.name,
        tenantId: row.tenant_id,
        projectId: row.project_id ?? undefined,
        message,
      });
      if (bundle.kind === 'refused') return bundle;
      return done({
        instructions: installInstructions(row, token, services, { ...platform, rootFingerprint }),
        bundle: bundle.reply,
      });
    },

    async deleteGateway({ params, query }, { work, access }) {
      const { tx, now } = work;
      const found = await access.gateway(tx, { ...params, tenant: query?.tenant });
      if (found.kind === 'refused') return found;
      const row = await lockGateway(tx, found.reply.id);
      if (row === undefined) throw new Error(`the gateway ${found.reply.name} was found and cannot be locked`);
      if (row.deletion_requested_at === null && row.deleted_at === null) {
        await updateGateway(tx, row.id, { deletion_requested_at: new Date(now), announced_status: 'Deleting' });
        await withdrawRegistrationTokens(tx, row.id, now);
        work.changed({ kind: 'gateway', gatewayId: row.id });
        const message = `The deletion was requested by ${access.principal.name}; host clusters go on.`;
        work.event(eventSubject(row), { type: 'gateway-deleting', message, severity: 'normal' });
        work.audit({
          actor: access.principal.name,
          action: 'gateway.delete',
          subjectKind: 'gateway',
          subjectName: row.name,
          tenantId: row.tenant_id,
          projectId: row.project_id ?? undefined,
          message,
        });
        // Nobody is there to be told.
        if ((await selectAgentIdentity(tx, row.id)) === undefined) await markDeleted(row, work);
      }
      const after = await selectGateway(tx, row.id);
      if (after === undefined) throw new Error(`the gateway ${row.name} is gone from the table`);
      return done(await viewGateway(tx, after, now, timings));
    },
  };
}
