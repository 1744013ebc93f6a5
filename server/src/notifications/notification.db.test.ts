import type { Notification } from '@gatehouse/contract/notification-types';
import { operatorRoutes, type ReplyOf } from '@gatehouse/contract/operator-api';
import { hours, minutes } from '@gatehouse/domain/instant';
import { planWaitsLongAfter } from '@gatehouse/domain/notification';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { done, refuse } from '../http/answer.ts';
import { asTask } from '../testing/as-task.ts';
import { releaseOf, runningCli, withProfileUpdate } from '../testing/fleet.ts';
import type { TestAgent } from '../testing/test-agent.ts';
import { bodyAs, type Call, startWorld, type World } from '../testing/world.ts';
import { keepUp } from '../work/upkeep.task.ts';
import { doWork } from '../work/work.ts';

/** What the control plane does by a timer, at once. */
const look = () => asTask(() => keepUp(world.plane.services));

let database: TestDatabase;
let world: World;
let agent: TestAgent;

beforeEach(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await world.release('4.1.12');
  agent = await runningCli(world, 'site-b');
});
afterEach(async () => {
  await world?.close();
  await database?.drop();
});

async function list(query = '', call: Call = {}): Promise<ReplyOf<'listNotifications'>> {
  return bodyAs(operatorRoutes.listNotifications.reply, await world.call('GET', `/v1/notifications${query}`, call));
}
const kinds = async (query = '') => (await list(query)).items.map(({ kind }) => kind);
const only = async (query = ''): Promise<Notification> => {
  const { items } = await list(query);
  if (items.length !== 1 || items[0] === undefined) throw new Error(`not one notification: ${JSON.stringify(items)}`);
  return items[0];
};
const write = (verb: 'read' | 'acknowledge' | 'done', ids: readonly string[], call: Call = {}) =>
  world.call('POST', `/v1/notifications/${verb}`, { body: { ids }, ...call });

async function tokenFor(role: string, place: object = {}): Promise<string> {
  const body = { name: `t-${role.toLowerCase().replace(' ', '-')}-${JSON.stringify(place).length}`, role, ...place };
  return ((await world.call('POST', '/v1/tokens', { body })).body as { token: string }).token;
}

async function availableProfile(): Promise<string> {
  await world.release('4.2.7');
  return withProfileUpdate(world, agent);
}

describe('a plan that waits', () => {
  test('is told of once, with the event that says so, and is over when it is confirmed', async () => {
    const planId = await availableProfile();
    await agent.polls();
    await agent.polls();
    expect(await only()).toMatchObject({
      kind: 'plan-waits',
      severity: 'normal',
      subject: { kind: 'gateway', name: 'site-b' },
      tenant: { name: 'default' },
      message: 'site-b: Profile 4.2.7 is available',
      isUnread: true,
    });
    expect((await list()).unread).toBe(1);
    const confirmed = await world.call('POST', '/v1/gateways/site-b/profile-update/confirm', { body: { planId } });
    expect(confirmed.status).toBe(202);
    expect(await kinds()).toEqual([]);
    expect(await only('?state=closed')).toMatchObject({ kind: 'plan-waits', overAt: expect.any(String) as string });
    expect((await list()).unread).toBe(0);
  });

  test('is told of once more after three days, by whatever replica, however often it looks', async () => {
    await availableProfile();
    world.advance(planWaitsLongAfter - minutes(1));
    await look();
    // By then the platform's plan is held by it too, which is another matter.
    expect(await kinds('?subject=site-b')).toEqual(['plan-waits']);
    world.advance(minutes(1));
    await Promise.all([1, 2, 3, 4].map(look));
    await look();
    expect(await kinds('?subject=site-b')).toEqual(['plan-waits-long', 'plan-waits']);
  });
});

test('an agent version that was taken back, and one that failed, are told of; a retry by a person ends it', async () => {
  await availableProfile();
  const { agentVersion: version, agentDigest: digest } = await releaseOf(world, '4.2.7');
  agent.seen = {
    ...agent.seen,
    takenBack: [
      {
        release: { version, digest },
        reason: { code: 'exited', message: 'It exited' },
        at: '2026-11-23T10:00:00.000Z',
      },
    ],
  };
  await agent.polls();
  await agent.polls();
  expect(await only('?kind=update-taken-back')).toMatchObject({
    severity: 'warning',
    message: expect.stringContaining('It exited') as string,
    nextStep: expect.any(String) as string,
  });
  await world.call('POST', '/v1/gateways/site-b/agent-update/retry', { body: {} });
  expect(await kinds('?kind=update-taken-back')).toEqual([]);
});

