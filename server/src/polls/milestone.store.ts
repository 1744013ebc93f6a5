/** What happens once. The row is the proof, and whoever inserts it says so. */

import type { Instant } from '@gatehouse/domain/instant';
import type { DatabaseTransaction } from '../database/connection.ts';
import type { Mark } from './observed-events.ts';

const rowsPerInsert = 1000;

/** The same mark for many gateways: the ids of those that did not have it before. */
export async function insertMilestoneOfMany(
  tx: DatabaseTransaction,
  gatewayIds: readonly string[],
  { subject, milestone }: Mark,
  now: Instant,
): Promise<ReadonlySet<string>> {
  const added = new Set<string>();
  for (let from = 0; from < gatewayIds.length; from += rowsPerInsert) {
    const rows = await tx
      .insertInto('milestones')
      .values(
        gatewayIds
          .slice(from, from + rowsPerInsert)
          .map((id) => ({ gateway_id: id, subject, milestone, at: new Date(now) })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .returning('gateway_id')
      .execute();
    for (const { gateway_id } of rows) added.add(gateway_id);
  }
  return added;
}

/** What the agent told of itself after then; not counted further than `countMax`. */
export async function countAgentMilestonesSince(
  tx: DatabaseTransaction,
  gatewayId: string,
  { since, countMax }: { readonly since: Instant; readonly countMax: number },
): Promise<number> {
  const rows = await tx
    .selectFrom('milestones as m')
    .select('m.milestone')
    .where('m.gateway_id', '=', gatewayId)
    .where('m.at', '>', new Date(since))
    .where('m.subject', 'not like', 'profile-update:%')
    .limit(countMax)
    .execute();
  return rows.length;
}

export async function countKnownMilestones(
  tx: DatabaseTransaction,
  gatewayId: string,
  marks: readonly Mark[],
): Promise<number> {
  const rows = await tx
    .selectFrom('milestones as m')
    .select(['m.subject', 'm.milestone'])
    .where('m.gateway_id', '=', gatewayId)
    .where('m.subject', 'in', [...new Set(marks.map(({ subject }) => subject))])
    .execute();
  const known = new Set(rows.map((row) => JSON.stringify([row.subject, row.milestone])));
  return marks.filter(({ subject, milestone }) => known.has(JSON.stringify([subject, milestone]))).length;
}

/** Those that were not there before. */
export async function insertMilestones(
  tx: DatabaseTransaction,
  gatewayId: string,
  marks: readonly Mark[],
  now: Instant,
): Promise<readonly Mark[]> {
  if (marks.length === 0) return [];
  const unique = [...new Map(marks.map((mark) => [JSON.stringify(mark), mark])).values()];
  return tx
    .insertInto('milestones')
    .values(unique.map(({ subject, milestone }) => ({ gateway_id: gatewayId, subject, milestone, at: new Date(now) })))
    .onConflict((conflict) => conflict.doNothing())
    .returning(['subject', 'milestone'])
    .execute();
}
