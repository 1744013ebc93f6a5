import type { Forecast } from '@gatehouse/contract/platform-types';
import { describe, expect, test } from 'vitest';
import { forecastLines } from './forecast-view.ts';
import { parseSpan } from './time.ts';

/** Local times, as they are shown. */
const at = (time: string): string => new Date(`2026-11-23T${time}`).toISOString();
const paused = { code: 'paused', message: 'Agent updates are paused by ann: audit.', nextStep: 'Resume it.' };
const holder = { gateway: 'site-a', tenant: 'acme', reasons: [paused] };

const open: Forecast['stages'][number] = {
  number: 1,
  from: '4.0.3',
  to: '4.1.9',
  opensAt: at('10:00:00'),
  heldBy: [],
  heldByTotal: 0,
  obstacles: [],
  confirmations: 0,
};
const held: Forecast = {
  from: at('10:00:00'),
  assumptions: ['Nobody confirms a profile update.'],
  stages: [
    open,
    {
      ...open,
      number: 2,
      from: '4.1.9',
      to: '4.2.7',
      opensAt: at('16:34:00'),
      heldBy: [{ ...holder, until: at('16:34:00') }],
      heldByTotal: 1,
      confirmations: 3,
    },
    { heldBy: [holder], heldByTotal: 7, obstacles: [], confirmations: 2 },
  ],
  outcome: 'held',
  waitingForPerson: 2,
};

describe('a forecast in words', () => {
  test('hops with when they begin, who holds them, what is to be confirmed; what is assumed', () => {
    expect(forecastLines(held).join('\n')).toBe(
      `Forecast from 2026-11-23 10:00:00:

HOP   TO      BEGINS                     TO CONFIRM   HELD LONGEST BY
1     4.1.9   now                        -            -
2     4.2.7   2026-11-23 16:34:00        3            site-a
end   -       not before somebody acts   2            site-a and 6 more

Hop 2 is held by
  site-a until 2026-11-23 16:34:00:
      - Agent updates are paused by ann: audit.
        Resume it.

The end of the plan is held by
  site-a until somebody acts:
      - Agent updates are paused by ann: audit.
        Resume it.
  and 6 more gateways.

The plan does not end before a person confirms 2 profile updates. See what then with \`--confirm-after 1d\`.

Assumed:
- Nobody confirms a profile update.`,
    );
  });

  test.each<[string, Forecast, string]>([
    ['it is done', { ...held, outcome: 'done', doneAt: at('18:00:00') }, 'The plan is done at 2026-11-23 18:00:00.'],
    ['it takes more than a year', { ...held, outcome: 'too-far' }, 'The plan is not done within a year.'],
    [
      'a hop waits for an act',
      { ...held, stages: held.stages.slice(0, 2), waitingForPerson: 0 },
      'Hop 2 does not begin before somebody acts.',
    ],
  ])('%s', (_name, forecast, line) => expect(forecastLines(forecast)).toContain(line));

  test('what holds a hop besides gateways, and gateways that one does not see', () => {
    const stage = { ...open, obstacles: [{ code: 'risk-applies', message: 'It is slow.' }], heldByTotal: 2 };
    const text = forecastLines({ ...held, stages: [stage] }).join('\n');
    expect(text).toContain('risk-applies, 2 gateways');
    expect(text).toMatch(/Hop 1 is held by\n {4}- It is slow\.\n {2}and 2 more gateways\./);
  });
});

test.each([
  ['90m', 5400],
  ['1d', 86_400],
  ['0s', 0],
])('%s is a span', (text, seconds) => expect(parseSpan(text)).toBe(seconds));

test.each(['tomorrow', '1w', '-1d', '366d', ''])('%s is refused as a span', (text) => {
  expect(() => parseSpan(text)).toThrow(/no span|more than a year/);
});