describe('a pause about to end', () => {
  const pause = (scope: string, name: string, left: number) =>
    world.call('POST', '/v1/pauses', {
      body: { scope, name, reason: 'inventory', until: new Date(world.now() + left).toISOString() },
    });

  test('is told of once, at each scope, and is over with it', async () => {
    await world.call('POST', '/v1/projects', { body: { name: 'main' } });
    await pause('tenant', 'default', hours(2));
    await pause('project', 'main', hours(2));
    await pause('gateway', 'site-b', hours(2));
    world.advance(minutes(59));
    await look();
    expect(await kinds()).toEqual([]);
    world.advance(minutes(1));
    await look();
    await look();
    const told = (await list()).items;
    expect(told.map(({ subject }) => subject.kind).toSorted()).toEqual(['gateway', 'project', 'tenant']);
    expect(told.find(({ subject }) => subject.kind === 'project')).toMatchObject({ project: { name: 'main' } });
    await world.call('DELETE', '/v1/pauses/gateway/site-b');
    world.advance(hours(1));
    await look();
    await look();
    expect(await kinds()).toEqual([]);
    expect(await kinds('?state=all')).toHaveLength(3);
  });

  test('without an end is not', async () => {
    await world.call('POST', '/v1/pauses', { body: { scope: 'tenant', name: 'default', reason: 'for good' } });
    world.advance(hours(1000));
    await look();
    expect(await kinds()).toEqual([]);
  });
});

test('a hop that gateways hold is told of after an hour, to whoever sees the platform, and is over with the plan', async () => {
  await world.release('4.2.7');
  await world.call('POST', '/v1/pauses', { body: { scope: 'gateway', name: 'site-b', reason: 'not now' } });
  await world.call('POST', '/v1/platform/upgrade', { body: { to: '4.2.7' } });
  world.advance(minutes(61));
  await expect.poll(() => kinds('?kind=hop-held'), { timeout: 20_000 }).toEqual(['hop-held']);
  expect(await only('?kind=hop-held')).toMatchObject({
    subject: { kind: 'platform' },
    message: expect.stringContaining('site-b') as string,
  });
  const tenantAdmin = await tokenFor('Tenant Admin', { tenant: 'default' });
  expect((await list('?kind=hop-held', { token: tenantAdmin })).items).toEqual([]);
  await world.call('POST', '/v1/platform/cancel', { body: {} });
  expect(await kinds('?kind=hop-held')).toEqual([]);
});

test('what is undone was never told; what a transaction tells is there with it', async () => {
  const { db, now } = world.plane.services;
  const gateway = { id: agent.gatewayId, name: 'site-b', tenantId: (await availableTenant()).id };
  const event = { type: 'profile-update-stopped', message: 'The drain failed', severity: 'warning' } as const;
  const work = (isRefused: boolean) =>
    asTask(() =>
      doWork({ db, now: now(), requestId: 'test' }, async (each) => {
        each.event(gateway, event);
        return Promise.resolve(isRefused ? refuse('not-found', 'no') : done(undefined));
      }),
    );
  await work(true);
  expect(await kinds()).toEqual([]);
  await work(false);
  // Of what one gateway is told in a row, the newest is open.
  await work(false);
  expect(await kinds()).toEqual(['update-failed']);
  expect(await kinds('?state=all')).toEqual(['update-failed', 'update-failed']);
});

async function availableTenant() {
  const { items } = bodyAs(operatorRoutes.listTenants.reply, await world.call('GET', '/v1/tenants'));
  const [tenant] = items;
  if (tenant === undefined) throw new Error('there is no tenant');
  return tenant;
}

