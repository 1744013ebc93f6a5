import { describe, expect, test } from 'vitest';
import { addMilliseconds, hours, minutes, parseInstant } from './instant.ts';
import {
  consequencesOf,
  controlPlaneRecovered,
  disabledReceiver,
  type HeldHop,
  heldHop,
  hopHeldAfter,
  longWait,
  notificationKinds,
  pauseEnd,
  planWaitsLongAfter,
} from './notification.ts';

const now = parseInstant('2026-11-23T10:00:00Z');
const gateway = { id: 'g1', name: 'site-a' };
const after = (type: string, message = 'said') => consequencesOf({ type, message, gateway });

describe('an event', () => {
  test.each([
    ['profile-available', 'plan-waits', 'plan:g1', 'normal'],
    ['profile-update-stopped', 'update-failed', 'profile-update:g1', 'warning'],
    ['agent-rehearsal-failed', 'update-failed', 'agent:g1', 'warning'],
    ['agent-update-taken-back', 'update-taken-back', 'agent:g1', 'warning'],
    ['agent-identity-shared', 'two-agents', 'identity:g1', 'warning'],
  ])('%s -> %s', (type, kind, topic, severity) => {
    const { notification, over } = after(type);
    expect(notification).toMatchObject({
      kind,
      topic,
      severity,
      subject: { kind: 'gateway', ...gateway },
      message: 'site-a: said',
    });
    // What it tells of anew replaces what was told of it before.
    expect(over).toContain(topic);
  });

  test.each([
    ['profile-update-confirmed', ['plan:g1', 'profile-update:g1']],
    ['profile-update-retried', ['profile-update:g1']],
    ['profile-update-completed', ['plan:g1', 'profile-update:g1']],
    ['profile-update-cancelled', ['profile-update:g1']],
    ['agent-update-retried', ['agent:g1']],
    ['agent-update-settled', ['agent:g1']],
    ['agent-identity-single', ['identity:g1']],
    ['agent-identity-moved', ['identity:g1']],
    ['gateway-deleting', ['plan:g1', 'profile-update:g1', 'agent:g1', 'identity:g1']],
  ])('%s ends %j', (type, over) => {
    expect(after(type)).toEqual({ over });
  });

  test.each(['gateway-created', 'status-changed', 'pack-applied', '', '__proto__', 'constructor'])(
    '%s brings nothing',
    (type) => {
      expect(after(type)).toEqual({ over: [] });
    },
  );
});

test('a plan is told of again when it has waited for three days, once', () => {
  const waits = (span: number) => longWait({ notificationId: 'n1', since: addMilliseconds(now, -span), gateway }, now);
  expect(waits(planWaitsLongAfter - 1)).toBeUndefined();
  expect(waits(planWaitsLongAfter)).toMatchObject({
    kind: 'plan-waits-long',
    key: 'plan-waits-long:n1',
    topic: 'plan:g1',
  });
  expect(waits(planWaitsLongAfter * 9)?.key).toBe(waits(planWaitsLongAfter)?.key);
});

describe('a pause about to end', () => {
  const scope = { kind: 'tenant', id: 't1', name: 'acme' } as const;
  const told = (length: number, left: number) => {
    const until = addMilliseconds(now, left);
    return pauseEnd(
      { id: 'p1', scope, by: 'anna', reason: 'move', since: addMilliseconds(until, -length), until },
      now,
    );
  };
  test.each([
    ['a week, a day left', hours(168), hours(24), true],
    ['a week, a little more than a day left', hours(168), hours(24) + 1, false],
    ['two hours, one left', hours(2), hours(1), true],
    ['two hours, a little more than one left', hours(2), hours(1) + 1, false],
    ['ten minutes, one left', minutes(10), minutes(1), true],
    ['over', hours(2), 0, false],
    ['over for long', hours(2), -hours(5), false],
  ])('%s', (_name, length, left, isTold) => {
    expect(told(length, left) !== undefined).toBe(isTold);
  });
  test('says whose, why and when', () => {
    expect(told(hours(2), hours(1))).toMatchObject({
      kind: 'pause-ends',
      subject: scope,
      message: 'The pause of the tenant acme by anna ends at 2026-11-23T11:00:00.000Z: move',
      key: 'pause-ends:p1',
    });
  });
});

