/** Plans of several hops on a real database: what starts one, what holds each hop, what ends it. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { UpgradePlan } from '@gatehouse/contract/platform-types';
import type { Problem } from '@gatehouse/contract/problem';
import { minutes } from '@gatehouse/domain/instant';
import { productionTimings, type Timings } from '@gatehouse/domain/timings';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asTask } from '../testing/as-task.ts';
import { createGateway, runningCli, runningExistingCluster } from '../testing/fleet.ts';
import { actionsOf, platformOf, releaseAhead, releasesAhead, takesUp, upgradeTo } from '../testing/platform-path.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';

// Shorter than an agent's session, which has to outlive several hops here.
const settle = minutes(10);
const timings: Timings = { ...productionTimings, platform: { settle } };

let database: TestDatabase;
let world: World;

beforeEach(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url, timings });
});
afterEach(async () => {
  await world?.close();
  await database?.drop();
});

const plan = async (to: string, more = '') =>
  bodyAs(UpgradePlan, await world.call('GET', `/v1/platform/plan?to=${to}${more}`));
const reasonsOf = ({ body }: { readonly body: unknown }) => (body as Problem).reasons.map(({ code }) => code);
const versionIs = (version: string) =>
  expect.poll(async () => (await platformOf(world)).version, { timeout: 15_000 }).toBe(version);
const isDone = () => expect.poll(async () => (await platformOf(world)).plan?.state, { timeout: 15_000 }).toBe('done');

describe('a plan that is asked for', () => {
  test('has its hops, by what each is supported, and what each brings', async () => {
    await releasesAhead(world, '4.3.0');
    const asked = await plan('4.3.0');
    expect(asked).toMatchObject({ from: '4.1.12', to: '4.3.0', isPossible: true, reasons: [], heldBy: [] });
    expect(asked.hops.map(({ from, to, basis }) => [from, to, basis])).toEqual([
      ['4.1.12', '4.2.7', 'edge'],
      ['4.2.7', '4.3.0', 'rule-of-thumb'],
    ]);
    const [first, second] = asked.hops;
    expect(first?.agent).toEqual({ from: '4.1.12', to: '4.2.7' });
    expect(first?.providers).toContainEqual({
      provider: 'vsphere',
      profile: 'changed',
      kubernetes: { from: '1.26.8', to: '1.27.11' },
    });
    expect(second?.providers).toContainEqual({
      provider: 'vsphere',
      profile: 'unchanged',
      kubernetes: { from: '1.27.11', to: '1.27.11' },
    });
  });

  test('changes nothing, names who would hold it, and may begin elsewhere', async () => {
    await releasesAhead(world, '4.3.0');
    await createGateway(world, { name: 'not-yet' });
    const asked = await plan('4.3.0');
    expect(asked.heldBy?.map(({ code }) => code)).toEqual(['gateway-not-current']);
    expect(asked.heldBy?.[0]?.message).toContain('not-yet');
    const elsewhere = await plan('4.3.0', '&from=4.2.7');
    expect(elsewhere.hops).toHaveLength(1);
    expect(elsewhere).not.toHaveProperty('heldBy');
    expect(await platformOf(world)).toMatchObject({ version: '4.1.12' });
    expect(await platformOf(world)).not.toHaveProperty('plan');
    expect(await actionsOf(world)).toEqual([]);
  });

  test('is none where the way ends, with the place and the reason', async () => {
    await releasesAhead(world);
    await releaseAhead(world, '5.1.0', { upgradeFrom: ['5.0.9'] });
    expect(await plan('5.1.0')).toMatchObject({ isPossible: false, hops: [], nearest: '4.2.7', deadEnd: '4.2.7' });
    expect((await plan('5.1.0')).reasons.map(({ code }) => code)).toContain('release-missing');
    expect((await plan('4.1.12', '&from=4.2.7')).reasons.map(({ code }) => code)).toEqual(['downgrade']);
    expect(await world.call('GET', '/v1/platform/plan?to=9.9.9')).toMatchObject({
      status: 404,
      body: { code: 'release-unknown' },
    });
    expect(await world.call('GET', '/v1/platform/plan?to=new')).toMatchObject({ status: 400 });
    expect(await plan('4.1.12')).toMatchObject({ isPossible: true, hops: [] });
  });
});

describe('a plan that was started', () => {
  test('takes a hop, waits for each gateway by name, lets it settle, goes on by itself and is done once', async () => {
    await releasesAhead(world, '4.3.0');
    const agents = [await runningExistingCluster(world, 'site-a'), await runningExistingCluster(world, 'site-b')];
    expect(await upgradeTo(world, '4.3.0')).toMatchObject({
      status: 202,
      body: { version: '4.2.7', plan: { state: 'held', nextHop: 2, startedBy: 'admin' } },
    });
    const [first, second] = agents;
    if (first === undefined || second === undefined) throw new Error('two agents were started');
    await takesUp(world, first, '4.2.7');
    const waiting = await platformOf(world);
    expect(waiting.plan?.reasons.map(({ code }) => code)).toEqual(['gateway-settling', 'gateway-not-current']);
    expect(waiting.plan).not.toHaveProperty('opensAt');
    expect(waiting.gates.map(({ gateway, state }) => [gateway, state])).toEqual([
      ['site-a', 'closed'],
      ['site-b', 'closed'],
    ]);
    await takesUp(world, second, '4.2.7');
    const settling = await platformOf(world);
    expect(settling.plan?.reasons.map(({ code }) => code)).toEqual(['gateway-settling', 'gateway-settling']);
    expect(settling.plan?.opensAt).toBe(new Date(world.now() + settle).toISOString());

    world.advance(settle - 1);
    for (const agent of agents) await agent.polls();
    expect(await platformOf(world)).toMatchObject({ version: '4.2.7', plan: { state: 'held' } });
    world.advance(1);
    await versionIs('4.3.0');
    for (const agent of agents) await takesUp(world, agent, '4.3.0');
    expect((await platformOf(world)).plan).toMatchObject({ state: 'held', reasons: [{}, {}] });
    world.advance(settle);
    for (const agent of agents) await agent.polls();
    await isDone();
    expect((await actionsOf(world)).toReversed()).toEqual([
      'platform.upgrade',
      'platform.hop',
      'platform.hop',
      'platform.plan-done',
    ]);
    const { plan: ended } = await platformOf(world);
    expect(ended?.hops.map(({ number, takenAt }) => [number, takenAt !== undefined])).toEqual([
      [1, true],
      [2, true],
    ]);
  });

  test('waits from the start where it was told that it may, and else is not started', async () => {
    await releasesAhead(world);
    const { gateway } = await createGateway(world, { name: 'not-yet' });
    const refused = await upgradeTo(world, '4.2.7');
    expect(refused).toMatchObject({ status: 409, body: { code: 'upgrade-refused' } });
    expect(await platformOf(world)).not.toHaveProperty('plan');
    expect(await upgradeTo(world, '4.2.7', { wait: true })).toMatchObject({
      status: 202,
      body: { version: '4.1.12', plan: { state: 'held', nextHop: 1, reasons: [{ code: 'gateway-not-current' }] } },
    });
    // It is under way now, so who asks again learns what holds it.
    const again = await upgradeTo(world, '4.2.7');
    expect(again).toMatchObject({ status: 409 });
    expect((again.body as Problem).detail).toContain('goes on by itself');
    await world.call('DELETE', `/v1/gateways/${gateway.id}`);
    await versionIs('4.2.7');
    await isDone();
    expect((await actionsOf(world)).filter((action) => action === 'platform.upgrade')).toHaveLength(1);
  });

  test('needs nobody when only time holds it', async () => {
    await releasesAhead(world, '4.3.0');
    const agent = await runningExistingCluster(world);
    await upgradeTo(world, '4.2.7');
    await takesUp(world, agent, '4.2.7');
    const reply = await upgradeTo(world, '4.3.0');
    expect(reply).toMatchObject({ status: 202, body: { version: '4.2.7', plan: { to: '4.3.0', state: 'held' } } });
    world.advance(settle);
    await agent.polls();
    await versionIs('4.3.0');
  });

  test('waits for the profile too, where the gateway is ours', async () => {
    await releasesAhead(world, '4.3.0');
    const agent = await runningCli(world, 'ours');
    await upgradeTo(world, '4.3.0');
    await takesUp(world, agent, '4.2.7');
    world.advance(minutes(40));
    await agent.polls();
    const { plan: held, version } = await platformOf(world);
    expect(version).toBe('4.2.7');
    expect(held?.reasons[0]?.message).toContain('waits for a person to confirm it');
    const profile = (await world.call('GET', '/v1/gateways/ours/profile-update')).body as {
      to: { version: string; digest: string };
    };
    agent.seen = { ...agent.seen, appliedProfile: profile.to };
    await agent.polls();
    await versionIs('4.3.0');
  });

  test('is not held by a pause as such, but by what the pause keeps back', async () => {
    await releasesAhead(world, '4.3.0');
    const agent = await runningExistingCluster(world);
    await world.call('POST', '/v1/pauses', { body: { scope: 'gateway', name: 'site-a', reason: 'stocktaking' } });
    expect(await upgradeTo(world, '4.3.0')).toMatchObject({ status: 202, body: { version: '4.2.7' } });
    await agent.polls();
    const { plan: held } = await platformOf(world);
    expect(held?.reasons[0]?.message).toMatch(/site-a.*paused.*stocktaking/);
    await world.call('DELETE', '/v1/pauses/gateway/site-a');
    await takesUp(world, agent, '4.2.7');
    world.advance(settle);
    await agent.polls();
    await versionIs('4.3.0');
  });

  test('waits for a gateway that is silent, although it is current', async () => {
    await releasesAhead(world);
    const agent = await runningExistingCluster(world);
    const health = async () => ((await world.call('GET', '/v1/gateways/site-a')).body as Gateway).health;
    // When a gateway polled is written in batches.
    await expect.poll(health, { timeout: 15_000 }).toBe('healthy');
    world.advance(minutes(40));
    expect(reasonsOf(await upgradeTo(world, '4.2.7'))).toEqual(['gateway-unhealthy']);
    await agent.polls();
    await expect.poll(health, { timeout: 15_000 }).toBe('healthy');
    expect(await upgradeTo(world, '4.2.7')).toMatchObject({ status: 202, body: { version: '4.2.7' } });
  });

  test('keeps its edges when a newer patch appears', async () => {
    await releasesAhead(world, '4.3.0');
    const agent = await runningExistingCluster(world);
    await upgradeTo(world, '4.3.0');
    await releaseAhead(world, '4.2.9');
    expect((await plan('4.3.0')).hops.map(({ to }) => to)).toEqual(['4.2.9', '4.3.0']);
    await takesUp(world, agent, '4.2.7');
    world.advance(settle);
    await agent.polls();
    await versionIs('4.3.0');
  });

  test('is cancelled before its next hop; before that nothing else may be started', async () => {
    await releasesAhead(world, '4.3.0');
    expect(await world.call('POST', '/v1/platform/cancel', { body: {} })).toMatchObject({
      status: 409,
      body: { code: 'no-platform-plan' },
    });
    const agent = await runningExistingCluster(world);
    await upgradeTo(world, '4.3.0');
    await releaseAhead(world, '4.2.8');
    expect(reasonsOf(await upgradeTo(world, '4.2.8'))).toEqual(['other-plan-under-way']);
    expect(await world.call('POST', '/v1/platform/cancel', { body: {} })).toMatchObject({
      status: 200,
      body: { version: '4.2.7', plan: { state: 'cancelled', endedBy: 'admin' } },
    });
    await takesUp(world, agent, '4.2.7');
    world.advance(settle);
    await agent.polls();
    expect(await upgradeTo(world, '4.2.8')).toMatchObject({ status: 202, body: { version: '4.2.8' } });
    expect((await actionsOf(world)).toReversed()).toEqual([
      'platform.upgrade',
      'platform.hop',
      'platform.cancel',
      'platform.upgrade',
      'platform.hop',
    ]);
  });

  test('gives way to the next one when it only waits for its end', async () => {
    await releasesAhead(world, '4.3.0');
    const agent = await runningExistingCluster(world);
    await upgradeTo(world, '4.2.7');
    expect(reasonsOf(await upgradeTo(world, '4.3.0'))).toEqual(['gateway-not-current']);
    expect(await platformOf(world)).toMatchObject({ plan: { to: '4.2.7', state: 'held' } });
    await takesUp(world, agent, '4.2.7');
    await upgradeTo(world, '4.3.0');
    expect(await platformOf(world)).toMatchObject({ plan: { from: '4.2.7', to: '4.3.0', state: 'held' } });
  });

  test('is held by a recall ahead of it, and planned anew when a person asks', async () => {
    await releasesAhead(world, '4.3.0', '4.4.0');
    const agent = await runningExistingCluster(world);
    await upgradeTo(world, '4.4.0');
    await world.recall('4.3.0', 'It loses polls.');
    await takesUp(world, agent, '4.2.7');
    world.advance(settle);
    await agent.polls();
    const holds = async () => (await platformOf(world)).plan?.reasons.map(({ code }) => code);
    await expect.poll(holds, { timeout: 15_000 }).toEqual(['release-recalled']);
    expect(reasonsOf(await upgradeTo(world, '4.4.0'))).not.toHaveLength(0);
    await releaseAhead(world, '4.3.1');
    const replanned = await upgradeTo(world, '4.4.0');
    expect(replanned).toMatchObject({ status: 202, body: { version: '4.3.1' } });
    expect(await actionsOf(world)).toContain('platform.replan');
  });
});

describe('a risk', () => {
  const risk = {
    name: 'slow-etcd',
    message: 'etcd may be slow.',
    url: 'https://example.com/slow-etcd',
    appliesTo: [{ provider: ['vsphere'] }],
  };

  test('that applies is not taken unless it is accepted by name, which is audited', async () => {
    await releasesAhead(world);
    await releaseAhead(world, '4.2.8', { risks: [risk], upgradeFrom: ['4.1.12'] });
    await runningExistingCluster(world);
    const refused = await upgradeTo(world, '4.2.8');
    expect(reasonsOf(refused)).toEqual(['risk-applies']);
    expect(JSON.stringify(refused.body)).toContain('site-a');
    expect(reasonsOf(await upgradeTo(world, '4.2.8', { acceptRisks: ['another'] }))).toEqual(['risk-applies']);
    expect((await plan('4.2.8', '&acceptRisks=slow-etcd,another')).hops[0]?.risks).toMatchObject([
      { name: 'slow-etcd', verdict: 'applies', isAccepted: true, gateways: ['site-a'] },
    ]);
    expect(await upgradeTo(world, '4.2.8', { acceptRisks: ['slow-etcd'] })).toMatchObject({
      status: 202,
      body: { version: '4.2.8', plan: { acceptedRisks: [{ name: 'slow-etcd', by: 'admin' }] } },
    });
    const { body } = await world.call('GET', '/v1/audit?action=platform.upgrade');
    expect(JSON.stringify(body)).toContain('Accepted risks: slow-etcd');
  });

  test('that cannot be judged counts as applying; that applies to nobody is none', async () => {
    await releasesAhead(world);
    const ofSome = { ...risk, appliesTo: [{ kubernetes: { max: '1.25.99' } }] };
    await releaseAhead(world, '4.2.8', { risks: [ofSome], upgradeFrom: ['4.1.12'] });
    const { gateway } = await createGateway(world, { name: 'unseen' });
    expect((await plan('4.2.8')).reasons.map(({ code }) => code)).toEqual(['risk-not-judged']);
    await world.call('DELETE', `/v1/gateways/${gateway.id}`);
    await runningExistingCluster(world);
    expect(await upgradeTo(world, '4.2.8')).toMatchObject({ status: 202, body: { version: '4.2.8' } });
  });

  test('that begins to apply on the way holds the hop until it is accepted', async () => {
    await releasesAhead(world);
    const ofMany = { ...risk, appliesTo: [{ installation: ['cli' as const] }] };
    await releaseAhead(world, '4.3.0', { risks: [ofMany] });
    const agent = await runningExistingCluster(world);
    await upgradeTo(world, '4.3.0');
    await takesUp(world, agent, '4.2.7');
    const late = await createGateway(world, { name: 'late', installation: 'cli', controlPlanes: 1 });
    world.advance(settle);
    await agent.polls();
    const { plan: held } = await platformOf(world);
    expect(held?.reasons.map(({ code }) => code)).toEqual(['risk-applies', 'gateway-not-current']);
    expect(await upgradeTo(world, '4.3.0', { acceptRisks: ['slow-etcd'] })).toMatchObject({
      status: 202,
      body: { version: '4.2.7', plan: { reasons: [{ code: 'gateway-not-current' }] } },
    });
    expect(await actionsOf(world)).toContain('platform.accept-risk');
    await world.call('PUT', `/v1/gateways/${late.gateway.id}/waiver`, { body: { reason: 'not installed yet' } });
    await versionIs('4.3.0');
  });
});

describe('several at once', () => {
  test('two replicas and many requests take each hop once', async () => {
    await releasesAhead(world, '4.3.0', '4.4.0', '4.5.0');
    const other = await startWorld({ databaseUrl: database.url });
    try {
      const { gateway } = await createGateway(world, { name: 'not-yet' });
      await upgradeTo(world, '4.5.0', { wait: true });
      const ask = (through: World) =>
        through.call('POST', '/v1/platform/upgrade', { token: world.adminToken, body: { to: '4.5.0', wait: true } });
      await world.call('DELETE', `/v1/gateways/${gateway.id}`);
      const replies = await Promise.all([world, other, world, other].map(ask));
      for (const { status } of replies) expect([202, 409]).toContain(status);
      await isDone();
      expect((await actionsOf(world)).filter((action) => action === 'platform.hop')).toHaveLength(4);
      expect((await actionsOf(world)).filter((action) => action === 'platform.plan-done')).toHaveLength(1);
    } finally {
      await other.close();
    }
  });

  test('the same key twice is one plan and one answer', async () => {
    await releasesAhead(world);
    const call = { headers: { 'idempotency-key': 'once' }, body: { to: '4.2.7' } };
    const first = await world.call('POST', '/v1/platform/upgrade', call);
    expect(first).toMatchObject({ status: 202, body: { version: '4.2.7' } });
    expect(await world.call('POST', '/v1/platform/upgrade', call)).toMatchObject({ status: 202, body: first.body });
    expect((await actionsOf(world)).filter((action) => action === 'platform.upgrade')).toHaveLength(1);
  });

  test('a plan goes on after the control plane was away', async () => {
    await releasesAhead(world);
    const { gateway } = await createGateway(world, { name: 'not-yet' });
    await upgradeTo(world, '4.2.7', { wait: true });
    const { adminToken } = world;
    const { db } = world.plane.services;
    await asTask(() =>
      db.updateTable('gateways').set({ deletion_requested_at: new Date() }).where('id', '=', gateway.id).execute(),
    );
    await world.close();
    world = await startWorld({ databaseUrl: database.url });
    await expect.poll(async () => (await platformOf(world, adminToken)).plan?.state, { timeout: 15_000 }).toBe('done');
    expect(await platformOf(world, adminToken)).toMatchObject({ version: '4.2.7' });
  });
});

describe('what the database itself refuses', () => {
  test('a platform that goes back, a plan with other hops, a plan that lives again, a version come to twice', async () => {
    await releasesAhead(world, '4.3.0');
    await upgradeTo(world, '4.2.7');
    await createGateway(world, { name: 'not-yet' });
    const { db } = world.plane.services;
    const refused = async (words: string, statement: ReturnType<typeof sql>) => {
      await expect(asTask(() => statement.execute(db))).rejects.toThrow(words);
    };
    await refused('never goes back', sql`update platform set version = '4.1.99'`);
    await refused('never goes back', sql`update platform set version = null`);
    await refused('has ended', sql`update platform_plans set hops = '[]'`);
    await refused('has ended', sql`update platform_plans set ended_at = null, outcome = null`);
    await refused(
      'platform_hops_pkey',

      sql`insert into platform_hops select to_version, from_version, plan_id, 2, taken_at from platform_hops`,
    );
    await upgradeTo(world, '4.3.0', { wait: true });
    await refused('keeps its edges', sql`update platform_plans set hops = '[]' where ended_at is null`);
    // Compared as numbers: 4.10 comes after 4.9.
    await asTask(() => sql`update platform set version = '4.9.0'`.execute(db));
    await asTask(() => sql`update platform set version = '4.10.0'`.execute(db));
  });
});

describe('a channel', () => {
  test('offers its own releases and no others, and is refused when no release is in it', async () => {
    await releasesAhead(world);
    await releaseAhead(world, '4.3.0', { channels: ['candidate'] });
    expect(await platformOf(world)).not.toHaveProperty('channel');
    const set = (channel: string) => world.call('PUT', '/v1/platform/channel', { body: { channel } });
    expect(await set('nightly')).toMatchObject({ status: 404, body: { code: 'not-found' } });
    expect(await set('stable')).toMatchObject({ status: 200, body: { channel: 'stable', reachable: ['4.2.7'] } });
    expect((await plan('4.3.0')).reasons.map(({ code }) => code)).toEqual(['not-in-channel']);
    expect((await plan('4.3.0', '&channel=candidate')).isPossible).toBe(true);
    expect(reasonsOf(await upgradeTo(world, '4.3.0'))).toContain('not-in-channel');
    expect(await world.call('DELETE', '/v1/platform/channel')).toMatchObject({ status: 200 });
    expect(await platformOf(world)).not.toHaveProperty('channel');
    expect((await actionsOf(world)).filter((action) => action === 'platform.channel')).toHaveLength(2);
  });
});
