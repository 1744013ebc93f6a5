import type { PollReply } from '@gatehouse/contract/agent-api';
import type { Gateway } from '@gatehouse/contract/operator-types';
import { minutes } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockGateway } from '../gateways/gateway.store.ts';
import { asTask } from '../testing/as-task.ts';
import {
  createGateway,
  eventsOf,
  installBundle,
  releaseOf,
  runningCli,
  runningExistingCluster,
  tokenOf,
} from '../testing/fleet.ts';
import { digestOf, enrol, newAgentKey, observation, startAgent } from '../testing/test-agent.ts';
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

const get = async (name: string): Promise<Gateway> => (await world.call('GET', `/v1/gateways/${name}`)).body as Gateway;
const countTargets = async (gatewayId: string): Promise<number> => {
  const rows = await world.plane.services.db
    .selectFrom('targets')
    .select('generation')
    .where('gateway_id', '=', gatewayId)
    .execute();
  return rows.length;
};

test('Pending until the agent has polled, then Running with a target that names the agent of the platform', async () => {
  const made = await createGateway(world, { name: 'first-poll' });
  expect(made.gateway).toMatchObject({ status: 'Pending', health: 'unknown', isCurrent: false, generation: 0 });
  const release = await releaseOf(world, '4.1.12');
  const agent = await startAgent(world, {
    gatewayId: made.gateway.id,
    token: tokenOf(made),
    seen: observation(release),
  });
  const { target, isObservationWanted } = await agent.polls();
  expect(isObservationWanted).toBe(false);
  expect(target).toMatchObject({
    generation: 1,
    agent: { release: '4.1.12', version: '4.1.12', digest: release.agentDigest, isRetried: false },
    settings: { controlPlanes: 1, workers: 0 },
  });
  expect(target).not.toHaveProperty('initialProfile');
  expect(await get('first-poll')).toMatchObject({
    status: 'Running',
    isCurrent: true,
    agentVersion: '4.1.12',
    generation: 1,
  });
});

test('the same poll again brings nothing new, changes nothing and tells nothing', async () => {
  const agent = await runningExistingCluster(world, 'repeated');
  const before = await eventsOf(world, 'repeated');
  for (let i = 0; i < 3; i += 1) expect(await agent.polls()).not.toHaveProperty('target');
  expect(await eventsOf(world, 'repeated')).toEqual(before);
  expect(await countTargets(agent.gatewayId)).toBe(1);
});

test('a lost reply: an agent that still has the older generation gets the same target again', async () => {
  const agent = await runningExistingCluster(world, 'lost-reply');
  agent.generation = 0;
  expect((await agent.polls()).target?.generation).toBe(1);
  expect(await countTargets(agent.gatewayId)).toBe(1);
});

test('an agent that reports a generation above ours gets one above its own: the database was set back', async () => {
  const agent = await runningExistingCluster(world, 'set-back');
  agent.generation = 41;
  expect((await agent.polls()).target?.generation).toBe(42);
  expect(await get('set-back')).toMatchObject({ generation: 42 });
});

test('an agent that has another target under our number gets ours under a higher one, also when nothing else is new', async () => {
  const agent = await runningExistingCluster(world, 'other-target');
  const { target } = await agent.poll({ generation: 0 }).then(({ body }) => body as PollReply);
  expect(target?.generation).toBe(1);
  const same = await agent.poll({ targetDigest: digestOf(target) });
  expect(same.body).not.toHaveProperty('target');

  // Without the observation, as a poll that memory may answer.
  const { generation, handOverNumber, seen, sessionToken } = agent;
  const other = await world.call('POST', '/v1/agent/poll', {
    token: sessionToken,
    body: {
      generation,
      handOverNumber,
      agent: seen.agent,
      observationDigest: digestOf(seen),
      targetDigest: `sha256:${'9'.repeat(64)}`,
    },
  });
  expect(other.body).toMatchObject({ target: { generation: 2 } });
  expect(await countTargets(agent.gatewayId)).toBe(2);
});

