/**
 * Whether the gateway's clock can say what has expired. Minutes are allowed for in every expiry; a clock that is days
 * behind would let old metadata count as current, and one that is days ahead would say the contrary.
 */

import type { Instant } from '@gatehouse/domain/instant';
import type { Reason } from '@gatehouse/domain/reason';

const day = 86_400_000;

/**
 * `controlPlane`: its clock by its last answer, undefined before the first. It is not trusted: all it can bring about is that
 * nothing new is taken, which whoever has the control plane can have by saying nothing.
 */
export function clockReasons(gateway: Instant, controlPlane: Instant | undefined): readonly Reason[] {
  if (controlPlane === undefined) return [];
  const difference = gateway - controlPlane;
  if (Math.abs(difference) <= day) return [];
  const days = Math.round(Math.abs(difference) / day);
  return [
    {
      code: 'clock',
      message:
        `The gateway's clock is ${days === 1 ? 'a day' : `${days} days`} ${difference > 0 ? 'ahead of' : 'behind'} the ` +
        "control plane's, so it cannot be told which release metadata has expired.",
      nextStep: 'Set both clocks right; what waits goes on with the next poll.',
    },
  ];
}