describe('a hop that is held', () => {
  const gate = (gateway_: string) => ({ code: 'gateway-not-current', message: `${gateway_} is not current.` });
  const risk = { code: 'risk-not-accepted', message: 'Nobody accepted the risk.', nextStep: 'Accept it.' };
  const held = (change: Partial<HeldHop>): HeldHop => ({
    planId: 'p1',
    before: { from: '4.1.12', to: '4.2.7' },
    to: '4.3.0',
    reasons: [gate('site-a')],
    since: addMilliseconds(now, -hopHeldAfter),
    ...change,
  });
  test('by gateways: after an hour', () => {
    expect(heldHop(held({}), now)).toMatchObject({
      kind: 'hop-held',
      message: 'The hop from 4.1.12 to 4.2.7 is held: site-a is not current.',
      key: 'hop-held:p1:4.2.7:gateways',
    });
    expect(heldHop(held({ since: addMilliseconds(now, 1 - hopHeldAfter) }), now)).toBeUndefined();
  });
  test('by time alone: never', () => {
    expect(heldHop(held({ opensAt: addMilliseconds(now, minutes(5)) }), now)).toBeUndefined();
  });
  test('by what only a person clears: at once, whatever gateways do', () => {
    expect(heldHop(held({ since: now, reasons: [gate('site-a'), risk] }), now)).toMatchObject({
      message: 'The hop from 4.1.12 to 4.2.7 is held: Nobody accepted the risk.',
      nextStep: 'Accept it.',
      key: 'hop-held:p1:4.2.7:risk-not-accepted',
    });
  });
  test('the end of a plan, by many: names three', () => {
    const { before: _none, ...end } = held({ reasons: ['a', 'b', 'c', 'd', 'e'].map(gate) });
    expect(heldHop(end, now)).toMatchObject({
      subject: { kind: 'platform', name: '4.3.0' },
      message:
        'The end of the plan to 4.3.0 is held: a is not current. b is not current. c is not current. And 2 more.',
      key: 'hop-held:p1:end:gateways',
    });
  });
});

test.each([
  [{ kind: 'webhook', id: 'w1', name: 'chat' }, 'webhook:w1', 'The webhook chat was disabled: gone.'],
  [
    { kind: 'mail-subscription', id: 'm1', name: 'a@b.example' },
    'mail-subscription:m1',
    'E-mail to a@b.example was disabled: gone.',
  ],
] as const)('a disabled receiver is told of with what to do: %j', (receiver, topic, message) => {
  const told = disabledReceiver(receiver, 'gone.');
  expect(told).toMatchObject({ kind: 'receiver-disabled', severity: 'warning', subject: receiver, topic, message });
  expect(notificationKinds).toContain(told.kind);
});

test('a database that was set back is told of once a day, however many gateways notice it', () => {
  const told = [
    { name: 'site-a', at: now },
    { name: 'site-b', at: addMilliseconds(now, hours(13)) },
    { name: 'site-b', at: addMilliseconds(now, hours(14)) },
  ].map(controlPlaneRecovered);
  expect(told.map(({ key }) => key)).toEqual([
    'control-plane-recovered:2026-11-23',
    'control-plane-recovered:2026-11-23',
    'control-plane-recovered:2026-11-24',
  ]);
  expect(told[0]).toMatchObject({ severity: 'warning', subject: { kind: 'platform' } });
  expect(told[0]?.message).toContain('the agent of site-a had newer targets');
  expect(told[0]?.nextStep).toContain('Compare the audit');
});
