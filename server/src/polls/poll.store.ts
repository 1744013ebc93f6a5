/** What a poll brings and what it is answered with: observations and targets. */

import type { Observation, Target } from '@gatehouse/contract/agent-api';
import type { Instant } from '@gatehouse/domain/instant';
import { sql } from 'kysely';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';

export async function upsertObservation(
  tx: DatabaseTransaction,
  gatewayId: string,
  observation: { readonly digest: string; readonly body: Observation; readonly receivedAt: Instant },
): Promise<void> {
  const row = {
    digest: observation.digest,
    body: JSON.stringify(observation.body),
    received_at: new Date(observation.receivedAt),
  };
  await tx
    .insertInto('observations')
    .values({ gateway_id: gatewayId, ...row })
    .onConflict((conflict) => conflict.column('gateway_id').doUpdateSet(row))
    .execute();
}

export async function insertTarget(
  tx: DatabaseTransaction,
  target: { readonly gatewayId: string; readonly body: Target; readonly reason: string; readonly now: Instant },
): Promise<void> {
  await tx
    .insertInto('targets')
    .values({
      gateway_id: target.gatewayId,
      generation: target.body.generation,
      body: JSON.stringify(target.body),
      reason: target.reason,
      created_at: new Date(target.now),
    })
    .execute();
}

export async function deleteRetriedAgents(
  tx: DatabaseTransaction,
  gatewayId: string,
  digests: readonly string[],
): Promise<void> {
  if (digests.length === 0) return;
  await tx.deleteFrom('retried_agents').where('gateway_id', '=', gatewayId).where('digest', 'in', digests).execute();
}

/** The versions of the imported releases that have this profile for some provider, in the order of their import. */
export async function selectReleasesOfProfile(db: Queryable, digest: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('releases as r')
    .select('r.version')
    .orderBy('r.imported_at')
    .where(sql<boolean>`jsonb_path_query_array(r.document, '$.profiles.*.digest') ? ${digest}`)
    .execute();
  return rows.map(({ version }) => version);
}

/** The versions of the imported releases that have this agent, in the order of their import. */
export async function selectReleasesOfAgent(db: Queryable, digest: string): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('releases as r')
    .select('r.version')
    .orderBy('r.imported_at')
    .where((eb) =>
      eb(eb.fn<string>('jsonb_extract_path_text', ['r.document', eb.val('agent'), eb.val('digest')]), '=', digest),
    )
    .execute();
  return rows.map(({ version }) => version);
}
