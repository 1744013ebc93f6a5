import { ProblemError } from '@gatehouse/contract/client';
import { toProblem } from '@gatehouse/contract/problem';
import { describe, expect, it } from 'vitest';
import { toShownProblem } from './problem.ts';

describe('what went wrong', () => {
  it('is the control plane’s own answer, without a reason that only repeats the detail', () => {
    const detail = 'The gateway a is paused.';
    const error = new ProblemError(
      toProblem('pause-acknowledgement-needed', detail, {
        reasons: [
          { code: 'one', message: detail },
          { code: 'two', message: detail, nextStep: 'Confirm again.' },
          { code: 'three', message: 'The tenant t is paused.' },
        ],
      }),
    );
    expect(toShownProblem(error)).toEqual({
      code: 'pause-acknowledgement-needed',
      title: 'The gateway is paused; confirm again that you know.',
      detail,
      reasons: [
        { code: 'two', message: detail, nextStep: 'Confirm again.' },
        { code: 'three', message: 'The tenant t is paused.' },
      ],
    });
  });
  it('is said to be the way to the control plane when no answer came', () => {
    expect(toShownProblem(new TypeError('Failed to fetch')).code).toBe('no-answer');
  });
  it('is said to be the console’s own otherwise', () => {
    expect(toShownProblem(new Error('broken'))).toMatchObject({ code: 'console-error', detail: 'broken' });
    expect(toShownProblem('broken')).toMatchObject({ code: 'console-error', detail: 'broken' });
  });
});
