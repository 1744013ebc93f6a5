import type { Instant } from '@gatehouse/domain/instant';
import type { DatabaseTransaction } from '../database/connection.ts';

export async function upsertRetriedAgent(
  tx: DatabaseTransaction,
  retried: { readonly gatewayId: string; readonly digest: string; readonly by: string; readonly now: Instant },
): Promise<void> {
  const row = { asked_by: retried.by, asked_at: new Date(retried.now) };
  await tx
    .insertInto('retried_agents')
    .values({ gateway_id: retried.gatewayId, digest: retried.digest, ...row })
    .onConflict((conflict) => conflict.columns(['gateway_id', 'digest']).doUpdateSet(row))
    .execute();
}
