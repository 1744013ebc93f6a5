import { ProblemError } from '@gatehouse/contract/client';
import type { Reason } from '@gatehouse/contract/primitives';
import { toProblem } from '@gatehouse/contract/problem';
import { describe, expect, it } from 'vitest';
import { toShownProblem } from './problem.ts';

describe('what went wrong', () => {
  const refused = (detail: string, reasons: readonly Reason[]) =>
    toShownProblem(new ProblemError(toProblem('pause-acknowledgement-needed', detail, { reasons })));
  const title = 'The gateway is paused; confirm again that you know.';
  const paused = { code: 'paused', message: 'The tenant t is paused.', nextStep: 'Resume it.' };

  it('is the control plane’s own answer, whole', () => {
    expect(refused('The gateway a is paused.', [paused])).toEqual({
      code: 'pause-acknowledgement-needed',
      title,
      detail: 'The gateway a is paused.',
      reasons: [paused],
    });
  });
  it('is not said twice', () => {
    expect(refused(paused.message, [paused])).not.toHaveProperty('detail');
    expect(refused(title, [])).not.toHaveProperty('detail');
  });
  it('is said to be the way to the control plane when no answer came', () => {
    expect(toShownProblem(new TypeError('Failed to fetch')).code).toBe('no-answer');
  });
  it('is said to be the console’s own otherwise', () => {
    expect(toShownProblem(new Error('broken'))).toMatchObject({ code: 'console-error', detail: 'broken' });
    expect(toShownProblem('broken')).toMatchObject({ code: 'console-error', detail: 'broken' });
  });
});
