/** The word between replicas, sent with the commit: what changed, never how. */

import { sql } from 'kysely';
import type { DatabaseTransaction } from '../database/connection.ts';

export type Change =
  | { readonly kind: 'gateway'; readonly gatewayId: string }
  /** A pause of a scope, the platform's version, the releases: whatever concerns many gateways. */
  | { readonly kind: 'everything' }
  | { readonly kind: 'events' }
  /** Notifications, or what is to be sent of them. */
  | { readonly kind: 'notifications' };

export const channel = 'gatehouse_changes';

export async function notify(tx: DatabaseTransaction, changes: readonly Change[]): Promise<void> {
  const payloads = new Set(changes.map((change) => JSON.stringify(change)));
  for (const payload of payloads) await sql`select pg_notify(${channel}, ${payload})`.execute(tx);
}
