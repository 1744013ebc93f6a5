/** A database that is put back to an earlier copy of itself, as a backup that was restored, under agents that went on. */

import { operatorRoutes } from '@gatehouse/contract/operator-api';
import { Platform } from '@gatehouse/contract/operator-types';
import { SystemStatus } from '@gatehouse/contract/status-types';
import { queryDatabase, type TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  createGateway,
  eventsOf,
  installBundle,
  releaseOf,
  runningCli,
  runningExistingCluster,
  withProfileUpdate,
} from '../testing/fleet.ts';
import { digestOf, observation, startAgent } from '../testing/test-agent.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';

// Each has a database of its own and starts the control plane twice.
vi.setConfig({ testTimeout: 180_000 });

let database: TestDatabase;
let world: World;
beforeEach(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await world.release('4.1.12');
});
afterEach(async () => {
  await world?.close();
  await database?.drop();
});

/** All rows as they are now, beside the tables. */
const backUp = () =>
  queryDatabase(
    database.url,
    `do $$ declare each record; begin
       create schema backup;
       for each in select tablename from pg_tables where schemaname = 'public' loop
         execute format('create table backup.%1$I as table public.%1$I', each.tablename);
       end loop;
     end $$`,
  );

/** As they were then, whatever the schema says of numbers that only rise; under a server that begins anew. */
async function restore(): Promise<void> {
  await world.close();
  await queryDatabase(
    database.url,
    `do $$ declare each record; begin
       set local session_replication_role = replica;
       for each in select tablename from pg_tables where schemaname = 'backup' loop
         execute format('delete from public.%1$I', each.tablename);
         execute format('insert into public.%1$I overriding system value select * from backup.%1$I', each.tablename);
       end loop;
     end $$`,
  );
  world = await startWorld({ databaseUrl: database.url });
}

const status = async (): Promise<SystemStatus> => bodyAs(SystemStatus, await world.call('GET', '/v1/status'));
const warningOf = async (code: string) => (await status()).warnings.find((warning) => warning.code === code);
const recovered = async (gateway: string) =>
  (await eventsOf(world, gateway)).filter(({ type }) => type === 'recovered').map(({ message }) => message);

/** As the agent sees the world that was started anew. */
const polls = (agent: { readonly sessionToken: string }, body: object) =>
  world.call('POST', '/v1/agent/poll', { token: agent.sessionToken, body });

test('numbers go on from what the agent reports, it is told once, and the status says what to do', async () => {
  const agent = await runningExistingCluster(world, 'site-a');
  await backUp();
  // What the database forgets: targets that the agent got since, and a hand-over.
  const asked = { agent: agent.seen.agent, observationDigest: `sha256:${'1'.repeat(64)}` };
  await restore();
  const poll = { ...agentPoll(agent), generation: agent.generation + 40, handOverNumber: 7 };
  const reply = await polls(agent, poll);
  expect(reply).toMatchObject({ status: 200, body: { target: { generation: agent.generation + 41 } } });
  expect(await recovered('site-a')).toEqual([
    expect.stringMatching(
      /^Recovered: the agent 4\.1\.12 has target 41, and the database 1, .* go on from 42, the hand-over number from 7/,
    ),
  ]);
  // The reply may be lost: the same poll again.
  expect(await polls(agent, poll)).toMatchObject({
    status: 200,
    body: { target: { generation: agent.generation + 41 } },
  });
  expect(await recovered('site-a')).toHaveLength(1);
  const bell = await world.call('GET', '/v1/notifications?kind=control-plane-recovered');
  expect(bodyAs(operatorRoutes.listNotifications.reply, bell).items).toMatchObject([
    { message: expect.stringContaining('the agent of site-a had newer targets'), subject: { kind: 'platform' } },
  ]);
  // Whoever had taken the Lease before is refused as ever.
  expect(await polls(agent, { ...poll, ...asked, handOverNumber: 6 })).toMatchObject({ status: 409 });
  expect(await warningOf('database-set-back')).toMatchObject({
    gateways: ['site-a'],
    nextStep: expect.stringContaining('gatehouse audit list'),
  });
});

const agentPoll = (agent: Awaited<ReturnType<typeof runningCli>>) => ({
  generation: agent.generation,
  handOverNumber: agent.handOverNumber,
  agent: agent.seen.agent,
  observationDigest: digestOf(agent.seen),
  observation: agent.seen,
});

