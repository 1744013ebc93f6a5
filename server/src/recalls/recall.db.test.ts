import { operatorRoutes } from '@gatehouse/contract/operator-api';
import { type Gateway, Release } from '@gatehouse/contract/operator-types';
import { minutes } from '@gatehouse/domain/instant';
import type { ReleaseSource } from '@gatehouse/release/release-builder';
import { sampleSource } from '@gatehouse/release/sample-releases';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asTask } from '../testing/as-task.ts';
import {
  createGateway,
  eventsOf,
  releaseOf,
  runningCli,
  runningExistingCluster,
  withProfileUpdate,
} from '../testing/fleet.ts';
import type { TestAgent } from '../testing/test-agent.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;

beforeEach(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await world.release('4.1.12');
  await world.release('4.2.7');
});
afterEach(async () => {
  await world?.close();
  await database?.drop();
});

/** 4.2.8: an agent and a vsphere profile of its own. */
function nextSource(): Partial<ReleaseSource> {
  const { agent, profiles } = sampleSource('4.2.7');
  const { vsphere } = profiles;
  if (vsphere === undefined) throw new Error('the sample has no profile for vsphere');
  return {
    platformVersion: '4.2.8',
    agent: { ...agent, digest: `sha256:${'8'.repeat(64)}` },
    profiles: { vsphere: { ...vsphere, version: '4.2.8' } },
    profileNeedsAgent: '4.2.8',
    upgradeFrom: ['4.1.12', '4.2.7'],
  };
}
const releaseNext = () => world.release('4.2.7', nextSource());
const upgrade = (to: string) => world.call('POST', '/v1/platform/upgrade', { body: { to } });
const recall = (version: string, more: object = {}) =>
  world.call('POST', `/v1/releases/${version}/recall`, { body: { reason: 'It forgets its Lease.', ...more } });
const withdraw = (version: string) => world.call('DELETE', `/v1/releases/${version}/recall?reason=wrong`);
const get = async (name: string): Promise<Gateway> => (await world.call('GET', `/v1/gateways/${name}`)).body as Gateway;
const codesOf = async (name: string) => (await get(name)).reasons.map(({ code }) => code);
const audited = async (action: string) =>
  bodyAs(operatorRoutes.listAudit.reply, await world.call('GET', `/v1/audit?action=${action}`)).items;
const eventsNamed = async (gateway: string, type: string) =>
  (await eventsOf(world, gateway)).filter((event) => event.type === type);

/** Long enough for every gate, and everybody is heard again. */
async function settle(agents: readonly TestAgent[]): Promise<void> {
  world.advance(minutes(31));
  for (const agent of agents) {
    await agent.polls();
    await expect.poll(async () => (await get(agent.gatewayId)).health, { timeout: 20_000 }).toBe('healthy');
  }
}

/** Its agent is now that of the release. */
async function runs(agent: TestAgent, version: string): Promise<void> {
  const { agentVersion, agentDigest } = await releaseOf(world, version);
  agent.seen = { ...agent.seen, agent: { version: agentVersion, digest: agentDigest } };
  await agent.polls();
}