describe('read, acknowledged, done', () => {
  test('reading is of each person; acknowledging and done are for all, by whoever came first', async () => {
    await availableProfile();
    const { id } = await only();
    const operator = await tokenFor('Operator');
    const viewer = await tokenFor('Viewer');
    expect((await write('read', [id], { token: viewer })).status).toBe(204);
    expect((await list('', { token: viewer })).unread).toBe(0);
    expect((await list('', { token: operator })).unread).toBe(1);
    expect((await list('?unread=true', { token: viewer })).items).toEqual([]);
    expect((await list('?unread=false', { token: viewer })).items).toHaveLength(1);
    expect(await write('acknowledge', [id], { token: viewer })).toMatchObject({ status: 403 });
    expect((await write('acknowledge', [id], { token: operator })).status).toBe(204);
    expect((await write('acknowledge', [id])).status).toBe(204);
    expect(await only()).toMatchObject({ acknowledged: { by: expect.stringMatching(/^t-operator/) as string } });
    expect((await list('', { token: operator })).unread).toBe(0);
    expect((await write('done', [id])).status).toBe(204);
    expect(await kinds()).toEqual([]);
    expect(await only('?state=closed')).toMatchObject({ done: { by: 'admin' } });
    const { items } = bodyAs(operatorRoutes.listAudit.reply, await world.call('GET', '/v1/audit?action=notification.'));
    expect(items.map(({ action }) => action)).toEqual(['notification.done', 'notification.acknowledge']);
  });

  test('one that is not there, or is foreign, refuses the whole', async () => {
    await availableProfile();
    const { id } = await only();
    await world.call('POST', '/v1/tenants', { body: { name: 'acme' } });
    const foreign = await tokenFor('Tenant Admin', { tenant: 'acme' });
    for (const verb of ['read', 'acknowledge', 'done'] as const) {
      expect(await write(verb, [id], { token: foreign })).toMatchObject({ status: 404, body: { code: 'not-found' } });
      const missing = '00000000-0000-4000-8000-000000000000';
      expect(await write(verb, [id, missing])).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
    expect(await only()).toMatchObject({ isUnread: true });
  });

  test('page by page, each once, newest first', async () => {
    const { db, now } = world.plane.services;
    const tenantId = (await availableTenant()).id;
    await asTask(() =>
      doWork({ db, now: now(), requestId: 'test' }, async (work) => {
        for (let index = 0; index < 7; index += 1) {
          const id = `00000000-0000-4000-8000-00000000000${index}`;
          const kind = 'hop-held';
          const subject = { kind: 'platform', id, name: `n-${index}` } as const;
          work.tell(
            { kind, severity: 'normal', subject, message: `number ${index}`, topic: `t-${index}` },
            { tenantId },
          );
        }
        return Promise.resolve(done(undefined));
      }),
    );
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await list(`?limit=3${cursor}`);
      seen.push(...page.items.map(({ message }) => message));
      expect(page.unread).toBe(7);
      cursor = page.next === undefined ? '' : `&cursor=${page.next}`;
    } while (cursor !== '');
    expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map((index) => `number ${index}`));
    expect((await list('?subject=n-3')).items.map(({ message }) => message)).toEqual(['number 3']);
  });
});

test('whoever follows events hears of notifications too, of those in their scope, new and changed', async () => {
  const { url } = await world.plane.listen({ host: '127.0.0.1', port: 0 });
  await world.call('POST', '/v1/tenants', { body: { name: 'acme' } });
  const foreign = await tokenFor('Viewer', { tenant: 'acme' });
  const address = `${url.replace('localhost', '127.0.0.1')}/v1/events?notifications=true`;
  const ending = new AbortController();
  const follow = async (token: string) => {
    const said: { text: string } = { text: '' };
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
    const reply = await fetch(address, { headers, signal: ending.signal });
    const utf8 = new TextDecoder();
    void (async () => {
      try {
        const bytes: AsyncIterable<Uint8Array> | null = reply.body;
        for await (const chunk of bytes ?? []) said.text += utf8.decode(chunk, { stream: true });
      } catch {
        // The end of the test.
      }
    })();
    return said;
  };
  const own = await follow(world.adminToken);
  const others = await follow(foreign);
  const heard = () =>
    [...own.text.matchAll(/^event: notification\ndata: (.*)$/gm)].map(
      ([, data]) => JSON.parse(data ?? '') as Notification,
    );
  await availableProfile();
  await expect.poll(() => heard().map(({ kind }) => kind), { timeout: 10_000 }).toEqual(['plan-waits']);
  await write('acknowledge', [heard()[0]?.id ?? '']);
  await expect.poll(() => heard()[1]?.acknowledged?.by, { timeout: 10_000 }).toBe('admin');
  expect(own.text).not.toMatch(/event: notification\nid:|^id:.*\nevent: notification/m);
  expect(others.text).not.toContain('notification');
  ending.abort();
});
