/** What a control plane has before anybody comes: a tenant, a project, an admin token in a file, a way to sign in. */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { addMilliseconds, hours, type Instant } from '@gatehouse/domain/instant';
import type { Database } from './database/connection.ts';
import { defaultTenantName } from './identity/access.ts';
import { insertSignInKey, insertToken, selectPrincipalByToken } from './identity/identity.store.ts';
import { hashSecret, newSecret } from './identity/secret.ts';
import { insertProject, insertTenant, selectTenantByName } from './tenants/tenant.store.ts';
import { insertSecret, selectSecret } from './work/secret.store.ts';
import { newId } from './work/work.ts';

const signInLinkLife = hours(24);
export const adminTokenName = 'admin';

/** The default tenant and project. Safe to repeat, and when two replicas start at once. */
export async function ensureDefaults(db: Database, now: Instant): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await insertTenant(tx, { id: newId(), name: defaultTenantName }, now);
    const tenant = await selectTenantByName(tx, defaultTenantName);
    if (tenant === undefined) throw new Error('the default tenant was inserted and is not there');
    await insertProject(tx, { id: newId(), name: 'default', tenantId: tenant.id }, now);
  });
}

/** The key that signs challenges and sessions, the same for all replicas. */
export async function ensureSigningKey(db: Database): Promise<Uint8Array> {
  await insertSecret(db, 'signing-key', randomBytes(32));
  const key = await selectSecret(db, 'signing-key');
  if (key === undefined) throw new Error('the signing key was inserted and is not there');
  return key;
}

/**
 * An API token of a local admin in `admin-token`, readable by whoever started Gatehouse alone. Made anew when the file is
 * gone or its token does not work any more: who can write the data directory can sign in.
 */
export async function ensureAdminToken(db: Database, directory: string, now: Instant): Promise<string> {
  const file = path.join(directory, 'admin-token');
  if (existsSync(file)) {
    const token = (await readFile(file, 'utf8')).trim();
    const principal = await selectPrincipalByToken(db, hashSecret(token), now);
    if (principal !== undefined) return principal.tokenId;
  }
  const token = newSecret('ght');
  const id = newId();
  const values = { id, role: 'Platform Admin', hash: hashSecret(token), now } as const;
  const isNamed = await insertToken(db, { ...values, name: adminTokenName });
  if (!isNamed && !(await insertToken(db, { ...values, name: `${adminTokenName}-${id.slice(0, 8)}` }))) {
    throw new Error('no admin token can be made');
  }
  await writeFile(`${file}.unfinished`, `${token}\n`, { mode: 0o600 });
  await rename(`${file}.unfinished`, file);
  return id;
}

/** Works once, for a day. */
export async function makeSignInLink(
  db: Database,
  input: { readonly tokenId: string; readonly url: string; readonly now: Instant },
): Promise<string> {
  const key = newSecret('ghk');
  const { tokenId, now } = input;
  await insertSignInKey(db, { hash: hashSecret(key), tokenId, expiresAt: addMilliseconds(now, signInLinkLife) });
  // In the fragment, which browsers do not send and servers do not log.
  return `${input.url}/sign-in#key=${key}`;
}