describe("an operator's recall", () => {
  test('is audited, listed with who runs it, told to them, and said twice is once', async () => {
    const agent = await runningExistingCluster(world, 'site-a');
    await runningExistingCluster(world, 'site-old');
    await upgrade('4.2.7');
    await runs(agent, '4.2.7');
    const reply = await recall('4.2.7');
    expect(reply).toMatchObject({
      status: 200,
      body: {
        version: '4.2.7',
        recalled: {
          reason: 'It forgets its Lease.',
          isSigned: false,
          by: 'admin',
          gateways: [{ name: 'site-a', tenant: 'default', parts: ['agent'], isEvenIfPaused: false }],
          gatewaysTotal: 1,
        },
      },
    });
    expect(await recall('4.2.7', { reason: 'Another reason.' })).toMatchObject({
      status: 200,
      body: { recalled: { reason: 'It forgets its Lease.' } },
    });
    expect(await audited('release.recall')).toMatchObject([
      { subjectKind: 'release', subjectName: '4.2.7', message: expect.stringContaining('forgets its Lease') },
    ]);
    expect(await eventsNamed('site-a', 'release-recalled')).toMatchObject([
      { message: 'Release 4.2.7 was recalled by admin: It forgets its Lease. The gateway runs its agent.' },
    ]);
    expect(await eventsNamed('site-old', 'release-recalled')).toEqual([]);
    expect(await get('site-a')).toMatchObject({
      isCurrent: false,
      recalled: [{ part: 'agent', release: '4.2.7', reason: 'It forgets its Lease.' }],
    });
    expect(await get('site-old')).not.toHaveProperty('recalled');
  });

  test('of what was never imported is refused, and so is a gateway nobody knows: then nothing is recalled', async () => {
    expect(await recall('9.9.9')).toMatchObject({ status: 404, body: { code: 'release-unknown' } });
    expect(await recall('4.2.7', { evenIfPaused: ['nowhere'] })).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
    expect(await releaseOf(world, '4.2.7')).not.toHaveProperty('recalled');
    expect(await audited('release.recall')).toEqual([]);
  });

  test('keeps a gateway that has not got it where it is, in the middle of a rollout', async () => {
    const first = await runningExistingCluster(world, 'first');
    const second = await runningExistingCluster(world, 'second');
    await upgrade('4.2.7');
    expect((await first.polls()).target?.agent?.version).toBe('4.2.7');
    await runs(first, '4.2.7');
    await recall('4.2.7');
    expect((await second.polls()).target).toBeUndefined();
    expect((await get('second')).reasons).toMatchObject([
      { code: 'release-recalled', nextStep: expect.stringContaining('import the next good one') },
    ]);
    expect((await first.polls()).target).toBeUndefined();
    expect(await codesOf('first')).toEqual(['runs-recalled-release']);
    // An attempt that was swapped when the recall came, and was judged to its end.
    await runs(second, '4.2.7');
    await second.polls();
    for (const name of ['first', 'second']) expect(await eventsNamed(name, 'release-recalled')).toHaveLength(1);
    const explained = await world.call('GET', '/v1/gateways/second/explanation');
    expect(explained.body).toMatchObject({ recalledVersion: '4.2.7', runs: { agentVersion: '4.2.7' } });
    expect(explained.body).not.toHaveProperty('shouldRun');
    expect((await world.call('GET', '/v1/platform')).body).toMatchObject({ gateways: { total: 2, current: 0 } });
  });

  test('takes back a name that was not taken up yet, and ends an attempt that is not swapped', async () => {
    const waiting = await runningExistingCluster(world, 'waiting');
    const trying = await runningExistingCluster(world, 'trying');
    await upgrade('4.2.7');
    expect((await waiting.polls()).target?.agent?.version).toBe('4.2.7');
    await trying.polls();
    const { agentVersion, agentDigest } = await releaseOf(world, '4.2.7');
    trying.seen = {
      ...trying.seen,
      attempt: {
        id: '00000000-0000-4000-8000-000000000001',
        from: trying.seen.agent,
        to: { version: agentVersion, digest: agentDigest },
        phase: 'rehearsing',
        startedAt: '2026-11-23T10:00:00.000Z',
        interruptions: 0,
      },
    };
    await trying.polls();
    await recall('4.2.7');
    const back = (await waiting.polls()).target;
    expect(back?.agent?.version).toBe('4.1.12');
    expect(back).not.toHaveProperty('recalledAgent');
    expect((await trying.polls()).target).toMatchObject({
      agent: { version: '4.1.12' },
      recalledAgent: agentDigest,
    });
    expect(await codesOf('trying')).toEqual(['release-recalled']);
  });

  test('installs no new gateway while the platform is on it, and does again when it is withdrawn', async () => {
    await recall('4.1.12');
    const refused = await world.call('POST', '/v1/gateways', {
      body: { name: 'site-new', installation: 'existing-cluster', provider: 'vsphere' },
    });
    expect(refused).toMatchObject({ status: 409, body: { code: 'release-recalled' } });
    expect(await withdraw('4.1.12')).toMatchObject({ status: 200, body: { version: '4.1.12' } });
    expect((await createGateway(world, { name: 'site-new' })).gateway.status).toBe('Pending');
  });

  test('is withdrawn once, audited, and everything is offered again', async () => {
    const agent = await runningExistingCluster(world, 'site-a');
    await upgrade('4.2.7');
    await recall('4.2.7');
    expect((await agent.polls()).target).toBeUndefined();
    expect(await withdraw('4.2.7')).toMatchObject({ status: 200 });
    expect(await releaseOf(world, '4.2.7')).not.toHaveProperty('recalled');
    expect((await agent.polls()).target?.agent?.version).toBe('4.2.7');
    expect(await withdraw('4.2.7')).toMatchObject({ status: 409, body: { code: 'not-recalled' } });
    await runs(agent, '4.2.7');
    world.advance(1);
    await recall('4.2.7');
    await agent.polls();
    expect(await eventsNamed('site-a', 'release-recalled')).toHaveLength(1);
    await withdraw('4.2.7');
    world.advance(1);
    await recall('4.2.7');
    await agent.polls();
    expect(await eventsNamed('site-a', 'release-recalled')).toHaveLength(2);
    expect(await audited('release.withdraw-recall')).toHaveLength(2);
  });

  test('is never the end of a hop', async () => {
    await recall('4.2.7');
    const refused = await upgrade('4.2.7');
    expect(refused).toMatchObject({ status: 409, body: { code: 'upgrade-refused' } });
    expect(JSON.stringify(refused.body)).toContain('recalled');
  });
});

