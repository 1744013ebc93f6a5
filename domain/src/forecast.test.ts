import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Forecast, type ForecastFacts, forecastPlan } from './forecast.ts';
import { addMilliseconds, formatInstant, hours, minutes } from './instant.ts';
import {
  agent,
  at,
  attempt,
  confirmed,
  digestOf,
  observation,
  pause,
  plan,
  platform,
  progress,
  t0,
} from './testing/facts.ts';
import { forecastFacts, type SmallGateway } from './testing/forecast-fleet.ts';
import { productionTimings } from './timings.ts';

/** `4.1.9 10:00:00 site-a(code, code) …`, one line for each stage; `-` where it does not open. */
function told({ stages, end }: Forecast): readonly string[] {
  const clock = (instant: number | undefined): string =>
    instant === undefined
      ? '-'
      : formatInstant(addMilliseconds(t0, instant - t0))
          .slice(5, 19)
          .replace('T', ' ');
  return [
    ...stages.map(({ hop, opensAt, holders, obstacles, confirmations }) =>
      [
        hop?.to ?? 'end',
        clock(opensAt),
        ...holders.map(({ gateway, until, reasons }) => {
          const codes = reasons.map(({ code }) => code).join(' ');
          return `${gateway} until ${clock(until)} (${codes})`;
        }),
        ...obstacles.map(({ code }) => code),
        ...(confirmations === 0 ? [] : [`confirm ${confirmations}`]),
      ].join(', '),
    ),
    end.kind === 'held' ? `held, ${end.waitsForPerson} wait for a person` : end.kind,
  ];
}

const owners: SmallGateway = { name: 'site-a' };
const ours: SmallGateway = { name: 'site-b', installation: 'cli' };
const [plain] = forecastFacts([owners]).gateways;
const seen = plain?.facts.observation ?? observation();
const appliedProfile = { version: platform('4.0.3'), digest: digestOf('profile-4.0.3') };
const nextProfile = { version: platform('4.1.9'), digest: digestOf('profile-4.1.9') };
const agentAndSettle = 'agent-update-waiting-for-poll gateway-settling';

describe('when hops open', () => {
  test('without gateways all at once', () => {
    expect(told(forecastPlan(forecastFacts([]), t0))).toEqual([
      '4.1.9, 11-23 10:00:00',
      '4.2.7, 11-23 10:00:00',
      'end, 11-23 10:00:00',
      'done',
    ]);
  });

  test('after the poll, the update and the quiet time of the last gateway', () => {
    // Polls at 10:15, 4 minutes for the agent, 30 to settle.
    expect(told(forecastPlan(forecastFacts([owners]), t0))).toEqual([
      '4.1.9, 11-23 10:00:00',
      `4.2.7, 11-23 10:49:00, site-a until 11-23 10:49:00 (${agentAndSettle})`,
      `end, 11-23 11:34:00, site-a until 11-23 11:34:00 (${agentAndSettle})`,
      'done',
    ]);
  });

  test('nobody confirms: the profile updates of the first hop are waited for, and no later hop is promised', () => {
    expect(told(forecastPlan(forecastFacts([owners, ours]), t0))).toEqual([
      '4.1.9, 11-23 10:00:00',
      '4.2.7, -, site-b until - (agent-update-waiting-for-poll profile-update-waiting-for-confirmation), ' +
        `site-a until 11-23 10:49:00 (${agentAndSettle}), confirm 1`,
      'held, 1 wait for a person',
    ]);
  });

  test('a person confirms each after a day', () => {
    const pace = { agentUpdate: minutes(4), profileUpdatePerNode: minutes(10), confirmAfter: hours(24) };
    const waiting = 'agent-update-waiting-for-poll profile-update-waiting-for-confirmation gateway-settling';
    expect(told(forecastPlan(forecastFacts([ours], { pace }), t0))).toEqual([
      '4.1.9, 11-23 10:00:00',
      // Confirmable at 10:19, confirmed a day later, taken up by a poll, three nodes, settled.
      expect.stringMatching(
        new RegExp(
          `^4\\.2\\.7, 11-24 11:(19|2\\d):\\d\\d, site-b until 11-24 11:\\d\\d:\\d\\d \\(${waiting}\\), confirm 1$`,
        ),
      ),
      expect.stringMatching(new RegExp(`^end, 11-25 1\\d:\\d\\d:\\d\\d, site-b until .* \\(${waiting}\\), confirm 1$`)),
      'done',
    ]);
  });

  test('a step that the plan keeps is one for its gateways too, although a newer patch is known', () => {
    const releases = [
      { version: '4.0.3', kubernetes: '1.26.1' },
      { version: '4.0.4', kubernetes: '1.26.1' },
      { version: '4.1.9', kubernetes: '1.27.6' },
    ];
    const facts = forecastFacts([owners], { hops: [{ from: platform('4.0.3'), to: platform('4.1.9') }] }, releases);
    // One agent, and not that of 4.0.4 before it.
    expect(told(forecastPlan(facts, t0))).toEqual([
      '4.1.9, 11-23 10:00:00',
      `end, 11-23 10:49:00, site-a until 11-23 10:49:00 (${agentAndSettle})`,
      'done',
    ]);
  });

  test('a gateway that was away is walked first, and holds the first hop until it is there', () => {
    const facts = forecastFacts([{ ...owners, on: '4.0.3' }], {
      version: platform('4.2.7'),
      hops: [],
      taken: [
        { from: platform('4.0.3'), to: platform('4.1.9') },
        { from: platform('4.1.9'), to: platform('4.2.7') },
      ],
    });
    // Two agents: 10:15 to 10:19, and from the next poll, then the quiet time.
    expect(told(forecastPlan(facts, t0))).toEqual([
      'end, 11-23 11:04:00, site-a until 11-23 11:04:00 (on-its-way agent-update-waiting-for-poll gateway-settling)',
      'done',
    ]);
  });
});