test('one that reports a generation far above ours is refused, and uses up no numbers', async () => {
  const agent = await runningExistingCluster(world, 'far-ahead');
  for (const generation of [2_000_000, Number.MAX_SAFE_INTEGER]) {
    expect(await agent.poll({ generation })).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  }
  expect(await get('far-ahead')).toMatchObject({ generation: 1 });
  expect(await agent.poll()).toMatchObject({ status: 200 });
});

test('what an agent refuses is an event, once, and a hold that only waits is none', async () => {
  const agent = await runningExistingCluster(world, 'refusing');
  const refusal = { code: 'release-mismatch', message: 'The control plane names the agent 9.9.9.' };
  agent.seen = { ...agent.seen, agentHolds: [refusal, { code: 'rollout-in-progress', message: 'A rollout.' }] };
  await agent.polls();
  agent.seen = { ...agent.seen, agentHolds: [] };
  await agent.polls();
  agent.seen = { ...agent.seen, agentHolds: [refusal] };
  await agent.polls();
  const told = (await eventsOf(world, 'refusing')).filter(({ type }) => type === 'target-refused');
  expect(told).toMatchObject([
    { severity: 'warning', message: expect.stringContaining(`(release-mismatch): ${refusal.message}`) as string },
  ]);
});

test('why an agent takes nothing new stands in the explanation of its gateway', async () => {
  const agent = await runningExistingCluster(world, 'distrustful');
  const hold = {
    code: 'metadata-expired',
    message: 'timestamp.json has expired at 2026-11-20T00:00:00Z.',
    nextStep: 'Have the publisher run `gatehouse release refresh` and import the result.',
  };
  const older = { version: '4.1.11', digest: `sha256:${'e'.repeat(64)}` };
  agent.seen = { ...agent.seen, agent: older, agentHolds: [hold] };
  await agent.polls();
  const { body } = await world.call('GET', '/v1/gateways/distrustful/explanation');
  expect(body).toMatchObject({
    isCurrent: false,
    reasons: expect.arrayContaining([expect.objectContaining(hold)]) as unknown,
  });
});

test('without the observation the server asks for it, unless it has that one', async () => {
  const agent = await runningExistingCluster(world, 'short-poll');
  const digest = digestOf(agent.seen);
  const known = await world.call('POST', '/v1/agent/poll', {
    token: agent.sessionToken,
    body: { generation: 1, handOverNumber: 1, agent: agent.seen.agent, observationDigest: digest },
  });
  expect(known.body).toMatchObject({ isObservationWanted: false });
  const unknown = await world.call('POST', '/v1/agent/poll', {
    token: agent.sessionToken,
    body: { generation: 1, handOverNumber: 1, agent: agent.seen.agent, observationDigest: `sha256:${'1'.repeat(64)}` },
  });
  expect(unknown.body).toMatchObject({ isObservationWanted: true });
  expect((unknown.body as PollReply).pollAgainSeconds).toBeLessThanOrEqual(1);
});

test('an observation whose digest is another is refused and not stored', async () => {
  const agent = await runningExistingCluster(world, 'wrong-digest');
  const reply = await agent.poll({ observation: { ...agent.seen, kubernetes: '1.27.0' } });
  expect(reply).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(await get('wrong-digest')).toMatchObject({ kubernetesVersion: '1.26.8' });
});

test('fields that a newer agent adds are accepted and kept', async () => {
  const agent = await runningExistingCluster(world, 'newer-agent');
  const seen = { ...agent.seen, somethingNew: { deep: [1, 2] } };
  const reply = await agent.poll({ observation: seen, observationDigest: digestOf(seen), another: 1 } as object);
  expect(reply.status).toBe(200);
});

test('a lower hand-over number is refused: another agent has taken over since', async () => {
  const agent = await runningExistingCluster(world, 'handed-over');
  agent.handOverNumber = 5;
  await agent.polls();
  expect(await agent.poll({ handOverNumber: 4 })).toMatchObject({
    status: 409,
    body: { code: 'hand-over-superseded' },
  });
  expect(await agent.poll({ handOverNumber: 5 })).toMatchObject({ status: 200 });
});