describe('the next good version', () => {
  test('is reached although nobody is current for the recalled one, and replaces it', async () => {
    const agent = await runningExistingCluster(world, 'site-a');
    const slow = await runningExistingCluster(world, 'site-slow');
    await upgrade('4.2.7');
    await runs(agent, '4.2.7');
    await recall('4.2.7');
    await releaseNext();
    expect((await get('site-a')).reasons[0]).toMatchObject({
      code: 'runs-recalled-release',
      nextStep: expect.stringContaining('gatehouse platform upgrade 4.2.8'),
    });
    await settle([agent, slow]);
    expect(await upgrade('4.2.8')).toMatchObject({ status: 202, body: { version: '4.2.8' } });
    for (const each of [agent, slow]) expect((await each.polls()).target?.agent?.version).toBe('4.2.8');
    await runs(agent, '4.2.8');
    expect(await get('site-a')).toMatchObject({ isCurrent: true });
    expect((await releaseOf(world, '4.2.7')).recalled).toMatchObject({ gateways: [], gatewaysTotal: 0 });
  });

  test('comes through a pause only where a person named the gateway', async () => {
    const named = await runningExistingCluster(world, 'named');
    const other = await runningExistingCluster(world, 'other');
    await upgrade('4.2.7');
    for (const agent of [named, other]) await runs(agent, '4.2.7');
    for (const name of ['named', 'other']) {
      await world.call('POST', '/v1/pauses', { body: { scope: 'gateway', name, reason: 'audit' } });
    }
    await recall('4.2.7');
    const reply = await recall('4.2.7', { evenIfPaused: ['named'] });
    expect(bodyAs(Release, reply).recalled?.gateways).toMatchObject([
      { name: 'named', isEvenIfPaused: true },
      { name: 'other', isEvenIfPaused: false },
    ]);
    await recall('4.2.7', { evenIfPaused: ['named'] });
    expect(await audited('release.recall-even-if-paused')).toMatchObject([{ subjectName: 'named' }]);
    expect(await eventsNamed('named', 'recall-even-if-paused')).toHaveLength(1);
    await releaseNext();
    await settle([named, other]);
    expect(await upgrade('4.2.8')).toMatchObject({ status: 202, body: { version: '4.2.8' } });
    expect((await named.polls()).target?.agent?.version).toBe('4.2.8');
    expect((await other.polls()).target).toBeUndefined();
    expect(await codesOf('other')).toEqual(['runs-recalled-release', 'paused']);
    await runs(named, '4.2.8');
    expect(await get('named')).toMatchObject({ isCurrent: true, isPaused: true });
  });
});

