import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { minutes } from './instant.ts';
import { type GateFacts, type GatewayReadiness, gatesOf, type Waiver } from './platform-gates.ts';
import { at, platform, t0 } from './testing/facts.ts';

const now = at(0);
const waiver: Waiver = { by: 'ann', reason: 'flooded', since: t0, until: at(minutes(60)) };

function ready(name: string, more: Partial<GatewayReadiness> = {}): GatewayReadiness {
  return { id: `id-${name}`, name, tenant: 'acme', reasons: [], health: 'healthy', ...more };
}
function facts(...gateways: readonly GatewayReadiness[]): GateFacts {
  return { version: platform('4.1.12'), gateways, settle: minutes(30) };
}
const paused = { code: 'paused', message: 'The gateway site-a is paused by ann: stocktaking.' };
const gateOf = (gateway: GatewayReadiness, when = now) => gatesOf(facts(gateway), when)[0];

test('no gateway, no gate', () => {
  expect(gatesOf(facts(), now)).toEqual([]);
});

describe('the gate of one gateway', () => {
  test('is open when it is current, heard and was never updated', () => {
    expect(gateOf(ready('site-a'))).toEqual({
      gatewayId: 'id-site-a',
      gateway: 'site-a',
      tenant: 'acme',
      state: 'open',
      reasons: [],
    });
  });

  test('is closed while it is not current, and says by name what of', () => {
    expect(gateOf(ready('site-a', { reasons: [paused] }))).toEqual({
      gatewayId: 'id-site-a',
      gateway: 'site-a',
      tenant: 'acme',
      state: 'closed',
      reasons: [
        {
          code: 'gateway-not-current',
          message: 'The gateway site-a is not current for 4.1.12: The gateway site-a is paused by ann: stocktaking.',
          nextStep: 'See `gatehouse gateway explain site-a`.',
        },
      ],
    });
  });

  test('is closed while it is unhealthy although it is current', () => {
    const gate = gateOf(ready('site-a', { health: 'unhealthy' }));
    expect(gate).toMatchObject({ state: 'closed', reasons: [{ code: 'gateway-unhealthy' }] });
    expect(gate?.reasons[0]?.message).toContain('site-a');
    expect(gate).not.toHaveProperty('opensAt');
  });

  test('is closed until it has been quiet for the settle time, and says when it opens', () => {
    const updated = ready('site-a', { lastUpdateAt: t0 });
    expect(gateOf(updated, at(minutes(30) - 1))).toMatchObject({
      state: 'closed',
      reasons: [{ code: 'gateway-settling' }],
      opensAt: at(minutes(30)),
    });
    expect(gateOf(updated, at(minutes(30)))).toMatchObject({ state: 'open', reasons: [] });
  });

  test('does not settle while something else is to come first', () => {
    const gate = gateOf(ready('site-a', { lastUpdateAt: t0, reasons: [paused], health: 'unhealthy' }));
    expect(gate?.reasons.map(({ code }) => code)).toEqual(['gateway-not-current', 'gateway-unhealthy']);
    expect(gate).not.toHaveProperty('opensAt');
  });

  test('is waived until the end of the waiver, with what it would be held by', () => {
    const waived = ready('site-a', { reasons: [paused], waiver });
    expect(gateOf(waived, at(minutes(60) - 1))).toMatchObject({
      state: 'waived',
      reasons: [{ code: 'gateway-not-current' }],
      waiver,
    });
    const ended = gateOf(waived, at(minutes(60)));
    expect(ended).toMatchObject({ state: 'closed' });
    expect(ended).not.toHaveProperty('waiver');
  });

  test('is open and not waived when there is nothing to waive', () => {
    expect(gateOf(ready('site-a', { waiver }))).toMatchObject({ state: 'open', waiver });
  });
});

test('a name that several tenants use is said with its tenant', () => {
  const gates = gatesOf(
    facts(
      ready('site-a', { reasons: [paused] }),
      ready('site-a', { id: 'other', tenant: 'globex', reasons: [paused] }),
      ready('site-b', { reasons: [paused] }),
    ),
    now,
  );
  expect(gates.map(({ reasons }) => reasons[0]?.message.split(' is not')[0])).toEqual([
    'The gateway site-a (tenant acme)',
    'The gateway site-a (tenant globex)',
    'The gateway site-b',
  ]);
});

test('a waiver leaves out its own gateway and no other', () => {
  const gateway = fc.record({
    id: fc.uuid(),
    name: fc.constantFrom('a', 'b', 'c'),
    tenant: fc.constantFrom('acme', 'globex'),
    reasons: fc.constantFrom([], [paused]),
    health: fc.constantFrom('healthy', 'unhealthy', 'unknown'),
    lastUpdateAt: fc.constantFrom(undefined, t0, at(-minutes(40))),
    isWaived: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(gateway, { maxLength: 8 }), (many) => {
      const gateways = many.map(
        ({ lastUpdateAt, isWaived, ...one }): GatewayReadiness => ({
          ...one,
          ...(lastUpdateAt === undefined ? {} : { lastUpdateAt }),
          ...(isWaived ? { waiver } : {}),
        }),
      );
      const gates = gatesOf(facts(...gateways), now);
      const without = gatesOf(facts(...gateways.map(({ waiver: _none, ...one }) => one)), now);
      expect(gates.map(({ gatewayId }) => gatewayId)).toEqual(gateways.map(({ id }) => id));
      const isWaived = (index: number) => gateways[index]?.waiver !== undefined;
      gates.forEach((gate, index) => {
        const bare = without[index];
        expect(gate.state).toBe(isWaived(index) && bare?.state === 'closed' ? 'waived' : bare?.state);
        expect(gate.reasons.length === 0).toBe(gate.state === 'open');
      });
    }),
  );
});
