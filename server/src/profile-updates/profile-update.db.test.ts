import type { Observation } from '@gatehouse/contract/agent-api';
import type { AuditRecord, ConfirmReply, Gateway, ProfileUpdate } from '@gatehouse/contract/operator-types';
import type { Problem } from '@gatehouse/contract/problem';
import { minutes } from '@gatehouse/domain/instant';
import { sampleSource } from '@gatehouse/release/sample-releases';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createGateway,
  eventsOf,
  installBundle,
  runningCli,
  runningExistingCluster,
  withProfileUpdate,
} from '../testing/fleet.ts';
import { releaseAhead, takesUp, upgradeTo } from '../testing/platform-path.ts';
import type { TestAgent } from '../testing/test-agent.ts';
import { type Reply, startWorld, type World } from '../testing/world.ts';

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

const confirm = (name: string, planId: string, more: object = {}): Promise<Reply> =>
  world.call('POST', `/v1/gateways/${name}/profile-update/confirm`, { body: { planId, ...more } });
const show = async (name: string): Promise<ProfileUpdate> =>
  (await world.call('GET', `/v1/gateways/${name}/profile-update`)).body as ProfileUpdate;
const get = async (name: string): Promise<Gateway> => (await world.call('GET', `/v1/gateways/${name}`)).body as Gateway;
const audits = async (action: string): Promise<readonly AuditRecord[]> =>
  ((await world.call('GET', `/v1/audit?action=${action}`)).body as { items: AuditRecord[] }).items;
const told = async (name: string, type: string) => (await eventsOf(world, name)).filter((event) => event.type === type);

type Progress = NonNullable<Observation['profileUpdate']>;

/** The agent's word on how far it is: the first `done` steps of the plan, the next one running. */
async function report(agent: TestAgent, planId: string, done: number, more: Partial<Progress> = {}): Promise<void> {
  const { steps } = await show(agent.gatewayId);
  const at = '2026-11-23T10:00:00.000Z';
  agent.seen = {
    ...agent.seen,
    profileUpdate: {
      planId,
      phase: 'running',
      startedAt: at,
      retry: 0,
      steps: steps.map(({ id }, index) => ({
        id,
        state: index < done ? 'done' : index === done ? 'running' : 'waiting',
      })),
      ...more,
    },
  };
  await agent.polls();
}

async function cliWithUpdate(): Promise<{ readonly agent: TestAgent; readonly planId: string }> {
  const agent = await runningCli(world, 'site-b');
  await world.release('4.2.7');
  return { agent, planId: await withProfileUpdate(world, agent) };
}

test('a platform upgrade brings a notification, a plan with its difference, and nothing by itself', async () => {
  const { agent, planId } = await cliWithUpdate();
  expect(await get('site-b')).toMatchObject({
    updatesAvailable: true,
    availableProfileVersion: '4.2.7',
    isCurrent: false,
  });
  expect((await told('site-b', 'profile-available')).map(({ message }) => message)).toEqual([
    'Profile 4.2.7 is available',
  ]);
  const update = await show('site-b');
  expect(update).toMatchObject({
    planId,
    phase: 'available',
    from: { version: '4.1.12' },
    to: { version: '4.2.7' },
    confirmReasons: [],
    isPaused: false,
    summary: { repaves: ['a', 'b', 'c'], downtime: 'possible' },
  });
  expect(update.layers.map(({ layer }) => layer)).toEqual(['os', 'kubernetes', 'network', 'storage', 'add-ons']);
  agent.generation = 0;
  const { target } = await agent.polls();
  expect(target?.proposed?.planId).toBe(planId);
  expect(target).not.toHaveProperty('profileUpdate');
});