test('a trial poll is answered and changes nothing', async () => {
  const agent = await runningExistingCluster(world, 'on-trial');
  const events = await eventsOf(world, 'on-trial');
  const seen = { ...agent.seen, kubernetes: '1.27.0' };
  const trial = {
    isTrial: true,
    attemptId: '6f9c9a2e-9a0e-4b11-8b0e-7d4f1f7d0b1a',
    handOverNumber: 0,
    generation: 0,
    observation: seen,
    observationDigest: digestOf(seen),
  };
  const reply = await agent.poll(trial);
  expect(reply).toMatchObject({ status: 200, body: { isObservationWanted: false } });
  expect(reply.body).not.toHaveProperty('target');
  expect(await get('on-trial')).toMatchObject({ kubernetesVersion: '1.26.8' });
  expect(await eventsOf(world, 'on-trial')).toEqual(events);
  const { attemptId: _none, ...nameless } = trial;
  expect(await agent.poll(nameless)).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
});

test('an attempt is told once from its start to its end, with the true reason', async () => {
  const agent = await runningExistingCluster(world, 'attempts');
  const from = agent.seen.agent;
  const to = { version: '4.1.13', digest: `sha256:${'a'.repeat(64)}` };
  const attempt = {
    id: '6f9c9a2e-9a0e-4b11-8b0e-7d4f1f7d0b1a',
    from,
    to,
    interruptions: 0,
    startedAt: '2026-11-23T10:00:00.000Z',
  };
  agent.seen = { ...agent.seen, attempt: { ...attempt, phase: 'rehearsing' } };
  await agent.polls();
  agent.seen = { ...agent.seen, attempt: { ...attempt, phase: 'watching' } };
  await agent.polls();
  const reason = {
    code: 'exited',
    message: 'The new agent exited',
    exitCode: 3,
    lastLogLines: 'no\u001b[31m settings\u0000\nbye',
  };
  const ended = { ...attempt, phase: 'taken-back' as const, reason, endedAt: '2026-11-23T10:01:00.000Z' };
  agent.seen = {
    ...agent.seen,
    attempt: ended,
    takenBack: [{ release: to, reason, at: '2026-11-23T10:01:00.000Z' }],
  };
  await agent.polls();
  await agent.polls();
  agent.seen = { ...agent.seen, kubernetes: '1.26.9' };
  await agent.polls();
  const told = (await eventsOf(world, 'attempts')).filter(({ type }) => type.startsWith('agent-update'));
  expect(told).toEqual([
    expect.objectContaining({
      type: 'agent-update-started',
      message: 'The agent update from 4.1.12 to 4.1.13 has begun.',
    }),
    expect.objectContaining({
      type: 'agent-update-taken-back',
      severity: 'warning',
      message: 'Agent 4.1.13 was taken back: The new agent exited (exit code 3); last lines: no[31m settings | bye',
    }),
  ]);
  expect((await get('attempts')).takenBack).toMatchObject([{ version: '4.1.13', digest: to.digest }]);
});

test('a version that the guard took back long after its attempt is told once too', async () => {
  const agent = await runningExistingCluster(world, 'guarded');
  const release = { version: '4.1.11', digest: `sha256:${'b'.repeat(64)}` };
  const entry = {
    release,
    reason: { code: 'crash-loop', message: 'It crashed 3 times in 10 minutes' },
    at: '2026-11-23T10:01:00.000Z',
  };
  agent.seen = { ...agent.seen, takenBack: [entry] };
  await agent.polls();
  await agent.polls();
  const told = (await eventsOf(world, 'guarded')).filter(({ type }) => type === 'agent-update-taken-back');
  expect(told.map(({ message }) => message)).toEqual(['Agent 4.1.11 was taken back: It crashed 3 times in 10 minutes']);
});

