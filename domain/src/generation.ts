/**
 * The number of a gateway's target. It only rises: the server gives each new target the next one, the agent refuses one
 * that is older than what it has.
 */

/** The first target has generation 1; a gateway without one is at 0. */
export function nextGeneration(current: number): number {
  if (!Number.isSafeInteger(current) || current < 0) throw new RangeError(`not a generation: ${current}`);
  return current + 1;
}

/** `same` needs no write. `refuse`: an older target came late, or from a database that was set back. */
export function acceptTarget(generations: {
  readonly stored: number;
  readonly offered: number;
}): 'accept' | 'same' | 'refuse' {
  if (generations.offered === generations.stored) return 'same';
  return generations.offered > generations.stored ? 'accept' : 'refuse';
}
