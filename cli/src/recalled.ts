/** A recall in lines for people. */

import type { Gateway, Release } from '@gatehouse/contract/operator-types';
import { plain } from './terminal.ts';
import { clockTime } from './time.ts';

/** Why, since when, by whom, and each gateway that is on it. Nothing for a release that is good. */
export function recallLines({ version, recalled }: Release): readonly string[] {
  if (recalled === undefined) return [];
  const { reason, at, by, isSigned, gateways, gatewaysTotal } = recalled;
  const who = isSigned ? 'its publisher' : by;
  const head = `Release ${version} was recalled by ${who} at ${clockTime(at)}: ${reason}`;
  if (gatewaysTotal === 0) return [plain(head), '  No gateway is on it.'];
  const more = gatewaysTotal - gateways.length;
  return [
    plain(head),
    ...gateways.map(({ name, parts, isEvenIfPaused }) =>
      plain(`  - ${name} runs its ${parts.join(' and ')}${isEvenIfPaused ? '; leaves it even if paused' : ''}`),
    ),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

/** For a table: the version of a part, marked when it was recalled. */
export function markRecalled(
  { recalled }: Pick<Gateway, 'recalled'>,
  part: 'agent' | 'profile',
  version: string | undefined,
): string | undefined {
  const isRecalled = recalled?.some((one) => one.part === part) === true;
  return version !== undefined && isRecalled ? `${version} (recalled)` : version;
}
