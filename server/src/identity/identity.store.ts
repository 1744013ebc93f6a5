/** API tokens, one-time sign-in keys and web sessions; all of them only as digests. */

import { type Role, roles } from '@gatehouse/domain/authorisation';
import { addMilliseconds, hours, type Instant } from '@gatehouse/domain/instant';
import type { Queryable } from '../database/connection.ts';
import { type Principal, scopeOf } from './principal.ts';

/** Clocks of replicas may differ; by more than this one of them is wrong. */
const futureMax = hours(1);

/** The principal behind a bearer token; undefined when it is unknown, expired or revoked. */
export async function selectPrincipalByToken(
  db: Queryable,
  hash: string,
  now: Instant,
): Promise<Principal | undefined> {
  const row = await principalRows(db, now).where('t.hash', '=', hash).executeTakeFirst();
  return row && toPrincipal(row, 'token');
}

export async function selectPrincipalById(
  db: Queryable,
  tokenId: string,
  now: Instant,
): Promise<Principal | undefined> {
  const row = await principalRows(db, now).where('t.id', '=', tokenId).executeTakeFirst();
  return row && toPrincipal(row, 'token');
}

export async function selectPrincipalBySession(
  db: Queryable,
  hash: string,
  now: Instant,
): Promise<Principal | undefined> {
  const row = await principalRows(db, now)
    .innerJoin('web_sessions as s', 's.token_id', 't.id')
    .where('s.hash', '=', hash)
    .where('s.expires_at', '>', new Date(now))
    // One of the future was made by a clock that was ahead, and would be good for as much longer.
    .where('s.created_at', '<=', new Date(addMilliseconds(now, futureMax)))
    .executeTakeFirst();
  return row && toPrincipal(row, 'cookie');
}

function principalRows(db: Queryable, now: Instant) {
  return db
    .selectFrom('tokens as t')
    .leftJoin('tenants as n', 'n.id', 't.tenant_id')
    .leftJoin('projects as p', 'p.id', 't.project_id')
    .select([
      't.id',
      't.name',
      't.role',
      't.tenant_id',
      't.project_id',
      'n.name as tenant_name',
      'p.name as project_name',
    ])
    .where('t.revoked_at', 'is', null)
    .where((eb) => eb.or([eb('t.expires_at', 'is', null), eb('t.expires_at', '>', new Date(now))]));
}

interface PrincipalRow {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly tenant_id: string | null;
  readonly project_id: string | null;
  readonly tenant_name: string | null;
  readonly project_name: string | null;
}

function toPrincipal(row: PrincipalRow, via: Principal['via']): Principal {
  return {
    tokenId: row.id,
    name: row.name,
    grant: { role: parseRole(row.role), scope: scopeOf({ tenantId: row.tenant_id, projectId: row.project_id }) },
    ...(row.tenant_name === null ? {} : { tenantName: row.tenant_name }),
    ...(row.project_name === null ? {} : { projectName: row.project_name }),
    via,
  };
}

export function parseRole(text: string): Role {
  const role = roles.find((known) => known === text);
  if (role === undefined) throw new TypeError(`the database holds a role that this program does not know: ${text}`);
  return role;
}

export interface NewToken {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly tenantId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly hash: string;
  readonly now: Instant;
  readonly expiresAt?: Instant | undefined;
}

/** False when the name is taken in its scope. */
export async function insertToken(db: Queryable, token: NewToken): Promise<boolean> {
  const inserted = await db
    .insertInto('tokens')
    .values({
      id: token.id,
      name: token.name,
      role: token.role,
      tenant_id: token.tenantId ?? null,
      project_id: token.projectId ?? null,
      hash: token.hash,
      created_at: new Date(token.now),
      expires_at: token.expiresAt === undefined ? null : new Date(token.expiresAt),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n;
}

export async function selectTokens(db: Queryable, part: { readonly tenantId?: string; readonly projectId?: string }) {
  let query = db
    .selectFrom('tokens as t')
    .leftJoin('tenants as n', 'n.id', 't.tenant_id')
    .leftJoin('projects as p', 'p.id', 't.project_id')
    .selectAll('t')
    .select(['n.name as tenant_name', 'p.name as project_name'])
    .where('t.revoked_at', 'is', null)
    .orderBy('t.created_at')
    .limit(1000);
  if (part.tenantId !== undefined) query = query.where('t.tenant_id', '=', part.tenantId);
  if (part.projectId !== undefined) query = query.where('t.project_id', '=', part.projectId);
  return query.execute();
}

export async function revokeToken(db: Queryable, id: string, now: Instant): Promise<void> {
  await db
    .updateTable('tokens')
    .set({ revoked_at: new Date(now) })
    .where('id', '=', id)
    .execute();
}

export async function insertSignInKey(
  db: Queryable,
  key: { readonly hash: string; readonly tokenId: string; readonly expiresAt: Instant },
): Promise<void> {
  await db
    .insertInto('sign_in_keys')
    .values({ hash: key.hash, token_id: key.tokenId, expires_at: new Date(key.expiresAt) })
    .execute();
}

/** Uses the key up; undefined when it was used before, has expired or never was. */
export async function useSignInKey(db: Queryable, hash: string, now: Instant): Promise<string | undefined> {
  const used = await db
    .updateTable('sign_in_keys')
    .set({ used_at: new Date(now) })
    .where('hash', '=', hash)
    .where('used_at', 'is', null)
    .where('expires_at', '>', new Date(now))
    .returning('token_id')
    .executeTakeFirst();
  return used?.token_id;
}

export async function insertWebSession(
  db: Queryable,
  session: { readonly hash: string; readonly tokenId: string; readonly now: Instant; readonly expiresAt: Instant },
): Promise<void> {
  await db
    .insertInto('web_sessions')
    .values({
      hash: session.hash,
      token_id: session.tokenId,
      created_at: new Date(session.now),
      expires_at: new Date(session.expiresAt),
    })
    .execute();
}

export async function deleteWebSession(db: Queryable, hash: string): Promise<void> {
  await db.deleteFrom('web_sessions').where('hash', '=', hash).execute();
}

export async function deleteExpiredIdentities(db: Queryable, now: Instant): Promise<void> {
  await db.deleteFrom('web_sessions').where('expires_at', '<', new Date(now)).execute();
  await db.deleteFrom('sign_in_keys').where('expires_at', '<', new Date(now)).execute();
}