test('secrets are masked in the difference', async () => {
  await cliWithUpdate();
  const text = JSON.stringify((await show('site-b')).layers);
  expect(text).toContain('(changed)');
  const { rows } = await world.plane.services.db
    .selectFrom('profiles')
    .select(['document'])
    .execute()
    .then((found) => ({ rows: found }));
  const secrets = rows.flatMap(({ document }) =>
    document.layers.flatMap(({ packs }) =>
      packs.flatMap(({ values, secretPaths }) =>
        secretPaths.map((secretPath) =>
          secretPath.split('.').reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], values),
        ),
      ),
    ),
  );
  expect(secrets.length).toBeGreaterThan(0);
  for (const secret of secrets) expect(text).not.toContain(String(secret));
});

test('confirmed many times at once: the same answer to all, one generation, one event, one audit record', async () => {
  const { agent, planId } = await cliWithUpdate();
  const { generation } = await get('site-b');
  const replies = await Promise.all(Array.from({ length: 8 }, () => confirm('site-b', planId)));
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 202));
  const [first, ...others] = replies.map(({ body }) => body as ConfirmReply);
  expect(first).toMatchObject({ planId, generation: generation + 1 });
  expect(first?.message).toMatch(/^Confirmed\. Starts with the next poll(, by .*\d\d:\d\d.*)?$/);
  for (const other of others) expect(other).toEqual(first);
  expect(await confirm('site-b', planId)).toMatchObject({ status: 202, body: { generation: generation + 1 } });
  expect(await get('site-b')).toMatchObject({ generation: generation + 1 });
  expect(await told('site-b', 'profile-update-confirmed')).toHaveLength(1);
  expect(await audits('profile-update.confirm')).toHaveLength(1);
  const { target } = await agent.polls();
  expect(target).toMatchObject({ generation: generation + 1, profileUpdate: { planId, retry: 0, isCancelled: false } });
});

test('confirmed before the next poll, it is told all the same that it was available', async () => {
  const agent = await runningCli(world, 'site-b');
  const { version, digest } = agent.seen.agent;
  await world.release('4.2.7', {
    agent: { ...sampleSource('4.2.7').agent, version, digest },
    profileNeedsAgent: version,
  });
  await world.call('POST', '/v1/platform/upgrade', { body: { to: '4.2.7' } });
  expect(await confirm('site-b', (await show('site-b')).planId)).toMatchObject({ status: 202 });
  await agent.polls();
  const types = (await eventsOf(world, 'site-b')).map(({ type }) => type);
  expect(types.filter((type) => /^profile-(available|update-confirmed)$/.test(type))).toEqual([
    'profile-available',
    'profile-update-confirmed',
  ]);
});

test('from its begin to its end: the events in order, each once, and the gateway current', async () => {
  const { agent, planId } = await cliWithUpdate();
  await confirm('site-b', planId);
  await agent.polls();
  await report(agent, planId, 0, { phase: 'preflight', steps: [] });
  expect(await get('site-b')).toMatchObject({ status: 'Running' });
  const { steps } = await show('site-b');
  const controlPlanes = steps.findIndex(({ id }) => id === 'control-planes');
  await report(agent, planId, controlPlanes);
  expect(await get('site-b')).toMatchObject({ status: 'Updating', isCurrent: false });
  expect(await show('site-b')).toMatchObject({ phase: 'running' });
  await report(agent, planId, controlPlanes, { controlPlanesUpdatedAt: '2026-11-23T10:05:00.000Z' });
  await report(agent, planId, controlPlanes + 1, { controlPlanesUpdatedAt: '2026-11-23T10:05:00.000Z' });
  const completed = {
    phase: 'completed' as const,
    controlPlanesUpdatedAt: '2026-11-23T10:05:00.000Z',
    completedAt: '2026-11-23T10:09:00.000Z',
  };
  agent.seen = { ...agent.seen, appliedProfile: (await show('site-b')).to };
  await report(agent, planId, steps.length, completed);
  await agent.polls();
  agent.seen = { ...agent.seen, kubernetes: '1.27.11' };
  await agent.polls();
  const messages = (await eventsOf(world, 'site-b')).map(({ message }) => message);
  const from = messages.indexOf('The profile update to 4.2.7 has begun.');
  const packs = (before: boolean) =>
    steps
      .filter(({ id }, index) => id.startsWith('pack:') && index < controlPlanes === before)
      .map(({ id }) => `the pack ${id.split('/')[1]} is applied`);
  expect(messages.slice(from)).toEqual([
    'The profile update to 4.2.7 has begun.',
    ...packs(true),
    'Status: Running → Updating',
    'all control planes are updated',
    ...packs(false),
    'profile update completed',
    'Status: Updating → Running',
  ]);
  expect(await get('site-b')).toMatchObject({
    status: 'Running',
    isCurrent: true,
    updatesAvailable: false,
    profileVersion: '4.2.7',
  });
  expect(await show('site-b')).toMatchObject({ phase: 'completed', completedAt: completed.completedAt });
  expect(await confirm('site-b', planId)).toMatchObject({ status: 202, body: { planId } });
  const { target } = await agent.polls();
  expect(target ?? {}).not.toHaveProperty('profileUpdate');
});