describe('a profile update', () => {
  test('is not proposed from a recalled release, and a held one is told and held in the target', async () => {
    const agent = await runningCli(world, 'site-b');
    const planId = await withProfileUpdate(world, agent);
    await recall('4.2.7');
    expect(await get('site-b')).toMatchObject({ updatesAvailable: false });
    const address = '/v1/gateways/site-b/profile-update';
    expect(await world.call('POST', `${address}/confirm`, { body: { planId } })).toMatchObject({
      status: 409,
      body: { code: 'no-profile-update', reasons: [{}, { code: 'release-recalled' }] },
    });
    expect((await agent.polls()).target).not.toHaveProperty('proposed');
    await withdraw('4.2.7');
    expect(await world.call('POST', `${address}/confirm`, { body: { planId } })).toMatchObject({ status: 202 });
    expect((await agent.polls()).target?.profileUpdate).not.toHaveProperty('held');
    await recall('4.2.7');
    const held = (await agent.polls()).target?.profileUpdate;
    expect(held?.held?.map(({ code }) => code)).toEqual(['release-recalled', 'release-recalled']);
    expect(held?.isCancelled).toBe(false);
    expect((await world.call('GET', address)).body).toMatchObject({ phase: 'confirmed', held: held?.held });
    expect(await codesOf('site-b')).toEqual(['runs-recalled-release', 'release-recalled', 'release-recalled']);
    expect(await eventsNamed('site-b', 'release-recalled')).toMatchObject([
      { message: expect.stringContaining('The gateway runs its agent.') },
      { message: expect.stringContaining('The confirmed update to its profile is held') },
    ]);
  });

  test('that has begun to replace nodes goes forward', async () => {
    const agent = await runningCli(world, 'site-b');
    const planId = await withProfileUpdate(world, agent);
    await world.call('POST', '/v1/gateways/site-b/profile-update/confirm', { body: { planId } });
    const order = (await agent.polls()).target?.profileUpdate;
    agent.seen = {
      ...agent.seen,
      profileUpdate: {
        planId,
        phase: 'running',
        startedAt: '2026-11-23T10:00:00.000Z',
        steps: (order?.steps ?? []).map(({ id }) => ({
          id,
          state: id === 'control-planes' ? ('running' as const) : ('waiting' as const),
        })),
        retry: 0,
      },
    };
    await agent.polls();
    await recall('4.2.7');
    expect((await agent.polls()).target).toBeUndefined();
    expect(await codesOf('site-b')).toContain('profile-update-in-progress');
    expect(await world.call('POST', '/v1/gateways/site-b/profile-update/cancel', { body: {} })).toMatchObject({
      status: 409,
      body: { code: 'profile-update-past-cancel' },
    });
  });

  test('to a profile that a good release has too is ordered from that one, and waits for its agent only', async () => {
    const agent = await runningCli(world, 'site-b');
    const planId = await withProfileUpdate(world, agent);
    const { profiles } = sampleSource('4.2.7');
    await world.release('4.2.7', { ...nextSource(), profiles });
    await world.call('POST', '/v1/gateways/site-b/profile-update/confirm', { body: { planId } });
    expect((await agent.polls()).target?.profileUpdate).toMatchObject({ release: '4.2.7' });
    await recall('4.2.7');
    const held = (await agent.polls()).target?.profileUpdate;
    expect(held).toMatchObject({ release: '4.2.8', planId, held: [{ code: 'release-recalled' }] });
    await settle([agent]);
    expect(await upgrade('4.2.8')).toMatchObject({ status: 202, body: { version: '4.2.8' } });
    const moved = (await agent.polls()).target;
    expect(moved).toMatchObject({ agent: { version: '4.2.8' }, profileUpdate: { planId, isCancelled: false } });
    const { agentVersion, agentDigest } = await releaseOf(world, '4.2.8');
    agent.seen = { ...agent.seen, agent: { version: agentVersion, digest: agentDigest } };
    expect((await agent.polls()).target?.profileUpdate).not.toHaveProperty('held');
  });

  test('that was held is cancelled by itself once the platform has better; then there is a plan for that', async () => {
    const agent = await runningCli(world, 'site-b');
    const planId = await withProfileUpdate(world, agent);
    await world.call('POST', '/v1/gateways/site-b/profile-update/confirm', { body: { planId } });
    await agent.polls();
    await recall('4.2.7');
    await releaseNext();
    await settle([agent]);
    expect(await upgrade('4.2.8')).toMatchObject({ status: 202, body: { version: '4.2.8' } });
    const { target } = await agent.polls();
    expect(target).toMatchObject({ agent: { version: '4.2.8' }, profileUpdate: { planId, isCancelled: true } });
    expect(await eventsNamed('site-b', 'profile-update-cancel-asked')).toHaveLength(1);
    agent.seen = {
      ...agent.seen,
      profileUpdate: { planId, phase: 'cancelled', startedAt: '2026-11-23T10:00:00.000Z', steps: [], retry: 0 },
    };
    await agent.polls();
    await runs(agent, '4.2.8');
    expect(await get('site-b')).toMatchObject({ updatesAvailable: true, availableProfileVersion: '4.2.8' });
    expect(await codesOf('site-b')).toEqual(['profile-update-waiting-for-confirmation']);
  });
});

