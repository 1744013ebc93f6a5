/** The list of gateways and the overview, through their addresses: every page of every order, filters, states, counts. */

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Overview } from '@gatehouse/contract/fleet-types';
import { gatewaySorts } from '@gatehouse/contract/fleet-types';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import type { Gateway } from '@gatehouse/contract/operator-types';
import type { Problem } from '@gatehouse/contract/problem';
import { addMilliseconds, minutes } from '@gatehouse/domain/instant';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { assert, asyncProperty, constantFrom, integer, record } from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Connection, connectDatabase } from '../database/connection.ts';
import { done } from '../http/answer.ts';
import { createGateway, releaseOf, runningCli, runningExistingCluster, withProfileUpdate } from '../testing/fleet.ts';
import type { TestAgent } from '../testing/test-agent.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';
import { doWork } from '../work/work.ts';
import { lockDueSummaries, upsertSummaries } from './gateway-summary.store.ts';

let database: TestDatabase;
let world: World;
/** Besides the control plane's own: what is written through it is no work of the product. */
let beside: Connection;

type ListReply = ReturnType<typeof bodyAs<typeof operatorRoutes.listGateways.reply>>;

async function list(query = '', token?: string): Promise<ListReply> {
  const reply = await world.call('GET', `/v1/gateways?${query}`, token === undefined ? {} : { token });
  return bodyAs(operatorRoutes.listGateways.reply, reply);
}

async function overview(query = '', token?: string): Promise<Overview> {
  const reply = await world.call('GET', `/v1/overview?${query}`, token === undefined ? {} : { token });
  return bodyAs(operatorRoutes.getOverview.reply, reply);
}

/** All pages, one after another; `between` runs before each but the first. */
async function allPages(query: string, limit: number, between = async () => {}): Promise<readonly Gateway[]> {
  const items: Gateway[] = [];
  for (let cursor = ''; ; ) {
    const page = await list(`${query}&limit=${limit}${cursor}`);
    items.push(...page.items);
    if (page.next === undefined) return items;
    expect(page.items).toHaveLength(limit);
    cursor = `&cursor=${page.next}`;
    await between();
  }
}

const namesOf = (gateways: readonly { readonly name: string }[]) => gateways.map(({ name }) => name);

async function withWorld(start: () => Promise<void>): Promise<void> {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  beside = connectDatabase({ url: database.url, onIdleError: () => undefined });
  await world.release('4.1.12');
  await start();
}
async function endWorld(): Promise<void> {
  await beside?.close();
  await world?.close();
  await database?.drop();
}

/** What a list is found by, written as it is wanted and never due. */
interface Row {
  readonly id: string;
  readonly name: string;
  readonly provider: string;
  readonly installation: string;
  readonly status: string;
  readonly health: string;
  readonly agentVersion: string;
  readonly profileVersion: string;
  readonly lastPoll: string;
}

const orderOf = (version: string) =>
  version === ''
    ? ''
    : version
        .split('.')
        .map((part) => part.padStart(6, '0'))
        .join('.');

async function insertRow(row: Row): Promise<void> {
  const { db } = beside;
  const version = (text: string) => (text === '' ? null : text);
  await sql`insert into gateways (id, tenant_id, name, installation, provider, is_sandbox, control_planes, workers,
      install_key, created_at, announced_status, announced_health)
    select ${row.id}, t.id, ${row.name}, ${row.installation}, ${row.provider}, false, 1, 0, ${row.id}, now(), 'Pending', 'unknown'
    from tenants as t where t.name = 'default'`.execute(db);
  await sql`update gateway_summaries set status = ${row.status}, health = ${row.health},
      agent_version = ${version(row.agentVersion)}, agent_version_order = ${orderOf(row.agentVersion)},
      profile_version = ${version(row.profileVersion)}, profile_version_order = ${orderOf(row.profileVersion)},
      due_at = 'infinity' where gateway_id = ${row.id}`.execute(db);
  if (row.lastPoll !== '') {
    await sql`insert into gateway_polls (gateway_id, last_poll_at, next_poll_due_at)
      values (${row.id}, ${row.lastPoll}, ${row.lastPoll})`.execute(db);
  }
}

