/** What is to be told because of time alone: a plan that has waited long, a pause about to end. Asked again, it tells nothing twice. */

import { addMilliseconds, hours, toInstant } from '@gatehouse/domain/instant';
import { longWait, pauseEnd, planWaitsLongAfter } from '@gatehouse/domain/notification';
import { deleteDeliveriesBefore } from '../deliveries/delivery.store.ts';
import type { Work } from '../work/work.ts';
import {
  deleteNotificationsBefore,
  selectEndedPauseTopics,
  selectEndingPauses,
  selectLongWaits,
} from './notification.store.ts';

const rowsMax = 200;
const notificationLife = hours(180 * 24);
const deliveryLife = hours(30 * 24);

export async function tellOfTime(work: Work): Promise<void> {
  const { tx, now } = work;
  for (const row of await selectLongWaits(tx, new Date(addMilliseconds(now, -planWaitsLongAfter)), rowsMax)) {
    if (row.subject_id === null) continue;
    const told = longWait(
      {
        notificationId: row.id,
        since: toInstant(row.at.getTime()),
        gateway: { id: row.subject_id, name: row.subject_name },
      },
      now,
    );
    if (told !== undefined) {
      work.tell(told, { tenantId: row.tenant_id ?? undefined, projectId: row.project_id ?? undefined });
    }
  }
  for (const row of await selectEndingPauses(tx, rowsMax)) {
    if (row.until === null) continue;
    const told = pauseEnd(
      {
        id: row.id,
        scope: { kind: row.scope_kind, id: row.scope_id, name: row.scope_name },
        by: row.set_by,
        reason: row.reason,
        since: toInstant(row.since.getTime()),
        until: toInstant(row.until.getTime()),
      },
      now,
    );
    const projectId = row.scope_kind === 'project' ? row.scope_id : (row.gateway_project_id ?? undefined);
    if (told !== undefined) work.tell(told, { tenantId: row.tenant_id, projectId });
  }
  for (const topic of await selectEndedPauseTopics(tx, rowsMax)) work.over(topic);
  await deleteNotificationsBefore(tx, new Date(addMilliseconds(now, -notificationLife)), rowsMax);
  await deleteDeliveriesBefore(tx, new Date(addMilliseconds(now, -deliveryLife)), rowsMax);
}
