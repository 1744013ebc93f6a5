import { UpgradePlan } from '@gatehouse/contract/platform-types';
import { hours, minutes } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runningCli, runningExistingCluster } from '../testing/fleet.ts';
import { actionsOf, platformOf, releaseAhead, releasesAhead, takesUp, upgradeTo } from '../testing/platform-path.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;

beforeEach(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
});
afterEach(async () => {
  await world?.close();
  await database?.drop();
});

/** Times of polls are written in batches. */
async function isHeard(name: string): Promise<void> {
  const due = async () => (await world.call('GET', `/v1/gateways/${name}`)).body;
  await expect.poll(due, { timeout: 20_000 }).toHaveProperty('nextPollDueAt');
}

async function forecast(to: string, more = '') {
  const reply = await world.call('GET', `/v1/platform/plan?to=${to}&forecast=true${more}`);
  const plan = bodyAs(UpgradePlan, reply);
  if (plan.forecast === undefined) throw new Error('no forecast was given');
  return plan.forecast;
}

const minutesAfter = (from: string, to: string | undefined): number =>
  to === undefined ? Number.POSITIVE_INFINITY : (Date.parse(to) - Date.parse(from)) / minutes(1);

test('each hop with its time; a plan without the question has no forecast; and nothing is changed by it', async () => {
  await releasesAhead(world, '4.3.0');
  await runningExistingCluster(world, 'site-a');
  await isHeard('site-a');
  const { version, plan } = await platformOf(world);
  const { from, stages, outcome, doneAt, assumptions, waitingForPerson } = await forecast('4.3.0');
  expect(outcome).toBe('done');
  expect(waitingForPerson).toBe(0);
  expect(stages.map(({ number, to, heldBy }) => [number, to, heldBy.map(({ gateway }) => gateway)])).toEqual([
    [1, '4.2.7', []],
    [2, '4.3.0', ['site-a']],
    [undefined, undefined, ['site-a']],
  ]);
  const [first, second, end] = stages.map(({ opensAt }) => minutesAfter(from, opensAt));
  expect(first).toBe(0);
  // A poll within its interval, the agent's update, and half an hour of quiet, for each of the two.
  expect(second).toBeGreaterThanOrEqual(34);
  expect(second).toBeLessThanOrEqual(15 * 1.1 + 34);
  expect(end).toBeGreaterThanOrEqual((second ?? 0) + 34);
  expect(doneAt).toBe(stages[2]?.opensAt);
  expect(assumptions.length).toBeGreaterThan(3);
  expect(await forecast('4.3.0')).toEqual({ from, stages, outcome, doneAt, assumptions, waitingForPerson });
  const plain = await world.call('GET', '/v1/platform/plan?to=4.3.0');
  expect(bodyAs(UpgradePlan, plain)).not.toHaveProperty('forecast');
  expect(await platformOf(world)).toMatchObject({ version });
  expect((await platformOf(world)).plan).toEqual(plan);
  expect(await actionsOf(world)).toEqual([]);
});

test('it waits for a person who confirms, unless it is told how long people take', async () => {
  await releasesAhead(world);
  await runningCli(world, 'ours');
  const held = await forecast('4.2.7');
  expect(held).toMatchObject({ outcome: 'held', waitingForPerson: 1 });
  expect(held).not.toHaveProperty('doneAt');
  const [end] = held.stages.slice(-1);
  expect(end).toMatchObject({ confirmations: 1, heldByTotal: 1, heldBy: [{ gateway: 'ours' }] });
  expect(end?.heldBy[0]?.reasons.map(({ code }) => code)).toContain('profile-update-waiting-for-confirmation');
  const assumed = await forecast('4.2.7', `&confirmAfterSeconds=${24 * 3600}`);
  expect(assumed).toMatchObject({ outcome: 'done', waitingForPerson: 0 });
  expect(minutesAfter(assumed.from, assumed.doneAt)).toBeGreaterThan(24 * 60);
});

test('a paused gateway is named, a silent one too, and a waiver lets it go on', async () => {
  await releasesAhead(world);
  await runningExistingCluster(world, 'site-a');
  await runningExistingCluster(world, 'site-p');
  await isHeard('site-a');
  await isHeard('site-p');
  await world.call('POST', '/v1/pauses', { body: { scope: 'gateway', name: 'site-p', reason: 'audit week' } });
  const held = await forecast('4.2.7');
  expect(held.outcome).toBe('held');
  expect(held.stages[1]).toMatchObject({ heldBy: [{ gateway: 'site-p' }, { gateway: 'site-a' }] });
  expect(JSON.stringify(held.stages[1])).toContain('audit week');
  await world.call('PUT', '/v1/gateways/site-p/waiver', { body: { reason: 'on a ship' } });
  expect(await forecast('4.2.7')).toMatchObject({ outcome: 'done' });
  world.advance(hours(2));
  const silent = await forecast('4.2.7');
  // A waiver ends while site-a is silent, and then site-p holds it too.
  expect(silent.stages[0]?.heldBy.map(({ gateway }) => gateway)).toEqual(['site-a', 'site-p']);
  expect(silent.stages[0]).not.toHaveProperty('opensAt');
});

test('a plan under way is forecast with the edges it keeps, from where it is', async () => {
  await releasesAhead(world, '4.3.0');
  const agent = await runningExistingCluster(world, 'site-a');
  expect((await upgradeTo(world, '4.3.0')).status).toBe(202);
  await takesUp(world, agent, '4.2.7');
  await releaseAhead(world, '4.2.8');
  const { stages, outcome } = await forecast('4.3.0');
  expect(outcome).toBe('done');
  expect(stages.map(({ number, to }) => [number, to])).toEqual([
    [2, '4.3.0'],
    [undefined, undefined],
  ]);
});