test('what somebody changed in the middle and was put right is an event, each once', async () => {
  const { agent, planId } = await cliWithUpdate();
  await confirm('site-b', planId);
  await agent.polls();
  const what = 'The ConfigMap packs/net was changed by kubectl-edit, and is as the profile says again.';
  const first = { at: '2026-11-23T10:05:00.000Z', what };
  const second = { at: '2026-11-23T10:06:00.000Z', what };
  await report(agent, planId, 0, { repairs: [first] });
  await report(agent, planId, 0, { repairs: [first, second] });
  await report(agent, planId, 1, { repairs: [first, second] });
  const repaired = (await eventsOf(world, 'site-b')).filter(({ type }) => type === 'profile-update-repaired');
  expect(repaired.map(({ message }) => message)).toEqual([what, what]);
});

test('an old planId is refused with the plan that holds now, and nothing is written', async () => {
  const { agent, planId } = await cliWithUpdate();
  agent.seen = {
    ...agent.seen,
    nodes:
      agent.seen.nodes === 'unknown'
        ? 'unknown'
        : agent.seen.nodes.map((node) => ({ ...node, name: `new-${node.name}` })),
  };
  await agent.polls();
  const { generation } = await get('site-b');
  const reply = await confirm('site-b', planId);
  expect(reply).toMatchObject({ status: 409, body: { code: 'plan-changed' } });
  const { planId: now, reasons } = reply.body as Problem;
  expect(now).toBe((await show('site-b')).planId);
  expect(now).not.toBe(planId);
  expect(reasons).not.toHaveLength(0);
  expect(await get('site-b')).toMatchObject({ generation });
  expect(await audits('profile-update.confirm')).toEqual([]);
  expect(await confirm('site-b', now ?? '')).toMatchObject({ status: 202 });
});

test('refused while Provisioning, on an existing cluster, before the install, and without an update: each with its code', async () => {
  const planId = `sha256:${'0'.repeat(64)}`;
  await createGateway(world, { name: 'pending', installation: 'cli' });
  expect(await confirm('pending', planId)).toMatchObject({ status: 409, body: { code: 'gateway-not-running' } });
  await installBundle(world, 'pending');
  expect(await confirm('pending', planId)).toMatchObject({ status: 409, body: { code: 'gateway-provisioning' } });
  await runningExistingCluster(world, 'owners');
  expect(await confirm('owners', planId)).toMatchObject({ status: 409, body: { code: 'existing-cluster' } });
  await runningCli(world, 'current');
  expect(await confirm('current', planId)).toMatchObject({ status: 409, body: { code: 'no-profile-update' } });
  expect(await confirm('nowhere', planId)).toMatchObject({ status: 404, body: { code: 'not-found' } });
});

test('a paused gateway asks again, and a confirmation that says it knows is taken', async () => {
  const { planId } = await cliWithUpdate();
  await world.call('POST', '/v1/pauses', { body: { scope: 'tenant', name: 'default', reason: 'audit week' } });
  expect(await show('site-b')).toMatchObject({ isPaused: true, confirmReasons: [] });
  const reply = await confirm('site-b', planId);
  expect(reply).toMatchObject({ status: 409, body: { code: 'pause-acknowledgement-needed' } });
  expect(JSON.stringify(reply.body)).toContain('audit week');
  expect(await confirm('site-b', planId, { acknowledgePause: true })).toMatchObject({ status: 202 });
});