describe('who holds', () => {
  const withOthers = (gateway: SmallGateway) => [owners, gateway];
  test('a pause until its end', () => {
    const paused = { ...owners, name: 'site-p', more: { pauses: [pause({ until: at(hours(6)) })] } };
    expect(told(forecastPlan(forecastFacts(withOthers(paused)), t0))[1]).toBe(
      '4.2.7, 11-23 16:34:00, site-p until 11-23 16:34:00 (paused agent-update-waiting-for-poll gateway-settling), ' +
        `site-a until 11-23 10:49:00 (${agentAndSettle})`,
    );
  });

  test('a pause without an end, for good', () => {
    const paused = { ...owners, name: 'site-p', more: { pauses: [pause()] } };
    expect(told(forecastPlan(forecastFacts(withOthers(paused)), t0)).slice(1)).toEqual([
      `4.2.7, -, site-p until - (paused), site-a until 11-23 10:49:00 (${agentAndSettle})`,
      'held, 0 wait for a person',
    ]);
  });

  test('a silent gateway, although it is current', () => {
    const silent = { ...owners, name: 'site-s', lastPollAt: at(-hours(2)) };
    expect(told(forecastPlan(forecastFacts(withOthers(silent)), t0))).toEqual([
      '4.1.9, -, site-s until - (gateway-unhealthy)',
      'held, 0 wait for a person',
    ]);
  });

  test('nobody who is waived, while the waiver lasts', () => {
    const waiver = { by: 'ann', reason: 'on a ship', since: t0, until: at(hours(1)) };
    const silent = { ...owners, name: 'site-s', lastPollAt: at(-hours(2)), waiver };
    expect(told(forecastPlan(forecastFacts([owners, silent]), t0))).toEqual([
      '4.1.9, 11-23 10:00:00',
      expect.stringMatching(/^4\.2\.7, 11-23 10:49:00, site-a/),
      expect.stringMatching(/^end, -, site-s until - \(.*agent-update.*\), site-a until 11-23 11:34:00/),
      'held, 0 wait for a person',
    ]);
  });

  test.each<{ name: string; stuck: SmallGateway; code: string }>([
    {
      name: 'an agent that waits for its owner',
      stuck: {
        ...owners,
        on: '4.0.3',
        more: {
          targetAgent: agent('4.1.9'),
          observation: { ...seen, agentHolds: [{ code: 'deployment-paused', message: 'The owner paused it.' }] },
        },
      },
      code: 'deployment-paused',
    },
    {
      name: 'an agent that was taken back',
      stuck: {
        ...owners,
        more: {
          observation: {
            ...seen,
            takenBack: [{ release: agent('4.1.9'), reason: { code: 'exited', message: 'It exited.' }, at: t0 }],
          },
        },
      },
      code: 'agent-taken-back',
    },
    {
      name: 'a profile update that has stopped',
      stuck: {
        ...ours,
        more: {
          profileUpdate: confirmed({ plan: plan({ from: appliedProfile, to: nextProfile }) }),
          observation: {
            ...seen,
            agent: agent('4.1.9'),
            appliedProfile,
            profileUpdate: progress({ phase: 'stopped' }),
          },
        },
      },
      code: 'profile-update-stopped',
    },
    {
      name: 'whoever fell silent in the middle of an update',
      stuck: {
        ...owners,
        lastPollAt: at(-hours(2)),
        more: { observation: { ...seen, attempt: attempt({ phase: 'rehearsing', to: agent('4.1.9') }) } },
      },
      code: 'gateway-unhealthy',
    },
  ])('$name, for good', ({ stuck, code }) => {
    const facts = forecastFacts([stuck], {
      version: platform('4.1.9'),
      hops: [],
      taken: [{ from: platform('4.0.3'), to: platform('4.1.9') }],
    });
    const { stages, end } = forecastPlan(facts, t0);
    const last = stages.at(-1);
    expect(end.kind).toBe('held');
    expect(last).not.toHaveProperty('opensAt');
    const codes = last?.holders.flatMap(({ reasons }) => reasons.map((reason) => reason.code));
    const gates = code === 'gateway-unhealthy' ? ['agent-update-in-progress', 'silent'] : [code];
    expect(codes).toEqual(expect.arrayContaining(gates));
  });

  test('what stands before a hop besides gateways', () => {
    const facts = forecastFacts([owners], {
      obstacles: ({ to }) => (to === '4.2.7' ? [{ code: 'risk-applies', message: 'It is slow.' }] : []),
    });
    expect(told(forecastPlan(facts, t0)).slice(1)).toEqual([
      `4.2.7, -, site-a until 11-23 10:49:00 (${agentAndSettle}), risk-applies`,
      'held, 0 wait for a person',
    ]);
  });

  test('a gateway that is late for its poll is taken to poll now, and one of the minute before settles first', () => {
    const late = { ...owners, lastPollAt: at(-minutes(20)) };
    expect(told(forecastPlan(forecastFacts([late]), t0))[1]).toContain('4.2.7, 11-23 10:49:00');
    const [gateway] = forecastFacts([owners]).gateways;
    if (gateway === undefined) throw new TypeError('one gateway');
    const settling = forecastFacts([], { gateways: [{ ...gateway, lastUpdateAt: at(-minutes(1)) }] });
    expect(told(forecastPlan(settling, t0))[0]).toBe(
      '4.1.9, 11-23 10:29:00, site-a until 11-23 10:29:00 (gateway-settling)',
    );
  });

  test('what ends beyond a year is not waited for', () => {
    const paused = { ...owners, more: { pauses: [pause({ until: at(hours(24 * 800)) })] } };
    expect(told(forecastPlan(forecastFacts([paused]), t0)).at(-1)).toBe('too-far');
  });
});

