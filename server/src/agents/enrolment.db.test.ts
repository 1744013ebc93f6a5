import { hours, minutes } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGateway, eventsOf, releaseOf, tokenOf } from '../testing/fleet.ts';
import {
  digestOf,
  enrol,
  newAgentKey,
  observation,
  openSession,
  sendProof,
  startAgent,
} from '../testing/test-agent.ts';
import { startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await world.release('4.1.12');
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

test('a registration token enrols one key, again with the same key, and no other', async () => {
  const made = await createGateway(world, { name: 'one-time' });
  const key = newAgentKey();
  expect(await enrol(world, tokenOf(made), key)).toMatchObject({ status: 200, body: { gatewayId: made.gateway.id } });
  expect(await enrol(world, tokenOf(made), key)).toMatchObject({ status: 200, body: { gatewayId: made.gateway.id } });
  expect(await enrol(world, tokenOf(made), newAgentKey())).toMatchObject({
    status: 401,
    body: { code: 'token-invalid' },
  });
  const enrolled = (await eventsOf(world, 'one-time')).filter(({ type }) => type === 'agent-enrolled');
  expect(enrolled).toHaveLength(1);
});

test('what a clock made that was ten years ahead is over when the clock is right', async () => {
  const tenYears = hours(24) * 3652;
  world.advance(tenYears);
  const unused = await createGateway(world, { name: 'token-of-the-future' });
  const made = await createGateway(world, { name: 'session-of-the-future' });
  const seen = observation(await releaseOf(world, '4.1.12'));
  const agent = await startAgent(world, { gatewayId: made.gateway.id, token: tokenOf(made), seen });
  await agent.polls();
  world.advance(-tenYears);
  expect(await agent.poll()).toMatchObject({ status: 401, body: { code: 'identity-refused' } });
  expect(await openSession(world, made.gateway.id, agent.key)).toMatchObject({ status: 200 });
  expect(await enrol(world, tokenOf(unused), newAgentKey())).toMatchObject({ status: 401 });
});

test('a registration token is good for a day', async () => {
  const made = await createGateway(world, { name: 'too-late' });
  world.advance(hours(24) + 1);
  expect(await enrol(world, tokenOf(made), newAgentKey())).toMatchObject({
    status: 401,
    body: { code: 'token-invalid' },
  });
});

test('a fresh token ends the one before, and its agent ends the session of the one before', async () => {
  const made = await createGateway(world, { name: 'renewed' });
  const seen = observation(await releaseOf(world, '4.1.12'));
  const first = await startAgent(world, { gatewayId: made.gateway.id, token: tokenOf(made), seen });
  await first.polls();
  const again = await world.call('POST', '/v1/gateways/renewed/install', { body: {} });
  const { bundle } = again.body as { bundle: { registrationToken: string } };
  await first.polls();
  const second = await startAgent(world, { gatewayId: made.gateway.id, token: bundle.registrationToken, seen });
  second.handOverNumber = 1;
  await second.polls();
  expect(await first.poll()).toMatchObject({ status: 401, body: { code: 'identity-refused' } });
});

test('the tokens are stored as digests only', async () => {
  const made = await createGateway(world, { name: 'hashed' });
  const rows = await world.plane.services.db.selectFrom('registration_tokens').selectAll().execute();
  expect(JSON.stringify(rows)).not.toContain(tokenOf(made));
  const tokens = await world.plane.services.db.selectFrom('tokens').selectAll().execute();
  expect(JSON.stringify(tokens)).not.toContain(world.adminToken);
});

test('a session needs the key of that very gateway, and a challenge serves once', async () => {
  const one = await createGateway(world, { name: 'victim' });
  const other = await createGateway(world, { name: 'intruder' });
  const seen = observation(await releaseOf(world, '4.1.12'));
  const agent = await startAgent(world, { gatewayId: one.gateway.id, token: tokenOf(one), seen });
  const intruder = await startAgent(world, { gatewayId: other.gateway.id, token: tokenOf(other), seen });

  expect(await openSession(world, one.gateway.id, intruder.key)).toMatchObject({ status: 401 });
  const { body } = await world.call('POST', '/v1/agent/challenge', {
    token: null,
    body: { gatewayId: one.gateway.id },
  });
  const { challenge } = body as { challenge: string };
  expect(await sendProof(world, other.gateway.id, challenge, intruder.key)).toMatchObject({ status: 401 });
  expect(await sendProof(world, one.gateway.id, challenge, agent.key)).toMatchObject({ status: 200 });
  expect(await sendProof(world, one.gateway.id, challenge, agent.key)).toMatchObject({
    status: 401,
    body: { code: 'identity-refused' },
  });
});

test('a gateway that does not exist is answered like one whose key is another', async () => {
  const unknown = '00000000-0000-4000-8000-000000000000';
  const reply = await openSession(world, unknown, newAgentKey());
  expect(reply).toMatchObject({ status: 401, body: { code: 'identity-refused' } });
});

test.each([
  ['no token', null],
  ['a made-up token', 'abc.def'],
  ['an operator token', undefined],
])('a poll with %s is refused', async (_name, token) => {
  const seen = observation(await releaseOf(world, '4.1.12'));
  const reply = await world.call('POST', '/v1/agent/poll', {
    ...(token === undefined ? {} : { token }),
    body: { generation: 0, handOverNumber: 1, agent: seen.agent, observationDigest: digestOf(seen) },
  });
  expect(reply).toMatchObject({ status: 401, body: { code: 'identity-refused' } });
});

test('a session ends after an hour, with a minute for clocks that differ', async () => {
  const made = await createGateway(world, { name: 'an-hour' });
  const seen = observation(await releaseOf(world, '4.1.12'));
  const agent = await startAgent(world, { gatewayId: made.gateway.id, token: tokenOf(made), seen });
  await agent.polls();
  world.advance(hours(1) + minutes(1) - 1);
  await agent.polls();
  world.advance(1);
  expect(await agent.poll()).toMatchObject({ status: 401, body: { code: 'identity-refused' } });
});

test.each([
  ['from another machine', { remoteAddress: '192.0.2.7' }, 403],
  [
    'through a proxy on this machine that took plain HTTP',
    { headers: { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'http' } },
    403,
  ],
  [
    'through a proxy on this machine that took HTTPS',
    { headers: { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-proto': 'https' } },
    200,
  ],
  [
    'with the word of a proxy that is not on this machine',
    { remoteAddress: '192.0.2.7', headers: { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' } },
    403,
  ],
  ['from this machine', {}, 200],
])('plain HTTP %s', async (_name, how, status) => {
  const body = { gatewayId: '00000000-0000-4000-8000-000000000000' };
  const reply = await world.call('POST', '/v1/agent/challenge', { ...how, body, token: null });
  expect([reply.status, JSON.stringify(reply.body).includes('https-required')]).toEqual([status, status === 403]);
});
