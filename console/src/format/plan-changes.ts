/** What is otherwise in the plan that holds now than in the one that was reviewed, as a person is told it. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';

export interface PlanChange {
  readonly kind: 'no-longer' | 'now';
  readonly text: string;
}

type Compared = Pick<ProfileUpdate, 'planId' | 'from' | 'to' | 'summary' | 'steps'>;

/** Lines that only one of the two has: first what is gone, then what has come. Empty when both are one plan. */
export function planChanges(seen: Compared, now: Compared): readonly PlanChange[] {
  if (seen.planId === now.planId) return [];
  const before = linesOf(seen);
  const after = linesOf(now);
  return [
    ...before.filter((text) => !after.includes(text)).map((text) => ({ kind: 'no-longer', text }) as const),
    ...after.filter((text) => !before.includes(text)).map((text) => ({ kind: 'now', text }) as const),
  ];
}

function linesOf({ from, to, summary, steps }: Compared): readonly string[] {
  return [
    `${from.version} → ${to.version}`,
    ...summary.sentences,
    ...steps.map(({ title, nodes }) => (nodes.length === 0 ? title : `${title}: ${nodes.join(', ')}`)),
    ...summary.deletes.map((object) => `− ${object}`),
  ];
}
