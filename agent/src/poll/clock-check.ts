/**
 * Whether the gateway's clock can say what has expired. Minutes are allowed for in every expiry; a clock that is days
 * behind would let old metadata count as current, and one that is days ahead would say the contrary.
 */

import { formatInstant, type Instant } from '@gatehouse/domain/instant';
import type { Reason } from '@gatehouse/domain/reason';

export const clockDifferenceMax = 24 * 3_600_000;

/**
 * `controlPlane`: its clock by its last answer, undefined before the first. It is not trusted: all it can bring about is that
 * nothing new is taken, which whoever has the control plane can have by saying nothing.
 */
export function clockReasons(gateway: Instant, controlPlane: Instant | undefined): readonly Reason[] {
  if (controlPlane === undefined || Math.abs(gateway - controlPlane) <= clockDifferenceMax) return [];
  return [
    {
      code: 'clock',
      message:
        `By the gateway's clock it is ${formatInstant(gateway)}, by the control plane's ${formatInstant(controlPlane)}; ` +
        'so it cannot be told which release metadata has expired.',
      nextStep: 'Set both clocks right; what waits goes on with the next poll.',
    },
  ];
}
