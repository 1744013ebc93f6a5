/** What happens once. The row is the proof, and whoever inserts it says so. */

import type { Instant } from '@gatehouse/domain/instant';
import type { DatabaseTransaction } from '../database/connection.ts';
import type { Mark } from './observed-events.ts';

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
