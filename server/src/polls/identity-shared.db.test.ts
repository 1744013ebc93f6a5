/** A copied Secret: two agents with one identity, as the control plane meets them. */

import { operatorRoutes } from '@gatehouse/contract/operator-api';
import { minutes } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGateway, eventsOf, releaseOf, tokenOf } from '../testing/fleet.ts';
import { digestOf, enrol, newAgentKey, observation, startAgent, type TestAgent } from '../testing/test-agent.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';

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

async function running(name: string): Promise<TestAgent> {
  const made = await createGateway(world, { name });
  const seen = observation(await releaseOf(world, '4.1.12'));
  const agent = await startAgent(world, { gatewayId: made.gateway.id, token: tokenOf(made), seen });
  agent.handOverNumber = 10;
  return agent;
}

/** Polls as the agent in that place would, with a number of its own. */
async function pollFrom(agent: TestAgent, identityUid: string, handOverNumber = 10): Promise<string> {
  const reply = await agent.poll({ identityUid, handOverNumber });
  return reply.status === 200 ? 'answered' : `${reply.status} ${(reply.body as { code: string }).code}`;
}

async function identityEvents(name: string): Promise<readonly string[]> {
  const events = await eventsOf(world, name);
  return events.map(({ type }) => type).filter((type) => type.startsWith('agent-identity'));
}

const explanation = async (name: string) =>
  bodyAs(operatorRoutes.explainGateway.reply, await world.call('GET', `/v1/gateways/${name}/explanation`));

test('a copy is held at its first poll, both at the next one, and the operator is told what to do', async () => {
  const agent = await running('copied');
  expect(await pollFrom(agent, 'a')).toBe('answered');
  expect(await pollFrom(agent, 'b', 99)).toBe('409 identity-elsewhere');
  expect(await pollFrom(agent, 'a')).toBe('409 identity-shared');
  expect(await pollFrom(agent, 'b', 99)).toBe('409 identity-shared');
  expect(await pollFrom(agent, 'a')).toBe('409 identity-shared');
  expect(await identityEvents('copied')).toEqual(['agent-identity-elsewhere', 'agent-identity-shared']);
  const { isCurrent, reasons } = await explanation('copied');
  expect(isCurrent).toBe(false);
  expect(reasons[0]).toMatchObject({
    code: 'identity-shared',
    nextStep: expect.stringContaining('gatehouse gateway install copied') as string,
  });
  expect(await world.call('GET', '/v1/gateways/copied')).toMatchObject({ body: { isCurrent: false } });
});

test('what is remembered of the first does not answer it once the copy was heard', async () => {
  const agent = await running('remembered');
  expect(await pollFrom(agent, 'a')).toBe('answered');
  agent.generation = 1;
  // As an agent that has seen nothing new: alone in its body, so that memory may answer.
  const pollBriefly = (identityUid: string) =>
    world.call('POST', '/v1/agent/poll', {
      token: agent.sessionToken,
      body: {
        generation: 1,
        handOverNumber: 10,
        agent: agent.seen.agent,
        identityUid,
        observationDigest: digestOf(agent.seen),
      },
    });
  for (let times = 0; times < 3; times += 1) expect(await pollBriefly('a')).toMatchObject({ status: 200 });
  expect(await pollBriefly('b')).toMatchObject({ status: 409 });
  expect(await pollBriefly('a')).toMatchObject({ status: 409, body: { code: 'identity-shared' } });
});

test('nothing that a held agent says is kept', async () => {
  const agent = await running('unheard');
  await pollFrom(agent, 'a');
  const lie = { ...agent.seen, drift: ['from the copy'] };
  await agent.poll({ identityUid: 'b', handOverNumber: 99, observation: lie, observationDigest: digestOf(lie) });
  const rows = await world.plane.services.db
    .selectFrom('observations')
    .innerJoin('gateways', 'gateways.id', 'observations.gateway_id')
    .select(['observations.body', 'gateways.hand_over_number'])
    .where('gateways.name', '=', 'unheard')
    .execute();
  expect(rows).toMatchObject([{ body: { drift: [] }, hand_over_number: 10 }]);
});