describe("the publisher's recall", () => {
  test('comes with an import, is told, and nobody here can withdraw it', async () => {
    const agent = await runningExistingCluster(world, 'site-a');
    await upgrade('4.2.7');
    await runs(agent, '4.2.7');
    expect(await world.recall('4.2.7', 'Signed as bad.')).toMatchObject({ status: 200 });
    expect(await releaseOf(world, '4.2.7')).toMatchObject({
      recalled: { reason: 'Signed as bad.', by: 'publisher', isSigned: true, gatewaysTotal: 1 },
    });
    expect(await eventsNamed('site-a', 'release-recalled')).toHaveLength(1);
    await world.importAgain();
    expect(await eventsNamed('site-a', 'release-recalled')).toHaveLength(1);
    expect(await withdraw('4.2.7')).toMatchObject({ status: 409, body: { code: 'recall-signed' } });
    expect(await recall('4.2.7', { evenIfPaused: ['site-a'] })).toMatchObject({ status: 200 });
    expect((await releaseOf(world, '4.2.7')).recalled?.gateways).toMatchObject([{ isEvenIfPaused: true }]);
  });

  test('takes the place of an operator’s, which then cannot be withdrawn either', async () => {
    await recall('4.2.7');
    await world.recall('4.2.7', 'Signed as bad.');
    expect((await releaseOf(world, '4.2.7')).recalled).toMatchObject({ reason: 'Signed as bad.', isSigned: true });
    expect(await withdraw('4.2.7')).toMatchObject({ status: 409, body: { code: 'recall-signed' } });
  });

  test('comes back with the next import after the database was set back to before it', async () => {
    await world.recall('4.2.7', 'Signed as bad.');
    const { db } = world.plane.services;
    await asTask(() => db.schema.alterTable('recalls').renameTo('recalls_lost').execute());
    // What a database restored from before the recall holds: the table, and nothing of it.
    await asTask(() =>
      db.transaction().execute(async (tx) => {
        await tx.schema
          .createTable('recalls')
          .as(
            tx
              .selectFrom('recalls_lost' as 'recalls')
              .selectAll()
              .limit(0),
          )
          .execute();
        await tx.schema.createIndex('recalls_again').on('recalls').columns(['version', 'source']).unique().execute();
      }),
    );
    expect(await releaseOf(world, '4.2.7')).not.toHaveProperty('recalled');
    expect(await world.importAgain()).toMatchObject({ status: 200 });
    expect(await releaseOf(world, '4.2.7')).toMatchObject({ recalled: { isSigned: true } });
  });

  test('cannot be forgotten: not by a faulty program either', async () => {
    await world.recall('4.2.7', 'Signed as bad.');
    const { db } = world.plane.services;
    await expect(asTask(() => db.deleteFrom('recalls').execute())).rejects.toThrow(
      'the recall of 4.2.7 is signed and stays',
    );
    await expect(asTask(() => db.updateTable('recalls').set({ reason: 'fine' }).execute())).rejects.toThrow(
      'is signed and stays',
    );
  });
});

test('a platform does not begin with a recalled release', async () => {
  const empty = await createProvidedDatabase();
  const mirror = await startWorld({ databaseUrl: empty.url });
  try {
    await world.recall('4.2.7', 'Signed as bad.');
    const reply = await mirror.call('POST', '/v1/releases/import', { body: await world.published() });
    expect(reply).toMatchObject({ status: 200, body: { platformVersion: '4.1.12' } });
  } finally {
    await mirror.close();
    await empty.drop();
  }
});

test('a tenant sees of a recalled release its own gateways only', async () => {
  await world.call('POST', '/v1/tenants', { body: { name: 'acme' } });
  await runningExistingCluster(world, 'site-a');
  await recall('4.1.12');
  const made = await world.call('POST', '/v1/tokens', { body: { name: 'acme', role: 'Viewer', tenant: 'acme' } });
  const { token } = made.body as { token: string };
  const { items } = bodyAs(operatorRoutes.listReleases.reply, await world.call('GET', '/v1/releases', { token }));
  expect(items[0]?.recalled).toMatchObject({ gateways: [], gatewaysTotal: 0 });
  expect((await releaseOf(world, '4.1.12')).recalled).toMatchObject({ gatewaysTotal: 1 });
});
