import { createClient } from '@gatehouse/contract/client';
import type { GatewayEvent } from '@gatehouse/contract/operator-types';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createGateway } from '../testing/fleet.ts';
import { startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;
let url: string;
const open: AbortController[] = [];

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await world.release('4.1.12');
  ({ url } = await world.plane.listen({ host: '127.0.0.1', port: 0 }));
  url = url.replace('localhost', '127.0.0.1');
});
afterEach(() => {
  for (const controller of open.splice(0)) controller.abort();
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

const decoder = () => {
  const utf8 = new TextDecoder();
  return (bytes: Uint8Array) => utf8.decode(bytes, { stream: true });
};

interface Followed {
  readonly events: GatewayEvent[];
  readonly ended: Promise<void>;
  stop(): void;
}

function follow(call: { gateway?: string; after: number }, token = world.adminToken): Followed {
  const client = createClient({
    server: url,
    token,
    fetch: (address, options) => fetch(address, options),
    decoder,
  });
  const controller = new AbortController();
  open.push(controller);
  const events: GatewayEvent[] = [];
  const ended = (async () => {
    try {
      for await (const event of client.followEvents(call, { signal: controller.signal })) events.push(event);
    } catch (error) {
      if (!controller.signal.aborted) throw error;
    }
  })();
  ended.catch(() => undefined); // Looked at by the test that waits for it.
  return { events, ended, stop: () => controller.abort() };
}

test('what was, then what comes, each once and in order, for all who follow', async () => {
  await createGateway(world, { name: 'before' });
  const first = follow({ after: 0 });
  const second = follow({ after: 0 });
  await expect.poll(() => first.events.length).toBeGreaterThan(0);
  for (let index = 0; index < 5; index += 1) await createGateway(world, { name: `live-${index}` });
  await expect.poll(() => first.events.filter(({ gateway }) => gateway.name.startsWith('live-')).length).toBe(5);
  await expect.poll(() => second.events).toEqual(first.events);
  const sequences = first.events.map(({ sequence }) => sequence);
  expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b));
  expect(first.events[0]).toMatchObject({ type: 'gateway-created', gateway: { name: 'before' } });
});

test('who was cut off resumes after the last one seen, by Last-Event-ID or by `after`, without a gap or a repeat', async () => {
  await createGateway(world, { name: 'resumed' });
  const before = follow({ gateway: 'resumed', after: 0 });
  await expect.poll(() => before.events.length).toBe(1);
  before.stop();
  const last = before.events[0]?.sequence ?? 0;
  const pause = (reason: string) =>
    world.call('POST', '/v1/pauses', { body: { scope: 'gateway', name: 'resumed', reason } });
  await pause('one');
  await pause('two');
  const after = follow({ gateway: 'resumed', after: last });
  await expect.poll(() => after.events.map(({ message }) => message.split(': ')[1])).toEqual(['one', 'two']);
  const reply = await fetch(`${url}/v1/gateways/resumed/events`, {
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${world.adminToken}`,
      'last-event-id': String(last),
    },
  });
  expect(reply.headers.get('content-type')).toMatch(/^text\/event-stream/);
  expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'");
  const reader = reply.body?.getReader();
  let text = '';
  while (!text.includes('two')) {
    const chunk: { value?: Uint8Array } | undefined = await reader?.read();
    text += new TextDecoder().decode(chunk?.value);
  }
  await reader?.cancel();
  expect([...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(
    after.events.map(({ sequence }) => sequence),
  );
});

test('many writers at once: a follower misses none, and sees them in the order of their sequences', async () => {
  const followed = follow({ after: 0 });
  const names = Array.from({ length: 30 }, (_, index) => `many-${index}`);
  await Promise.all(names.map((name) => createGateway(world, { name })));
  const seen = () => followed.events.filter(({ gateway }) => gateway.name.startsWith('many-'));
  await expect.poll(() => seen().length, { timeout: 10_000 }).toBe(30);
  const sequences = followed.events.map(({ sequence }) => sequence);
  expect(sequences).toEqual([...new Set(sequences)].toSorted((a, b) => a - b));
});

test('only what the caller may see', async () => {
  await world.call('POST', '/v1/tenants', { body: { name: 'acme' } });
  const { body } = await world.call('POST', '/v1/tokens', {
    body: { name: 'acme-viewer', role: 'Viewer', tenant: 'acme' },
  });
  const followed = follow({ after: 0 }, (body as { token: string }).token);
  await world.call('POST', '/v1/gateways?tenant=acme', {
    body: { name: 'theirs', installation: 'existing-cluster', provider: 'vsphere' },
  });
  await expect.poll(() => followed.events.map(({ gateway }) => gateway.name)).toEqual(['theirs']);
  const foreign = await world.call('GET', '/v1/gateways/before/events', {
    token: (body as { token: string }).token,
    headers: { accept: 'text/event-stream' },
  });
  expect(foreign).toMatchObject({ status: 404, body: { code: 'not-found' } });
});

test('an id that is none is refused', async () => {
  const reply = await world.call('GET', '/v1/events', {
    headers: { accept: 'text/event-stream', 'last-event-id': 'x' },
  });
  expect(reply).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
});

test('the control plane ends streams when it ends', async () => {
  const other = await startWorld({ databaseUrl: database.url });
  const address = (await other.plane.listen({ host: '127.0.0.1', port: 0 })).url.replace('localhost', '127.0.0.1');
  const reply = await fetch(`${address}/v1/events`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${other.adminToken}` },
  });
  await other.close();
  await reply.text();
});
