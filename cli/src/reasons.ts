import type { Reason } from '@gatehouse/contract/primitives';
import { plain } from './terminal.ts';

/** Each reason on a line of its own, what can be done about it below. */
export function reasonLines(reasons: readonly Reason[]): readonly string[] {
  return reasons.flatMap((reason) => [
    `  - ${plain(reason.message)}`,
    ...(reason.nextStep === undefined ? [] : [`    ${plain(reason.nextStep)}`]),
  ]);
}
