/** API tokens: made within the maker's own scope and never with more than the maker may do, shown once, revoked by name. */

import type { TokenInfo } from '@gatehouse/contract/operator-types';
import { isGrantable, mayGrant, permissionsOf, type Scope } from '@gatehouse/domain/authorisation';
import { formatInstant } from '@gatehouse/domain/instant';
import { done, refuse } from '../http/answer.ts';
import type { Commands, Queries } from '../http/operator-routes.ts';
import { readEnd } from '../http/read-end.ts';
import { insertToken, parseRole, revokeToken, selectTokens } from '../identity/identity.store.ts';
import { scopeOf, visiblePart } from '../identity/principal.ts';
import { hashSecret, newSecret } from '../identity/secret.ts';
import { newId } from '../work/work.ts';

type TokenRow = Awaited<ReturnType<typeof selectTokens>>[number];

const toView = (row: TokenRow): TokenInfo => ({
  id: row.id,
  name: row.name,
  role: parseRole(row.role),
  ...(row.tenant_name === null ? {} : { tenant: row.tenant_name }),
  ...(row.project_name === null ? {} : { project: row.project_name }),
  createdAt: row.created_at.toISOString(),
  ...(row.expires_at === null ? {} : { expiresAt: row.expires_at.toISOString() }),
});

export const tokenQueries: Pick<Queries, 'listTokens' | 'getMe'> = {
  async listTokens(_call, { db, access }) {
    const part = await access.list(db, {});
    if (part.kind === 'refused') return part;
    return done({ items: (await selectTokens(db, part.reply)).map(toView) });
  },
  getMe(_call, { access }) {
    access.own();
    const { name, grant, tenantName, projectName } = access.principal;
    return Promise.resolve(
      done({
        name,
        role: grant.role,
        permissions: [...permissionsOf(grant.role)],
        ...(tenantName === undefined ? {} : { tenant: tenantName }),
        ...(projectName === undefined ? {} : { project: projectName }),
      }),
    );
  },
};

export const tokenCommands: Pick<Commands, 'createToken' | 'revokeToken'> = {
  async createToken({ body }, { work, access }) {
    const { tx, now } = work;
    const { grant } = access.principal;
    const isOfPlatform = body.tenant === undefined && body.project === undefined && grant.scope.kind === 'platform';
    const place = isOfPlatform
      ? access.platform()
      : await access.place(tx, { tenant: body.tenant, project: body.project });
    if (place.kind === 'refused') return place;
    const { tenant, project } = place.reply ?? {};
    const wanted = {
      role: body.role,
      scope: scopeOf({ tenantId: tenant?.id ?? null, projectId: project?.id ?? null }),
    };
    if (!isGrantable(wanted)) {
      const message = `body.role ${body.role} cannot be given for ${{ platform: 'the platform', tenant: 'a tenant', project: 'a project' }[wanted.scope.kind]}; name the tenant or project it is for, or another role.`;
      return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
    }
    if (!mayGrant(grant, wanted)) {
      const detail = `${access.principal.name} is ${grant.role} and cannot give out the role ${body.role}, which may do more.`;
      return refuse('not-allowed', detail, { reasons: [{ code: 'not-allowed', message: detail }] });
    }
    const end = body.expiresAt === undefined ? done(undefined) : readEnd('body.expiresAt', body.expiresAt, now);
    if (end.kind === 'refused') return end;
    const expiresAt = end.reply;
    const token = newSecret('ght');
    const id = newId();
    const isNew = await insertToken(tx, {
      id,
      name: body.name,
      role: body.role,
      tenantId: tenant?.id,
      projectId: project?.id,
      hash: hashSecret(token),
      now,
      expiresAt,
    });
    if (!isNew) {
      const detail = `There is a token ${body.name} already; revoke it, or choose another name.`;
      return refuse('name-taken', detail, { reasons: [{ code: 'name-taken', message: detail }] });
    }
    work.audit({
      actor: access.principal.name,
      action: 'token.create',
      subjectKind: 'token',
      subjectName: body.name,
      tenantId: tenant?.id,
      projectId: project?.id,
      message: `The token ${body.name} (${body.role}) was created by ${access.principal.name}.`,
    });
    return done({
      token,
      info: {
        id,
        name: body.name,
        role: body.role,
        ...(tenant === undefined ? {} : { tenant: tenant.name }),
        ...(project === undefined ? {} : { project: project.name }),
        createdAt: formatInstant(now),
        ...(expiresAt === undefined ? {} : { expiresAt: formatInstant(expiresAt) }),
      },
    });
  },

  async revokeToken({ params }, { work, access }) {
    const part = await access.list(work.tx, {});
    if (part.kind === 'refused') return part;
    const visible = await selectTokens(work.tx, visiblePart(access.principal));
    const named = visible.filter(({ name }) => name === params.name);
    // A name of one's own scope comes before the same name further down.
    const own = named.find((token) => isSameScope(token, access.principal.grant.scope));
    const [row, ...others] = own === undefined ? named : [own];
    if (row === undefined) {
      const detail = `There is no token ${params.name}, or it belongs to somebody else.`;
      return refuse('not-found', detail, { reasons: [{ code: 'not-found', message: detail }] });
    }
    if (others.length > 0) {
      const message = `params.name ${params.name} is the name of tokens of several tenants; let an administrator of the tenant revoke it.`;
      return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
    }
    await revokeToken(work.tx, row.id, work.now);
    work.audit({
      actor: access.principal.name,
      action: 'token.revoke',
      subjectKind: 'token',
      subjectName: params.name,
      tenantId: row.tenant_id ?? undefined,
      projectId: row.project_id ?? undefined,
      message: `The token ${params.name} was revoked by ${access.principal.name}.`,
    });
    return done(undefined);
  },
};

const isSameScope = (row: TokenRow, scope: Scope): boolean =>
  JSON.stringify(scopeOf({ tenantId: row.tenant_id, projectId: row.project_id })) === JSON.stringify(scope);
