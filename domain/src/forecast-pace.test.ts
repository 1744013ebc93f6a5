import { describe, expect, test } from 'vitest';
import { paceOf, spanText } from './forecast-pace.ts';
import { hours, minutes, seconds } from './instant.ts';
import { at, attempt, gateway, observation, progress } from './testing/facts.ts';
import { productionTimings } from './timings.ts';

const updated = (took: number) =>
  gateway({ observation: observation({ attempt: attempt({ phase: 'settled', endedAt: at(took) }) }) });
const rolled = (took: number) =>
  gateway({ observation: observation({ profileUpdate: progress({ phase: 'completed', completedAt: at(took) }) }) });

describe('how fast things are taken to go', () => {
  test('as the median of the fleet’s last updates, and a profile update by its nodes', () => {
    const fleet = [minutes(2), minutes(3), hours(5)].map(updated);
    const { pace, assumptions } = paceOf([...fleet, rolled(minutes(36))], productionTimings, {});
    expect(pace).toEqual({ agentUpdate: minutes(3), profileUpdatePerNode: minutes(12) });
    expect(assumptions[0]).toBe(
      'An agent update takes 3 min from the poll that brings it (the median of the last ones on 3 gateways), and succeeds.',
    );
    expect(assumptions).toContainEqual(expect.stringContaining('Nobody confirms'));
  });

  test('without any, from deadlines and what is usual; updates that failed or run say nothing', () => {
    const running = gateway({ observation: observation({ attempt: attempt({ endedAt: at(1) }) }) });
    const { pace, assumptions } = paceOf([running], productionTimings, { confirmAfter: hours(24) });
    expect(pace).toEqual({ agentUpdate: minutes(4), profileUpdatePerNode: minutes(10), confirmAfter: hours(24) });
    expect(assumptions).toContain('A person confirms each profile update 1 d after it may be confirmed.');
  });
});

test.each([
  [seconds(0.2), '1 s'],
  [seconds(45), '45 s'],
  [minutes(4), '4 min'],
  [minutes(90), '1 h 30 min'],
  [hours(48), '2 d'],
  [hours(25), '1 d 1 h'],
])('%d ms are %s', (span, text) => expect(spanText(span)).toBe(text));