test('the agent goes first: before it is on the release the update is held', async () => {
  const agent = await runningCli(world, 'site-b');
  await world.release('4.2.7');
  await world.call('POST', '/v1/platform/upgrade', { body: { to: '4.2.7' } });
  await agent.polls();
  const { planId, confirmReasons } = await show('site-b');
  expect(confirmReasons.map(({ code }) => code)).toEqual(['agent-not-accepted']);
  expect(await confirm('site-b', planId)).toMatchObject({ status: 409, body: { code: 'profile-update-held' } });
});

test('a second plan is refused while one is on its way', async () => {
  const { planId } = await cliWithUpdate();
  await confirm('site-b', planId);
  const other = await confirm('site-b', `sha256:${'0'.repeat(64)}`);
  expect(other).toMatchObject({ status: 409, body: { code: 'profile-update-in-progress' } });
});

test('a stopped update is an Error with its reason, and is retried once however often it is asked', async () => {
  const { agent, planId } = await cliWithUpdate();
  const retry = () => world.call('POST', '/v1/gateways/site-b/profile-update/retry', { body: {} });
  expect(await retry()).toMatchObject({ status: 409, body: { code: 'no-profile-update' } });
  await confirm('site-b', planId);
  expect(await retry()).toMatchObject({ status: 409, body: { code: 'profile-update-not-stopped' } });
  const stopped = { code: 'stuck', message: 'Nothing has moved for 20 minutes: machine x has no node' };
  await report(agent, planId, 1, { phase: 'stopped', stopped });
  expect(await get('site-b')).toMatchObject({ status: 'Error' });
  expect(await show('site-b')).toMatchObject({ phase: 'stopped', stopped, retryReasons: [] });
  expect((await told('site-b', 'profile-update-stopped')).map(({ message }) => message)).toEqual([
    `The profile update to 4.2.7 has stopped: ${stopped.message}`,
  ]);
  const replies = await Promise.all([retry(), retry(), retry()]);
  expect(replies.map(({ status }) => status)).toEqual([202, 202, 202]);
  expect(await audits('profile-update.retry')).toHaveLength(1);
  expect((await show('site-b')).retryReasons.map(({ code }) => code)).toEqual(['retry-on-its-way']);
  const { target } = await agent.polls();
  expect(target?.profileUpdate).toMatchObject({ planId, retry: 1 });
  expect(await show('site-b')).toMatchObject({ phase: 'confirmed' });
});

test('cancelled before it began, it may be confirmed again, as another order', async () => {
  const { agent, planId } = await cliWithUpdate();
  const cancel = () => world.call('POST', '/v1/gateways/site-b/profile-update/cancel', { body: {} });
  expect(await cancel()).toMatchObject({ status: 409, body: { code: 'no-profile-update' } });
  await confirm('site-b', planId);
  expect(await cancel()).toMatchObject({ status: 202 });
  expect(await cancel()).toMatchObject({ status: 202 });
  expect((await agent.polls()).target?.profileUpdate).toMatchObject({ planId, isCancelled: true });
  await report(agent, planId, -1, { phase: 'cancelled' });
  expect(await show('site-b')).toMatchObject({ phase: 'available', planId });
  expect(await told('site-b', 'profile-update-cancelled')).toHaveLength(1);
  expect(await confirm('site-b', planId)).toMatchObject({ status: 202 });
  const { target } = await agent.polls();
  expect(target?.profileUpdate).toMatchObject({ planId, isCancelled: false, retry: 1 });
});