/** A small number that looks random and is the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function madeRows(count: number, seed: number): readonly Row[] {
  const next = numbers(seed);
  const of = <T>(...choices: readonly [T, ...T[]]): T => choices[next(choices.length)] ?? choices[0];
  return Array.from({ length: count }, (_none, index) => ({
    id: randomUUID(),
    name: `${of('rack', 'branch', 'r', 'rack-1')}-${next(1000)}-${index}`,
    provider: of('vsphere', 'maas', 'openstack'),
    installation: of('cli', 'existing-cluster'),
    status: of('Pending', 'Running', 'Updating', 'Error'),
    health: of('healthy', 'unhealthy', 'unknown'),
    agentVersion: of('', '4.1.9', '4.1.12', '4.10.0', '4.2.7'),
    profileVersion: of('', '4.1.12', '4.2.7', '10.0.0'),
    lastPoll: of('', '2026-11-23T10:00:00.000Z', '2026-11-23T10:00:00.001Z', '2026-11-20T00:00:00.000Z'),
  }));
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const sortValue = (row: Row, sort: keyof Row) => (sort.endsWith('Version') ? orderOf(row[sort]) : row[sort]);

function sorted(rows: readonly Row[], sort: string): readonly string[] {
  const by = sort.replace('-', '') as keyof Row;
  const inOrder = rows.toSorted(
    (a, b) => byText(sortValue(a, by), sortValue(b, by)) || byText(a.name, b.name) || byText(a.id, b.id),
  );
  return namesOf(sort.startsWith('-') ? inOrder.toReversed() : inOrder);
}

describe('pages of any size', () => {
  const rows = madeRows(60, 7);
  beforeAll(() =>
    withWorld(async () => {
      for (const row of rows) await insertRow(row);
    }),
  );
  afterAll(endWorld);

  const sorts = gatewaySorts.flatMap((sort) => [sort, `-${sort}`]);

  test.each(sorts)('one after another are the whole list, sorted by %s', async (sort) => {
    const whole = await list(`sort=${sort}&limit=500`);
    expect(namesOf(whole.items)).toEqual(sorted(rows, sort));
    expect(whole).toMatchObject({ total: rows.length });
    expect(whole).not.toHaveProperty('next');
    await assert(
      asyncProperty(integer({ min: 7, max: rows.length + 1 }), async (limit) => {
        expect(namesOf(await allPages(`sort=${sort}`, limit))).toEqual(sorted(rows, sort));
      }),
      { numRuns: 3, examples: [[rows.length], [rows.length - 1]] },
    );
  });

  test('are the filtered list, whatever is filtered', async () => {
    const filters = record(
      {
        provider: constantFrom('vsphere', 'maas', 'openstack', 'nowhere'),
        installation: constantFrom('cli', 'existing-cluster'),
        status: constantFrom('Running', 'Error', 'Deleting'),
        health: constantFrom('healthy', 'unhealthy', 'unknown'),
        agentVersion: constantFrom('4.1.9', '4.10.0', 'none'),
        profileVersion: constantFrom('10.0.0', 'none'),
        search: constantFrom('rack', 'RACK-1', '-9', '_', '%', 'r-'),
      },
      { requiredKeys: [] },
    );
    await assert(
      asyncProperty(filters, constantFrom(...sorts), integer({ min: 3, max: 20 }), async (filter, sort, limit) => {
        const { search, ...exact } = filter;
        const expected = rows.filter(
          (row) =>
            Object.entries(exact).every(([key, value]) => row[key as keyof Row] === (value === 'none' ? '' : value)) &&
            (search === undefined || row.name.includes(search.toLowerCase())),
        );
        const query = new URLSearchParams({ ...filter, sort }).toString();
        expect(namesOf(await allPages(query, limit))).toEqual(sorted(expected, sort));
        expect((await list(`${query}&limit=1`)).total).toBe(expected.length);
      }),
      { numRuns: 30 },
    );
  });

  test('show what stays as it is exactly once and in order, while other rows come, go and move', async () => {
    const { db } = beside;
    const stays = rows.filter((_row, index) => index % 3 !== 0);
    const moves = rows.filter((_row, index) => index % 3 === 0);
    const kept = new Set(namesOf(stays));
    const next = numbers(11);
    for (const sort of ['name', '-agentVersion', 'lastPoll'] as const) {
      const shown = await allPages(`sort=${sort}`, 7, async () => {
        for (const row of moves.filter(() => next(2) === 0)) {
          const versions = ['', '4.1.9', '4.10.0', '4.2.7'];
          const version = versions[next(versions.length)] ?? '';
          await sql`update gateway_summaries set status = ${next(2) === 0 ? 'Running' : 'Error'},
            agent_version = ${version === '' ? null : version}, agent_version_order = ${orderOf(version)}
            where gateway_id = ${row.id}`.execute(db);
          await sql`update gateway_polls set last_poll_at = now() - ${next(100_000)} * interval '1 minute'
            where gateway_id = ${row.id}`.execute(db);
          await sql`update gateways set deleted_at = case when deleted_at is null then now() end
            where id = ${row.id}`.execute(db);
        }
        await insertRow({ ...(madeRows(1, next(1_000_000))[0] as Row), name: `late-${randomUUID()}` });
      });
      const order = sorted(stays, sort);
      expect(namesOf(shown).filter((name) => kept.has(name))).toEqual(order);
    }
  });
});

describe('the states of gateways', () => {
  let owners: TestAgent;
  let ours: TestAgent;
  beforeAll(() =>
    withWorld(async () => {
      await createGateway(world, { name: 'not-yet' });
      owners = await runningExistingCluster(world, 'owners');
      ours = await runningCli(world, 'ours');
    }),
  );
  afterAll(endWorld);

  /** The names by state; that the overview counts what the lists hold, and each gateway says the same of itself. */
  async function standing(): Promise<Readonly<Record<string, readonly string[]>>> {
    const counts = await overview();
    const found: Record<string, readonly string[]> = {};
    for (const [key, count] of Object.entries(counts.gateways)) {
      if (key === 'total') continue;
      const state = key === 'waitingForConfirmation' ? 'waiting-for-confirmation' : key;
      const { items, total } = await list(`state=${state}`);
      expect([state, total, items.length]).toEqual([state, count, count]);
      for (const gateway of items) expect(gateway.states).toContain(state);
      if (count > 0) found[state] = namesOf(items);
    }
    for (const { code, count } of counts.heldBy) {
      const { items } = await list(`state=held&reason=${code}`);
      expect([code, items.length]).toEqual([code, count]);
      for (const { reasons } of items) expect(reasons.map((reason) => reason.code)).toContain(code);
    }
    for (const { version, count } of counts.agentVersions) {
      expect((await list(`agentVersion=${version ?? 'none'}`)).total).toBe(count);
    }
    for (const { version, count } of counts.profileVersions) {
      expect((await list(`profileVersion=${version ?? 'none'}`)).total).toBe(count);
    }
    for (const { provider, count } of counts.providers) {
      expect((await list(`provider=${provider}`)).total).toBe(count);
    }
    expect(counts.gateways.total).toBe((await list()).total);
    return found;
  }

  test('in order: what is done and what time brings is found at once', async () => {
    expect(await standing()).toEqual({ current: ['ours', 'owners'], held: ['not-yet'] });
    expect((await overview()).heldBy).toEqual([{ code: 'pending-enrolment', count: 1 }]);
    expect((await overview()).agentVersions).toEqual([{ version: '4.1.12', count: 2 }, { count: 1 }]);

    await world.call('POST', '/v1/pauses', { body: { scope: 'gateway', name: 'owners', reason: 'audit' } });
    expect(await standing()).toEqual({ current: ['ours', 'owners'], held: ['not-yet'], paused: ['owners'] });
    expect(namesOf((await list('paused=true')).items)).toEqual(['owners']);
    expect(namesOf((await list('paused=false')).items)).toEqual(['not-yet', 'ours']);

    await world.call('DELETE', '/v1/gateways/not-yet');
    expect(await standing()).toEqual({ current: ['ours', 'owners'], paused: ['owners'] });
    await world.release('4.2.7');
    await withProfileUpdate(world, ours);
    expect(await standing()).toEqual({ 'waiting-for-confirmation': ['ours'], paused: ['owners'] });
    expect(namesOf((await list('updatesAvailable=true')).items)).toEqual(['ours']);
    expect((await overview()).agentVersions).toEqual([
      { version: '4.2.7', count: 1 },
      { version: '4.1.12', count: 1 },
    ]);

    await world.call('DELETE', '/v1/pauses/gateway/owners');
    expect(await standing()).toEqual({ 'waiting-for-confirmation': ['ours'], updating: ['owners'] });
    await world.call('POST', '/v1/pauses', {
      body: {
        scope: 'tenant',
        name: 'default',
        reason: 'freeze',
        until: new Date(world.now() + minutes(10)).toISOString(),
      },
    });
    expect(await standing()).toEqual({ 'waiting-for-confirmation': ['ours'], paused: ['ours', 'owners'] });
    world.advance(minutes(11));
    expect(await standing()).toEqual({ 'waiting-for-confirmation': ['ours'], updating: ['owners'] });

    await owners.polls();
    world.advance(minutes(8));
    expect(await standing()).toEqual({
      'waiting-for-confirmation': ['ours'],
      updating: ['owners'],
      unhealthy: ['ours'],
    });
    // Less than an agent's session lasts.
    world.advance(minutes(20));
    expect(await standing()).toEqual({ 'waiting-for-confirmation': ['ours'], unhealthy: ['ours', 'owners'] });
    const { agentVersion, agentDigest } = await releaseOf(world, '4.2.7');
    owners.seen = { ...owners.seen, agent: { version: agentVersion, digest: agentDigest } };
    await owners.polls();
    expect(await standing()).toEqual({
      current: ['owners'],
      'waiting-for-confirmation': ['ours'],
      unhealthy: ['ours'],
    });
  });

  test('the list says how many host clusters were made through each gateway', async () => {
    for (const name of ['guest-1', 'guest-2']) {
      await world.call('POST', '/v1/host-clusters', { body: { name, namespace: 'guests', gateway: 'ours' } });
    }
    const { items } = await list();
    expect(items.map(({ name, hostClusters }) => [name, hostClusters])).toEqual([
      ['ours', 2],
      ['owners', 0],
    ]);
    expect((await world.call('GET', '/v1/gateways/ours')).body).toMatchObject({ hostClusters: 2 });
  });

  test('who sees a part of the gateways counts that part', async () => {
    await world.call('POST', '/v1/tenants', { body: { name: 'acme' } });
    await world.call('POST', '/v1/gateways?tenant=acme', {
      body: { name: 'theirs', installation: 'existing-cluster', provider: 'vsphere' },
    });
    const made = await world.call('POST', '/v1/tokens', { body: { name: 'viewer', role: 'Viewer', tenant: 'acme' } });
    const { token } = bodyAs(operatorRoutes.createToken.reply, made);
    expect(namesOf((await list('', token)).items)).toEqual(['theirs']);
    expect(await overview('', token)).toMatchObject({
      gateways: { total: 1, held: 1, current: 0 },
      heldBy: [{ code: 'pending-enrolment', count: 1 }],
      agentVersions: [{ count: 1 }],
    });
    expect((await overview('tenant=default')).gateways.total).toBe(2);
    expect((await overview()).gateways.total).toBe(3);
  });
});

