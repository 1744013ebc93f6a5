/** The product's spans, with shorter polls and a shorter settle time where they were asked for. */

import { minutes, seconds } from '@gatehouse/domain/instant';
import { productionTimings, type Timings } from '@gatehouse/domain/timings';
import type { Arguments } from './arguments.ts';

const sandboxPollSeconds = 2;
/** With polls that are asked for more often than the product's, settling takes so many of them. */
const settlePolls = 3;
/** The least that `pollAgainSeconds` may say (`PollReply`): an agent refuses a reply with less. */
const pollAgainMin = seconds(0.1);

export function askedTimings({
  isSandbox,
  pollSeconds,
  settleSeconds,
}: Pick<Arguments, 'isSandbox' | 'pollSeconds' | 'settleSeconds'>): Timings {
  const given = pollSeconds ?? (isSandbox ? sandboxPollSeconds : undefined);
  const { poll, platform } = productionTimings;
  const settleGiven = settleSeconds === undefined ? undefined : seconds(settleSeconds);
  if (given === undefined) return { ...productionTimings, platform: { settle: settleGiven ?? platform.settle } };
  const interval = seconds(given);
  return {
    ...productionTimings,
    // Long enough for an agent that does not stay well to be heard.
    platform: { settle: settleGiven ?? Math.min(platform.settle, interval * settlePolls) },
    poll: {
      ...poll,
      interval,
      whileWaitingForConfirmation: Math.min(poll.whileWaitingForConfirmation, interval),
      duringUpdate: Math.min(poll.duringUpdate, Math.max(pollAgainMin, interval / 2)),
      unhealthyAfterDue: Math.min(poll.unhealthyAfterDue, Math.max(minutes(1), interval * 10)),
    },
  };
}