test('once a control plane is being replaced there is only forward', async () => {
  const { agent, planId } = await cliWithUpdate();
  await confirm('site-b', planId);
  const { steps } = await show('site-b');
  await report(
    agent,
    planId,
    steps.findIndex(({ id }) => id === 'control-planes'),
  );
  const reply = await world.call('POST', '/v1/gateways/site-b/profile-update/cancel', { body: {} });
  expect(reply).toMatchObject({ status: 409, body: { code: 'profile-update-past-cancel' } });
  expect((await show('site-b')).cancelReasons.map(({ code }) => code)).toEqual(['profile-update-past-cancel']);
});

test('a newer profile is shown with the stopped update whose place it takes, and takes it when it is confirmed', async () => {
  const { agent, planId } = await cliWithUpdate();
  await confirm('site-b', planId);
  const stopped = { code: 'stuck', message: 'Nothing has moved for 20 minutes: machine x has no node' };
  await report(agent, planId, 1, { phase: 'stopped', stopped });
  expect(await show('site-b')).toMatchObject({ planId, phase: 'stopped' });
  expect(await show('site-b')).not.toHaveProperty('supersedes');
  const { vsphere } = sampleSource('4.2.7').profiles;
  if (vsphere === undefined) throw new Error('the sample releases have no profile for vsphere');
  await releaseAhead(world, '4.2.8', { profiles: { vsphere: { ...vsphere, version: '4.2.8' } } });
  await world.call('PUT', '/v1/gateways/site-b/waiver', { body: { reason: 'its update has stopped' } });
  expect(await upgradeTo(world, '4.2.8')).toMatchObject({ status: 202 });
  await takesUp(world, agent, '4.2.8');
  const newer = await show('site-b');
  expect(newer).toMatchObject({
    phase: 'available',
    to: { version: '4.2.8' },
    supersedes: { planId, to: { version: '4.2.7' }, stopped },
    confirmReasons: [],
    retryReasons: [],
    cancelReasons: [{ code: 'profile-update-past-cancel' }],
  });
  expect(await confirm('site-b', newer.planId)).toMatchObject({ status: 202 });
  expect(await show('site-b')).toMatchObject({ planId: newer.planId, phase: 'confirmed' });
  expect(await show('site-b')).not.toHaveProperty('supersedes');
});

test('a release whose profile has the same digest brings no notification and no plan', async () => {
  const agent = await runningCli(world, 'site-b');
  await world.release('4.2.7', {
    profiles: (await import('@gatehouse/release/sample-releases')).sampleSource('4.1.12').profiles,
  });
  await world.call('POST', '/v1/platform/upgrade', { body: { to: '4.2.7' } });
  await agent.polls();
  expect(await get('site-b')).toMatchObject({ updatesAvailable: false });
  expect(await told('site-b', 'profile-available')).toEqual([]);
  const { body, status } = await world.call('GET', '/v1/gateways/site-b/profile-update');
  expect(status).toBe(409);
  expect(body).toMatchObject({ code: 'no-profile-update' });
});

test('while the only control plane is replaced, silence is expected and not unhealthy', async () => {
  const agent = await runningCli(world, 'site-b', '4.1.12', 1);
  await world.release('4.2.7');
  const planId = await withProfileUpdate(world, agent);
  await confirm('site-b', planId);
  await agent.polls();
  const { steps } = await show('site-b');
  const controlPlanes = steps.findIndex(({ id }) => id === 'control-planes');
  await report(agent, planId, controlPlanes);
  // Times of polls are written in batches; in mid-update the next one is due within seconds.
  await expect
    .poll(async () => Date.parse((await get('site-b')).nextPollDueAt ?? '') - world.now(), { timeout: 10_000 })
    .toBeLessThan(minutes(1));
  world.advance(minutes(19));
  expect(await get('site-b')).toMatchObject({ health: 'healthy', status: 'Updating' });
  expect((await get('site-b')).reasons.map(({ code }) => code)).toContain('silence-expected');
  world.advance(minutes(2));
  expect(await get('site-b')).toMatchObject({ health: 'unhealthy' });
  await report(agent, planId, controlPlanes + 1);
  expect(
    await world.plane.services.db.selectFrom('gateways').select('silence_expected_until').executeTakeFirst(),
  ).toEqual({
    silence_expected_until: null,
  });
});