const fleets = fc.array(
  fc
    .record({
      installation: fc.constantFrom('cli' as const, 'existing-cluster' as const),
      lastPollAt: fc.integer({ min: -899, max: 0 }).map((seconds) => at(seconds * 1000)),
    })
    .map((each): Omit<SmallGateway, 'name'> => each),
  { minLength: 1, maxLength: 6 },
);
const named = (fleet: readonly Omit<SmallGateway, 'name'>[]) =>
  fleet.map((each, index) => ({ ...each, name: `site-${index}` }));
const quick = { agentUpdate: minutes(4), profileUpdatePerNode: minutes(10), confirmAfter: minutes(30) };

test('nobody holds for good: each hop opens no earlier than the one before and its quiet time, and the plan is done', () => {
  fc.assert(
    fc.property(fleets, (fleet) => {
      const forecast = forecastPlan(forecastFacts(named(fleet), { pace: quick }), t0);
      expect(forecast.end.kind).toBe('done');
      const opens = forecast.stages.map(({ opensAt }) => opensAt ?? Number.NaN);
      const { settle } = productionTimings.platform;
      expect(opens.every((open, index) => index === 0 || open >= (opens[index - 1] ?? 0) + settle)).toBe(true);
      for (const { holders, opensAt } of forecast.stages) {
        expect(holders.every(({ until }) => until !== undefined && opensAt !== undefined && until <= opensAt)).toBe(
          true,
        );
      }
    }),
    { numRuns: 200 },
  );
});

test('the same facts and the same now give the same forecast, in whatever order the gateways come', () => {
  fc.assert(
    fc.property(fleets, fc.infiniteStream(fc.nat(100)), (fleet, places) => {
      const facts = forecastFacts(named(fleet), { pace: quick });
      const once = forecastPlan(facts, t0);
      expect(forecastPlan(facts, t0)).toEqual(once);
      let gateways: ForecastFacts['gateways'] = [];
      for (const gateway of facts.gateways) {
        const place = (places.next().value ?? 0) % (gateways.length + 1);
        gateways = [...gateways.slice(0, place), gateway, ...gateways.slice(place)];
      }
      expect(forecastPlan({ ...facts, gateways }, t0)).toEqual(once);
    }),
    { numRuns: 100 },
  );
});

test('more gateways never let a hop begin earlier', () => {
  fc.assert(
    fc.property(fleets, fleets, (fleet, others) => {
      const few = forecastPlan(forecastFacts(named(fleet), { pace: quick }), t0).stages;
      const many = forecastPlan(forecastFacts(named([...fleet, ...others]), { pace: quick }), t0).stages;
      expect(many.every(({ opensAt = 0 }, index) => opensAt >= (few[index]?.opensAt ?? 0))).toBe(true);
    }),
    { numRuns: 100 },
  );
});
