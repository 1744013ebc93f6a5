/**
 * The number of a gateway's target. It only rises: the server gives each new target the next one, the agent refuses one
 * that is older than what it has, and one that is so far ahead that it could use up the numbers.
 */

/** The first target has generation 1; a gateway without one is at 0. */
export function nextGeneration(current: number): number {
  if (!Number.isSafeInteger(current) || current < 0) throw new RangeError(`not a generation: ${current}`);
  return current + 1;
}

/**
 * How far a generation may rise at once. The server counts by one, so this is never met by chance; without it whoever
 * owns the server for a minute could send the last number there is, and no honest target would ever be newer again.
 */
export const generationJumpMax = 1_000_000;

/**
 * `same` needs no write. `older`: it came late, or from a database that was set back. `too-far`: from a server that does
 * not count. The last two are refused.
 */
export function acceptTarget(generations: {
  readonly stored: number;
  readonly offered: number;
}): 'accept' | 'same' | 'older' | 'too-far' {
  const { stored, offered } = generations;
  if (offered === stored) return 'same';
  if (offered < stored) return 'older';
  return offered - stored > generationJumpMax ? 'too-far' : 'accept';
}