test('hand-overs, restarts and updates are one place and never held', async () => {
  const agent = await running('handed-over');
  for (const number of [10, 11, 11, 12, 40]) expect(await pollFrom(agent, 'a', number)).toBe('answered');
  // Late, from before the hand-over.
  expect(await pollFrom(agent, 'a', 12)).toBe('409 hand-over-superseded');
  expect(await pollFrom(agent, 'a', 40)).toBe('answered');
  expect(await identityEvents('handed-over')).toEqual([]);
});

test('an agent of before, which names no place, is answered as ever', async () => {
  const agent = await running('older');
  await agent.polls();
  await agent.polls();
  expect(await identityEvents('older')).toEqual([]);
});

test('a gateway that was restored goes on when the one before has been silent', async () => {
  const agent = await running('restored');
  expect(await pollFrom(agent, 'a')).toBe('answered');
  expect(await pollFrom(agent, 'b', 20)).toBe('409 identity-elsewhere');
  expect((await explanation('restored')).reasons[0]).toMatchObject({ code: 'identity-elsewhere' });
  world.advance(minutes(50));
  expect(await pollFrom(agent, 'b', 20)).toBe('answered');
  expect(await identityEvents('restored')).toEqual(['agent-identity-elsewhere', 'agent-identity-moved']);
  expect((await explanation('restored')).reasons).not.toContainEqual(
    expect.objectContaining({ code: 'identity-elsewhere' }),
  );
  // Back after all, with a number that was overtaken: not told that it was merely late.
  expect(await pollFrom(agent, 'a', 10)).toBe('409 identity-elsewhere');
  expect(await pollFrom(agent, 'b', 20)).toBe('409 identity-shared');
});

test('the one that is left is let in when the other has been silent', async () => {
  const agent = await running('one-left');
  await pollFrom(agent, 'a');
  await pollFrom(agent, 'b', 20);
  expect(await pollFrom(agent, 'a')).toBe('409 identity-shared');
  world.advance(minutes(31));
  expect(await pollFrom(agent, 'a')).toBe('answered');
  expect(await identityEvents('one-left')).toContain('agent-identity-single');
});

test('a fresh enrolment ends it at once: the copy is nobody then', async () => {
  const agent = await running('enrolled-anew');
  await pollFrom(agent, 'a');
  await pollFrom(agent, 'b', 20);
  await pollFrom(agent, 'a');
  const { body } = await world.call('POST', '/v1/gateways/enrolled-anew/install', { body: {} });
  const { bundle } = body as { bundle: { registrationToken: string } };
  const fresh = await startAgent(world, {
    gatewayId: agent.gatewayId,
    token: bundle.registrationToken,
    seen: agent.seen,
  });
  // With a lower number too: whoever uses a stolen key could have counted up to any.
  expect(await pollFrom(fresh, 'a', 3)).toBe('answered');
  expect(await pollFrom(agent, 'b', 20)).toBe('401 identity-refused');
});

test('of a hundred agents that enrol with one token at once, one does', async () => {
  const made = await createGateway(world, { name: 'contended' });
  const keys = Array.from({ length: 100 }, newAgentKey);
  const replies = await Promise.all(keys.map((key) => enrol(world, tokenOf(made), key)));
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  const refused = replies.filter(({ status }) => status !== 200);
  expect(new Set(refused.map(({ status, body }) => `${status} ${(body as { code: string }).code}`))).toEqual(
    new Set(['401 token-invalid']),
  );
  expect((await eventsOf(world, 'contended')).map(({ type }) => type)).toEqual(['gateway-created', 'agent-enrolled']);
  const rows = await world.plane.services.db
    .selectFrom('agent_identities')
    .select('public_key')
    .where('gateway_id', '=', made.gateway.id)
    .execute();
  const winner = keys[replies.findIndex(({ status }) => status === 200)];
  expect(rows).toEqual([{ public_key: winner?.publicKey }]);
});