describe('what does not fit', () => {
  beforeAll(() => withWorld(async () => {}));
  afterAll(endWorld);

  test.each([
    ['status=running', 'query.status'],
    ['health=well', 'query.health'],
    ['state=broken', 'query.state'],
    ['installation=helm', 'query.installation'],
    ['agentVersion=4.2', 'query.agentVersion'],
    ['agentVersion=latest', 'query.agentVersion'],
    ['updatesAvailable=yes', 'query.updatesAvailable'],
    ['paused=1', 'query.paused'],
    ['reason=No%20way', 'query.reason'],
    ['sort=age', 'query.sort'],
    ['sort=--name', 'query.sort'],
    ['limit=0', 'query.limit'],
    ['cursor=abc', 'query.cursor'],
    [`cursor=${Buffer.from(JSON.stringify(['name', 'a', 'a', 'no-id'])).toString('base64url')}`, 'query.cursor'],
    ['colour=red', 'query'],
  ])('%s is refused by its name', async (query, field) => {
    const reply = await world.call('GET', `/v1/gateways?${query}`);
    expect(reply).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    expect((reply.body as Problem).reasons[0]?.message).toContain(field);
  });

  test('a place in one order is no place in another', async () => {
    for (const name of ['a', 'b', 'c']) await createGateway(world, { name });
    const { next = '' } = await list('sort=-status&limit=1');
    expect(namesOf((await list(`sort=-status&limit=1&cursor=${next}`)).items)).toEqual(['b']);
    for (const sort of ['status', 'name', '-name']) {
      const reply = await world.call('GET', `/v1/gateways?sort=${sort}&cursor=${next}`);
      expect(reply).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
      expect((reply.body as Problem).detail).toContain('query.sort');
    }
  });
});

