/**
 * Whether a gateway's clock is off, by what its agent says with a poll. Nothing is decided by it: every time that counts
 * is the server's. But what the gateway reports is dated by it, and metadata expires by it, so people are told.
 */

import type { PollRequest } from '@gatehouse/contract/agent-api';
import { type Instant, type Milliseconds, minutes } from '@gatehouse/domain/instant';
import { differenceText } from '@gatehouse/domain/steady-time';
import { eventSubject, type GatewayRow, updateGateway } from '../gateways/gateway.store.ts';
import type { Work } from '../work/work.ts';

/** Expiry allows for minutes. */
const differenceMax = minutes(5);
/** Less, so that a clock at the very margin is not told of with every poll. */
const differenceMaxAgain = minutes(4);

/** How far the gateway's clock is ahead; undefined while that is within the margin, or not said. */
export function clockDifference(
  { clock }: Pick<PollRequest, 'clock'>,
  now: Instant,
  wasOff: boolean,
): Milliseconds | undefined {
  const told = clock === undefined ? Number.NaN : Date.parse(clock);
  if (Number.isNaN(told)) return undefined;
  const difference = told - now;
  return Math.abs(difference) > (wasOff ? differenceMaxAgain : differenceMax) ? difference : undefined;
}

/** Tells once that it is off, and once that it is right again. True while it is off. */
export async function noticeClock(row: GatewayRow, request: PollRequest, work: Work): Promise<boolean> {
  const wasOff = row.clock_difference_milliseconds !== null;
  const difference = clockDifference(request, work.now, wasOff);
  if ((difference !== undefined) === wasOff) return wasOff;
  await updateGateway(work.tx, row.id, { clock_difference_milliseconds: difference ?? null });
  const message =
    difference === undefined
      ? 'The clock of the gateway agrees with the control plane’s again.'
      : `The clock of the gateway is ${differenceText(difference)} the control plane’s. What the gateway reports is dated by ` +
        'it, and beyond a day its agent takes nothing new. Set both clocks right (NTP).';
  const severity = difference === undefined ? 'normal' : 'warning';
  work.event(eventSubject(row), { type: difference === undefined ? 'clock-right' : 'clock', message, severity });
  return difference !== undefined;
}
