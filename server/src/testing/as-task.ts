import { named } from '../work/fail-points.ts';

/** What a test does by itself and that writes counts as a task's, since in tests no write may be without a name. */
export const asTask = <T>(work: () => Promise<T>): Promise<T> =>
  named({ reach: () => Promise.resolve() }, 'upkeep', work);