describe('summaries', () => {
  beforeAll(() =>
    withWorld(async () => {
      await runningExistingCluster(world, 'owners');
    }),
  );
  afterAll(endWorld);

  const due = async () => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from gateway_summaries
      where due_at <= ${new Date(world.now())}`.execute(beside.db);
    return rows[0]?.count;
  };
  const changeOf = (gatewayId: string) =>
    doWork({ db: beside.db, now: world.now(), requestId: 'test' }, async (work) => {
      work.changed({ kind: 'gateway', gatewayId });
      return done(undefined);
    });

  test('a change that comes while one is computed is not lost, nor one that a poll does not know of', async () => {
    const { db } = beside;
    const { items } = await list();
    const [gateway] = items;
    if (gateway === undefined) throw new Error('there is no gateway');
    await expect.poll(due).toBe(0);
    const summary = {
      gatewayId: gateway.id,
      status: 'Running',
      health: 'healthy',
      states: ['current'],
      reasonCodes: [],
      heldBy: [],
      updatesAvailable: false,
      isPaused: false,
      holdsHop: false,
      dueAt: addMilliseconds(world.now(), minutes(5)),
    } as const;
    await db.transaction().execute(async (tx) => {
      await sql`update gateway_summaries set due_at = '-infinity'`.execute(tx);
    });
    let changing: Promise<unknown> = Promise.resolve();
    await db.transaction().execute(async (tx) => {
      expect(await lockDueSummaries(tx, world.now(), 10)).toEqual([gateway.id]);
      changing = changeOf(gateway.id);
      // The change comes before this is over, and the facts behind this were loaded before the change.
      await Promise.race([changing, pause(500)]);
      await upsertSummaries(tx, [{ ...summary, isPaused: true }], { keepsMark: false });
    });
    await changing;
    // Whoever looks next finds it due, and computes what is true.
    expect((await list('paused=true')).items).toEqual([]);

    await db.transaction().execute(async (tx) => {
      await sql`update gateway_summaries set due_at = '-infinity'`.execute(tx);
      await upsertSummaries(tx, [{ ...summary, isPaused: true }], { keepsMark: true });
    });
    expect((await list('paused=true')).items).toEqual([]);
  });

  test('what concerns every gateway of a large fleet is computed soon, in parts', async () => {
    await sql`insert into gateways (id, tenant_id, name, installation, provider, is_sandbox, control_planes, workers,
        install_key, created_at, announced_status, announced_health)
      select gen_random_uuid(), t.id, 'rack-' || n, 'cli', 'maas', false, 1, 0, 'key-' || n, now(), 'Pending', 'unknown'
      from tenants as t, generate_series(1, 1100) as n where t.name = 'default'`.execute(beside.db);
    await sql`update gateway_summaries set status = 'Error', due_at = 'infinity'`.execute(beside.db);
    expect((await list('status=Error')).total).toBe(1101);
    await world.call('POST', '/v1/pauses', { body: { scope: 'tenant', name: 'default', reason: 'freeze' } });
    await expect.poll(async () => (await list('paused=true&limit=1')).total, { timeout: 30_000 }).toBe(1101);
    expect((await overview()).gateways).toMatchObject({ total: 1101, paused: 1101, held: 1100, current: 1 });
    expect((await list('status=Error')).total).toBe(0);
  });
});
