/**
 * A write is committed and its answer never arrives: the connection is cut, or the control plane is killed, between COMMIT
 * and reply. Who sends it again with the same `Idempotency-Key` gets the first answer, and nothing is done twice.
 */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, createClient, ProblemError } from '@gatehouse/contract/client';
import { type FaultyProxy, startFaultyProxy } from '@gatehouse/testkit/faulty-proxy';
import { queryDatabase, type TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { startServer, type TestServer } from '@gatehouse/testkit/server';
import { Client as Connection } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGateway } from '../testing/fleet.ts';
import { startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;
let proxy: FaultyProxy;
let client: Client;

beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
  await world.release('4.1.12');
  const { port } = await world.plane.listen({ host: '127.0.0.1', port: 0 });
  proxy = await startFaultyProxy({ target: new URL(`http://127.0.0.1:${port}`) });
  client = clientOf(proxy.url, world.adminToken);
});
afterAll(async () => {
  await proxy?.stop();
  await world?.close();
  await database?.drop();
});

const clientOf = (server: string, token: string): Client =>
  createClient({ server, token, fetch, decoder: () => (bytes) => Buffer.from(bytes).toString('utf8') });

/** What is there of a gateway: rows, audit records, events, registration tokens. */
const tracesOf = async (url: string, gateway: string): Promise<Readonly<Record<string, unknown>>> => {
  const [traces] = await queryDatabase(
    url,
    `select (select count(*)::int from gateways as g where g.name = $1) as gateways,
            (select count(*)::int from audit_records as a where a.subject_name = $1) as audit,
            (select count(*)::int from events as e where e.gateway_name = $1 and e.type = 'gateway-created') as created,
            (select count(*)::int from registration_tokens as t join gateways as g on g.id = t.gateway_id where g.name = $1) as tokens`,
    [gateway],
  );
  return traces ?? {};
};
const once = { gateways: 1, audit: 1, created: 1, tokens: 1 };
const body = (name: string) => ({ name, installation: 'existing-cluster', provider: 'vsphere' }) as const;

describe('the connection is cut between COMMIT and reply', () => {
  test('the retry gets the first answer, its one-time token included, and nothing is doubled', async () => {
    const idempotencyKey = randomUUID();
    const create = () => client.createGateway({ body: body('cut-off') }, { idempotencyKey });
    proxy.add({ method: 'POST', path: '/v1/gateways', times: 3, fault: { kind: 'cut-reply', afterBytes: 0 } });
    for (let time = 1; time <= 3; time += 1) await expect(create()).rejects.toThrow('fetch failed');
    expect(await tracesOf(database.url, 'cut-off')).toEqual(once);
    const answer = await create();
    expect(answer.install?.commands.join(' ')).toContain('ghr_');
    expect(await create()).toEqual(answer);
    expect(await tracesOf(database.url, 'cut-off')).toEqual(once);
  });

  test('without a key the retry is another request: the name is taken', async () => {
    proxy.add({ method: 'POST', path: '/v1/gateways', times: 1, fault: { kind: 'cut-reply', afterBytes: 0 } });
    const create = () => client.createGateway({ body: body('keyless') });
    await expect(create()).rejects.toThrow('fetch failed');
    await expect(create()).rejects.toThrow(ProblemError);
  });
});

describe('the retry comes while the first is still under way', () => {
  test('it waits for it, and both get one answer', async () => {
    await createGateway(world, { name: 'busy' });
    const holder = new Connection({ connectionString: database.url });
    await holder.connect();
    await holder.query('begin');
    await holder.query(`select 1 from gateways as g where g.name = 'busy' for update`);
    const waiting = async () =>
      (
        await queryDatabase(
          database.url,
          `select a.pid from pg_stat_activity as a where a.datname = current_database() and a.wait_event_type = 'Lock'`,
        )
      ).length;
    const idempotencyKey = randomUUID();
    const exempt = (reason: string) => {
      const given = { params: { gateway: 'busy' }, body: { reason, until: '2040-01-01T00:00:00Z' } };
      return client.setExemption(given, { idempotencyKey });
    };
    const first = exempt('stocktaking');
    await expect.poll(waiting, { timeout: 20_000 }).toBe(1);
    const second = exempt('stocktaking');
    const other = exempt('something else').catch((error: unknown) => error);
    await expect.poll(waiting, { timeout: 20_000 }).toBe(3);
    await holder.query('commit');
    await holder.end();
    expect(await second).toEqual(await first);
    expect(await other).toMatchObject({ problem: { status: 422, code: 'idempotency-key-reused' } });
    const told = await queryDatabase(
      database.url,
      `select e.message from events as e where e.gateway_name = 'busy' and e.type = 'exemption-set'`,
    );
    expect(told).toEqual([{ message: expect.stringContaining('stocktaking') as string }]);
  });
});

describe('the control plane is killed between COMMIT and reply', () => {
  test.each([
    ['createTenant.persist.before', 0],
    ['createTenant.persist.after', 1],
    ['createTenant.reply.before', 1],
  ])(
    'at %s: then %i are there, and the next one answers the retry',
    async (point, there) => {
      const own = await createProvidedDatabase();
      const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-lost-reply-'));
      const armed = path.join(directory, 'fail-point');
      const start = (): Promise<TestServer> =>
        startServer({
          directory: path.join(directory, 'data'),
          databaseUrl: own.url,
          env: { GATEHOUSE_FAIL_POINTS: `@${armed}`, NODE_ENV: 'test' },
        });
      const count = async () =>
        (
          await queryDatabase(
            own.url,
            `select (select count(*)::int from tenants as t where t.name = 'acme') as tenants,
                  (select count(*)::int from audit_records as a where a.subject_name = 'acme') as audit`,
          )
        )[0];
      const idempotencyKey = randomUUID();
      const create = ({ url, adminToken }: TestServer) =>
        clientOf(url, adminToken).createTenant({ body: { name: 'acme' } }, { idempotencyKey });
      const killed = await start();
      await writeFile(armed, `${point}=kill`);
      await expect(create(killed)).rejects.toThrow('fetch failed');
      expect(await count()).toEqual({ tenants: there, audit: there });
      const next = await start();
      const answer = await create(next);
      expect(answer).toMatchObject({ name: 'acme' });
      expect(await create(next)).toEqual(answer);
      expect(await count()).toEqual({ tenants: 1, audit: 1 });
      await next.stop();
      await rm(directory, { recursive: true, force: true });
      await own.drop();
      // Two programs are started in each.
    },
    180_000,
  );
});
