/**
 * Makes notifications of what a transaction brought about: of its events, and of what else it told of. They and what is
 * to be sent of them are rows of that same transaction, so that nothing is told of what did not happen, and nothing that
 * happened is lost.
 */

import { randomUUID } from 'node:crypto';
import type { Instant } from '@gatehouse/domain/instant';
import { consequencesOf, type Notification } from '@gatehouse/domain/notification';
import type { DatabaseTransaction } from '../database/connection.ts';
import { insertDeliveries } from '../deliveries/delivery.store.ts';
import type { EventSubject, NewEvent } from '../events/event.store.ts';
import { endTopics, insertNotifications, type NewNotification, type NotificationPlace } from './notification.store.ts';

export interface Told {
  readonly notification: Notification;
  readonly place: NotificationPlace;
}

export interface Tidings {
  readonly events: readonly { readonly gateway: EventSubject; readonly event: NewEvent }[];
  readonly notifications: readonly Told[];
  /** Topics that are over for another reason than an event. */
  readonly over: readonly string[];
}

/** True when something changed. Last in its transaction. */
export async function tell(tx: DatabaseTransaction, tidings: Tidings, now: Instant): Promise<boolean> {
  const over = new Set(tidings.over);
  // By topic: of two that one transaction brings, the later one is true.
  const fromEvents = new Map<string, NewNotification>();
  for (const { gateway, event } of tidings.events) {
    const found = consequencesOf({ ...event, gateway: { id: gateway.id, name: gateway.name } });
    for (const topic of found.over) {
      over.add(topic);
      fromEvents.delete(topic);
    }
    if (found.notification !== undefined) {
      const place = { tenantId: gateway.tenantId, projectId: gateway.projectId };
      fromEvents.set(found.notification.topic, { id: randomUUID(), notification: found.notification, place });
    }
  }
  const told = tidings.notifications.map((each): NewNotification => ({ id: randomUUID(), ...each }));
  const ended = await endTopics(tx, [...over], now);
  const inserted = await insertNotifications(tx, [...fromEvents.values(), ...told], now);
  await insertDeliveries(tx, inserted, now);
  return ended > 0 || inserted.length > 0;
}