test('a cli gateway is Pending, Provisioning from its install on, and Running with its first profile', async () => {
  const agent = await runningCli(world, 'ours');
  const messages = (await eventsOf(world, 'ours')).filter(({ type }) => type === 'status-changed');
  expect(messages.map(({ message }) => message)).toEqual([
    'Status: Pending → Provisioning',
    'Status: Provisioning → Running',
  ]);
  const { profiles } = await releaseOf(world, '4.1.12');
  agent.generation = 0;
  expect((await agent.polls()).target).toMatchObject({
    initialProfile: { release: '4.1.12', digest: profiles['vsphere']?.digest },
  });
  expect(await get('ours')).toMatchObject({ status: 'Running', profileVersion: '4.1.12', isCurrent: true });
});

test('a gateway that is silent for ten minutes beyond its due poll is unhealthy, and heard again healthy', async () => {
  const agent = await runningExistingCluster(world, 'silent');
  await expect.poll(async () => (await get('silent')).health, { timeout: 20_000 }).toBe('healthy');
  world.advance(minutes(30));
  await expect
    .poll(async () => (await eventsOf(world, 'silent')).map(({ type }) => type), { timeout: 15_000 })
    .toContain('gateway-silent');
  expect(await get('silent')).toMatchObject({ health: 'unhealthy', status: 'Running' });
  const back = await agent.poll();
  expect(back.status).toBe(200);
  const types = (await eventsOf(world, 'silent')).map(({ type }) => type);
  expect(types.filter((type) => type === 'gateway-silent')).toHaveLength(1);
  expect(types.at(-1)).toBe('gateway-heard');
});

test('a deleted gateway: its agent is told, its name is free, its host clusters stay', async () => {
  const agent = await runningExistingCluster(world, 'leaving');
  await world.call('POST', '/v1/host-clusters', { body: { name: 'guest', namespace: 'guests', gateway: 'leaving' } });
  const deleted = await world.call('DELETE', '/v1/gateways/leaving');
  expect(deleted).toMatchObject({ status: 202, body: { status: 'Deleting' } });
  expect(await agent.poll()).toMatchObject({ status: 200 });
  expect(await agent.poll()).toMatchObject({ status: 401, body: { code: 'identity-refused' } });
  expect(await get(agent.gatewayId)).toMatchObject({ status: 'Deleted' });
  expect(await world.call('GET', '/v1/gateways/leaving')).toMatchObject({ status: 404 });
  const { body } = await world.call('GET', '/v1/host-clusters');
  expect((body as { items: unknown[] }).items).toMatchObject([{ name: 'guest', gateway: { id: agent.gatewayId } }]);
  await createGateway(world, { name: 'leaving' });
});

test('what brings nothing new is answered without the database, and a change is not missed', async () => {
  const agent = await runningExistingCluster(world, 'from-memory');
  const { observation: _unchanged, ...short } = {
    generation: agent.generation,
    handOverNumber: agent.handOverNumber,
    agent: agent.seen.agent,
    observationDigest: digestOf(agent.seen),
    observation: agent.seen,
  };
  const poll = () => world.call('POST', '/v1/agent/poll', { token: agent.sessionToken, body: short });
  // A poll that went to the database would wait for the row. The word of the first target may still be on its way to
  // the memory, which then forgets once.
  const { db } = world.plane.services;
  const answersWhileLocked = async (): Promise<boolean> => {
    await poll();
    const locking = () =>
      db.transaction().execute(async (tx) => {
        await lockGateway(tx, agent.gatewayId);
        return Promise.race([
          poll().then(({ status }) => status === 200),
          new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1500)),
        ]);
      });
    return asTask(locking);
  };
  await expect.poll(answersWhileLocked, { timeout: 20_000 }).toBe(true);
  // Another enrolment ends this identity; memory must not go on answering for it.
  const { registrationToken } = await installBundle(world, 'from-memory');
  await enrol(world, registrationToken, newAgentKey());
  await expect.poll(async () => (await poll()).status).toBe(401);
});
