/** Which gateways somebody looks at now, for a bounded number of them; those are asked to poll more often. */

import { addMilliseconds, type Instant, minutes } from '@gatehouse/domain/instant';

export interface Attention {
  look(gatewayId: string, now: Instant): void;
  isLookedAt(gatewayId: string, now: Instant): boolean;
}

const lookLasts = minutes(2);
const gatewaysMax = 200;

export function createAttention(): Attention {
  const until = new Map<string, Instant>();
  return {
    look(gatewayId, now) {
      if (!until.has(gatewayId) && until.size >= gatewaysMax) {
        for (const [id, end] of until) if (end <= now) until.delete(id);
        if (until.size >= gatewaysMax) return;
      }
      until.set(gatewayId, addMilliseconds(now, lookLasts));
    },
    isLookedAt(gatewayId, now) {
      const end = until.get(gatewayId);
      return end !== undefined && now < end;
    },
  };
}
