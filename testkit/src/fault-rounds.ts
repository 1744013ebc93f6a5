/**
 * How often a fault is made to happen: the whole number with `npm run test:faults`, the short one where a run must stay quick
 * (`GATEHOUSE_FAULT_ROUNDS=short`, as `.ci/run` sets it). Any other value of the variable is an error: a round number that is
 * silently wrong would claim more than was tried.
 */
export function faultRounds(rounds: { readonly whole: number; readonly short: number }): number {
  const asked = process.env['GATEHOUSE_FAULT_ROUNDS'];
  if (asked === undefined || asked === 'whole') return rounds.whole;
  if (asked === 'short') return rounds.short;
  throw new Error(`GATEHOUSE_FAULT_ROUNDS is "${asked}"; set it to "short" or "whole", or leave it out (whole)`);
}