test('from before a hop: no agent and no profile goes back, what was taken back stays so, and the platform can move on', async () => {
  const one = await runningExistingCluster(world, 'existing');
  const two = await runningCli(world, 'installed');
  await world.release('4.2.7');
  await backUp();
  const { agentVersion, agentDigest, profiles } = await releaseOf(world, '4.2.7');
  const newAgent = { version: agentVersion, digest: agentDigest };
  const profile = profiles['vsphere'];
  if (profile === undefined) throw new Error('the release has no profile for vsphere');
  // Since the backup both have got what the hop to 4.2.7 brought.
  one.seen = { ...one.seen, agent: newAgent };
  two.seen = { ...two.seen, agent: newAgent, appliedProfile: profile };
  await restore();
  for (const agent of [one, two]) {
    const reply = await polls(agent, { ...agentPoll(agent), generation: agent.generation + 5 });
    const { target } = reply.body as {
      target: { agent?: { version: string }; profileUpdate?: object; proposed?: object };
    };
    // Named is the agent that runs, and nothing older.
    expect(target.agent?.version ?? newAgent.version).toBe(newAgent.version);
    expect(target).not.toHaveProperty('profileUpdate');
    expect(target).not.toHaveProperty('proposed');
  }
  expect(await warningOf('platform-older-than-agents')).toMatchObject({
    gateways: ['existing', 'installed'],
    message: expect.stringContaining('newer (4.2.7) than platform version 4.1.12'),
    nextStep: expect.stringContaining('gatehouse platform upgrade'),
  });
  const explained = await world.call('GET', '/v1/gateways/existing/explanation');
  expect(bodyAs(operatorRoutes.explainGateway.reply, explained).reasons.map(({ code }) => code)).toContain(
    'agent-newer-than-release',
  );
  // They hold no hop: the platform comes to them.
  const upgraded = await world.call('POST', '/v1/platform/upgrade', { body: { to: '4.2.7' } });
  expect(upgraded.status).toBe(202);
  expect(bodyAs(Platform, await world.call('GET', '/v1/platform'))).toMatchObject({
    version: '4.2.7',
    gateways: { total: 2, current: 2 },
  });
  expect(await warningOf('platform-older-than-agents')).toBeUndefined();
});

test('a version that the agent took back since is not offered again', async () => {
  const agent = await runningExistingCluster(world, 'site-a');
  await world.release('4.2.7');
  await world.call('POST', '/v1/platform/upgrade', { body: { to: '4.2.7' } });
  await backUp();
  const { agentVersion, agentDigest } = await releaseOf(world, '4.2.7');
  const reason = { code: 'exited', message: 'It exited', exitCode: 1 };
  const takenBack = [
    { release: { version: agentVersion, digest: agentDigest }, reason, at: '2026-11-23T08:59:07.941Z' },
  ];
  agent.seen = { ...agent.seen, takenBack };
  await restore();
  const reply = await polls(agent, { ...agentPoll(agent), generation: agent.generation + 3 });
  expect(reply.body).toMatchObject({ target: { agent: { version: '4.1.12' } } });
});

test('a profile update that is under way and whose plan is known goes on as confirmed', async () => {
  const agent = await runningCli(world, 'site-b');
  await world.release('4.2.7');
  const planId = await withProfileUpdate(world, agent);
  await backUp();
  agent.seen = { ...agent.seen, profileUpdate: progress(planId, 'running') };
  await restore();
  const reply = await polls(agent, { ...agentPoll(agent), generation: agent.generation + 2 });
  expect(reply.body).toMatchObject({
    target: { generation: agent.generation + 3, profileUpdate: { planId, retry: 0 } },
  });
  expect((await recovered('site-b')).join('\n')).toContain('it goes on.');
  const gateway = await world.call('GET', '/v1/gateways/site-b');
  expect(gateway.body).toMatchObject({ status: 'Updating' });
});

test('one whose plan is forgotten too: the agent keeps its target until it is over', async () => {
  const agent = await runningCli(world, 'site-b');
  await backUp();
  const planId = `sha256:${'7'.repeat(64)}`;
  agent.seen = { ...agent.seen, profileUpdate: progress(planId, 'running') };
  await restore();
  const poll = { ...agentPoll(agent), generation: agent.generation + 2 };
  for (const again of [poll, poll]) {
    const reply = await polls(agent, again);
    expect(reply.status).toBe(200);
    expect(reply.body).not.toHaveProperty('target');
  }
  expect(await recovered('site-b')).toHaveLength(1);
  agent.seen = { ...agent.seen, profileUpdate: progress(planId, 'completed') };
  const over = await polls(agent, { ...agentPoll(agent), generation: agent.generation + 2 });
  expect(over.body).toMatchObject({ target: { generation: agent.generation + 3 } });
});

test('the first profile that an agent applies was never confirmed, and is not taken for one that was forgotten', async () => {
  const { gateway } = await createGateway(world, { name: 'site-c', installation: 'cli', controlPlanes: 3 });
  const { registrationToken: token, cluster } = await installBundle(world, 'site-c');
  const seen = observation(await releaseOf(world, '4.1.12'));
  const agent = await startAgent(world, { gatewayId: gateway.id, token, seen });
  await agent.polls();
  agent.seen = { ...seen, profileUpdate: progress(cluster.profile.digest, 'running') };
  const reply = await agent.poll({ targetDigest: `sha256:${'7'.repeat(64)}` });
  expect(reply.body).toMatchObject({
    target: { generation: agent.generation + 1, initialProfile: { digest: cluster.profile.digest } },
  });
});

function progress(planId: string, phase: 'running' | 'completed') {
  const steps = [{ id: 'control-planes', state: phase === 'running' ? ('running' as const) : ('done' as const) }];
  return { planId, phase, startedAt: '2026-11-23T08:59:07.941Z', steps, retry: 0 };
}
