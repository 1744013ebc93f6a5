import { PollReply } from '@gatehouse/contract/agent-api';
import { productionTimings } from '@gatehouse/domain/timings';
import { Check } from 'typebox/value';
import { expect, test } from 'vitest';
import { parseArguments } from './arguments.ts';
import { askedTimings } from './asked-timings.ts';

const timingsOf = (...args: readonly string[]) => askedTimings(parseArguments(args));

test.each(['0.1', '0.15', '1', '3600', '86400'])(
  'with --poll-seconds %s an agent is told nothing that it would refuse',
  (given) => {
    const { interval, whileWaitingForConfirmation, duringUpdate } = timingsOf('--poll-seconds', given).poll;
    for (const span of [interval, whileWaitingForConfirmation, duringUpdate]) {
      expect(Check(PollReply, { isObservationWanted: false, pollAgainSeconds: span / 1000 })).toBe(true);
    }
    expect(duringUpdate).toBeLessThanOrEqual(interval);
  },
);

test.each(['0.05', '0', '86401', 'often'])('--poll-seconds %s is refused with what it may be', (given) => {
  expect(() => timingsOf('--poll-seconds', given)).toThrow(/--poll-seconds .*0\.1/);
});

test('without a flag the product polls as it does, and the sandbox often', () => {
  expect(timingsOf('--no-sandbox')).toEqual(productionTimings);
  expect(timingsOf().poll).toMatchObject({ interval: 2_000, duringUpdate: 1_000 });
});
