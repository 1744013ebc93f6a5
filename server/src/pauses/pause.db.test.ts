import type { Gateway } from '@gatehouse/contract/operator-types';
import { hours, minutes } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventsOf, releaseOf, runningExistingCluster } from '../testing/fleet.ts';
import type { TestAgent } from '../testing/test-agent.ts';
import { startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;
let agent: TestAgent;

beforeEach(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await world.release('4.1.12');
  agent = await runningExistingCluster(world);
  await world.release('4.2.7');
});
afterEach(async () => {
  await world?.close();
  await database?.drop();
});

const get = async (): Promise<Gateway> => (await world.call('GET', '/v1/gateways/site-a')).body as Gateway;
const pause = (scope: string, name: string, more: object = {}) =>
  world.call('POST', '/v1/pauses', { body: { scope, name, reason: `pause of ${scope}`, ...more } });
const resume = (scope: string, name: string) => world.call('DELETE', `/v1/pauses/${scope}/${name}`);
const upgrade = () => world.call('POST', '/v1/platform/upgrade', { body: { to: '4.2.7' } });
/** The version of the agent that the gateway's target names after a poll. */
async function named(): Promise<string | undefined> {
  agent.generation = 0;
  const { target } = await agent.polls();
  return target?.agent?.version;
}

test('each scope is a flag of its own: resuming one does not resume another', async () => {
  await pause('tenant', 'default');
  await pause('gateway', 'site-a');
  await upgrade();
  expect(await named()).toBe('4.1.12');
  const paused = await get();
  expect(paused).toMatchObject({ isPaused: true, isCurrent: false });
  expect(paused.pauses.map(({ scope }) => scope.kind).toSorted()).toEqual(['gateway', 'tenant']);
  expect(paused.reasons.map(({ message }) => message).join(' ')).toContain('pause of tenant');
  expect(await resume('gateway', 'site-a')).toMatchObject({ status: 204 });
  expect(await named()).toBe('4.1.12');
  expect((await get()).isPaused).toBe(true);
  expect(await resume('tenant', 'default')).toMatchObject({ status: 204 });
  expect(await named()).toBe('4.2.7');
  expect((await get()).isPaused).toBe(false);
  expect(await resume('tenant', 'default')).toMatchObject({ status: 404, body: { code: 'not-found' } });
});

test('a pause of a project concerns the gateways in it alone', async () => {
  await world.call('POST', '/v1/projects', { body: { name: 'elsewhere' } });
  await pause('project', 'elsewhere');
  await upgrade();
  expect(await named()).toBe('4.2.7');
});

test('a pause ends by itself, with an event, and the update goes on with the next poll', async () => {
  const until = new Date(world.now() + hours(1)).toISOString();
  await pause('gateway', 'site-a', { until });
  await upgrade();
  expect(await named()).toBe('4.1.12');
  world.advance(hours(1) - minutes(1));
  await expect.poll(named).toBe('4.1.12');
  // The session ends after an hour; what counts here is the decision.
  world.advance(minutes(1));
  await expect.poll(async () => (await get()).isPaused).toBe(false);
  await expect
    .poll(async () => (await eventsOf(world, 'site-a')).map(({ type }) => type), { timeout: 15_000 })
    .toContain('agent-updates-resumed');
  expect((await world.call('GET', '/v1/pauses')).body).toMatchObject({ items: [] });
});

test('an exemption lets one gateway through and expires', async () => {
  await pause('tenant', 'default');
  await upgrade();
  const until = new Date(world.now() + minutes(30)).toISOString();
  const reply = await world.call('PUT', '/v1/gateways/site-a/exemption', { body: { reason: 'urgent fix', until } });
  expect(reply).toMatchObject({ status: 200, body: { isPaused: false, exemption: { reason: 'urgent fix' } } });
  expect(await named()).toBe('4.2.7');
  expect((await world.call('GET', '/v1/pauses')).body).toMatchObject({ exemptions: [{ gateway: 'site-a' }] });
  world.advance(minutes(30));
  expect(await named()).toBe('4.1.12');
  expect((await get()).isPaused).toBe(true);
  await expect
    .poll(async () => (await eventsOf(world, 'site-a')).map(({ type }) => type), { timeout: 15_000 })
    .toContain('exemption-ended');
  expect(await world.call('DELETE', '/v1/gateways/site-a/exemption')).toMatchObject({ status: 404 });
});

test('paused twice is paused once, with the later reason', async () => {
  await pause('gateway', 'site-a');
  await pause('gateway', 'site-a', { reason: 'the later one' });
  expect((await get()).pauses).toMatchObject([{ reason: 'the later one', by: 'admin' }]);
});

test('a version that was taken back is offered again only when a person says so, once', async () => {
  await upgrade();
  expect(await named()).toBe('4.2.7');
  const { agentVersion: version, agentDigest: digest } = await releaseOf(world, '4.2.7');
  const takenBack = (at: string) => ({
    release: { version, digest },
    reason: { code: 'exited', message: 'It exited' },
    at,
  });
  agent.seen = { ...agent.seen, takenBack: [takenBack('2026-11-23T10:00:00.000Z')] };
  expect(await named()).toBe('4.1.12');
  expect((await get()).reasons.map(({ code }) => code)).toContain('agent-taken-back');
  const retry = (body: object = {}) => world.call('POST', '/v1/gateways/site-a/agent-update/retry', { body });
  expect(await retry({ version: '9.9.9' })).toMatchObject({ status: 409, body: { code: 'not-taken-back' } });
  expect(await retry()).toMatchObject({ status: 200 });
  agent.generation = 0;
  expect((await agent.polls()).target?.agent).toMatchObject({ version: '4.2.7', isRetried: true });
  agent.seen = {
    ...agent.seen,
    takenBack: [takenBack('2026-11-23T10:00:00.000Z'), takenBack('2026-11-23T11:00:00.000Z')],
  };
  expect(await named()).toBe('4.1.12');
  expect((await eventsOf(world, 'site-a')).filter(({ type }) => type === 'agent-update-taken-back')).toHaveLength(2);
});
