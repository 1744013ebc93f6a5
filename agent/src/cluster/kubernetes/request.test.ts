import { parseInstant } from '@gatehouse/domain/instant';
import { afterEach, describe, expect, it } from 'vitest';
import { ClusterUnreachable } from '../cluster.ts';
import { asAccount } from './account-token.ts';
import { type FakeAnswer, type FakeApiServer, type FakeQuestion, startFakeApiServer } from './fake-api-server.ts';
import { connectKubernetesApi, servedGroupVersions, writeResult } from './kubernetes-api.ts';
import { createKubernetesRequest } from './request.ts';

let server: FakeApiServer | undefined;
const start = async (answer: (question: FakeQuestion) => FakeAnswer | undefined): Promise<FakeApiServer> => {
  server = await startFakeApiServer(answer);
  return server;
};
afterEach(async () => {
  await server?.close();
  server = undefined;
});

describe('a request', () => {
  it.each([429, 500, 503])('throws ClusterUnreachable on %i, with the API server’s words', async (status) => {
    const { connection } = await start(() => ({ status, body: { kind: 'Status', message: 'too busy' } }));
    const asking = createKubernetesRequest(connection)({ method: 'GET', path: '/version' });
    await expect(asking).rejects.toThrow(ClusterUnreachable);
    await expect(asking).rejects.toThrow(`GET /version at 127.0.0.1`);
    await expect(asking).rejects.toThrow(`answered ${status}: too busy`);
  });

  it.each([200, 404, 403, 422])('answers with %i', async (status) => {
    const { connection } = await start(() => ({ status, body: { a: 1 }, date: 'Mon, 23 Nov 2026 08:00:00 GMT' }));
    const answer = await createKubernetesRequest(connection)({ method: 'GET', path: '/version' });
    expect(answer).toEqual({ status, body: { a: 1 }, date: parseInstant('2026-11-23T08:00:00Z') });
  });

  it('throws ClusterUnreachable when nobody answers in time', async () => {
    const { connection } = await start(() => undefined);
    const asking = createKubernetesRequest(connection, 100)({ method: 'GET', path: '/version' });
    await expect(asking).rejects.toThrow(/no answer within 0.1 s/);
  });

  it('throws ClusterUnreachable when nobody listens', async () => {
    const { connection, close } = await start(() => undefined);
    await close();
    await expect(createKubernetesRequest(connection)({ method: 'GET', path: '/' })).rejects.toThrow(ClusterUnreachable);
  });

  it('asks once more with a new token when the last one is not taken', async () => {
    const { connection, asked } = await start(({ authorization }) => ({
      status: authorization === 'Bearer new' ? 200 : 401,
    }));
    const token = (renew: boolean) => Promise.resolve(renew ? 'new' : 'old');
    const request = createKubernetesRequest({ ...connection, token });
    expect((await request({ method: 'GET', path: '/version' })).status).toBe(200);
    expect(asked.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer new']);
  });

  it('answers with 401 when the new token is not taken either', async () => {
    const { connection, asked } = await start(() => ({ status: 401 }));
    const request = createKubernetesRequest({ ...connection, token: () => Promise.resolve('old') });
    expect((await request({ method: 'GET', path: '/version' })).status).toBe(401);
    expect(asked).toHaveLength(2);
  });

  it('sends no token over plain http to anywhere but loopback', () => {
    expect(() => createKubernetesRequest({ server: 'http://10.96.0.1' })).toThrow(/plain http and not on loopback/);
  });
});

describe('the door', () => {
  it('reads what is not there as undefined, and a refused read as unreachable', async () => {
    const { connection } = await start(({ url }) => ({
      status: url === '/none' ? 404 : 403,
      body: { message: 'forbidden: not yours' },
    }));
    const api = connectKubernetesApi(connection);
    expect(await api.get('/none')).toBeUndefined();
    await expect(api.get('/refused')).rejects.toThrow(/could not read \/refused: .* 403: forbidden: not yours/);
    await expect(api.list('/none')).rejects.toThrow(ClusterUnreachable);
  });

  it('counts as deleted what is gone', async () => {
    const { connection } = await start(() => ({ status: 404 }));
    expect(await connectKubernetesApi(connection).remove('/gone')).toBe('written');
  });

  it('keeps the API server’s clock going forward only', async () => {
    const dates = ['Mon, 23 Nov 2026 08:00:10 GMT', 'Mon, 23 Nov 2026 08:00:05 GMT', 'Mon, 23 Nov 2026 08:00:20 GMT'];
    const { connection } = await start(() => ({ status: 200, date: dates.shift() ?? '' }));
    const api = connectKubernetesApi(connection);
    const first = await api.now();
    expect(first).toBeGreaterThanOrEqual(parseInstant('2026-11-23T08:00:10Z'));
    await api.get('/version');
    const second = await api.now();
    expect(second).toBeGreaterThanOrEqual(first);
    await api.get('/version');
    expect(await api.now()).toBeGreaterThanOrEqual(parseInstant('2026-11-23T08:00:20Z'));
  });

  it('makes nothing where something is', async () => {
    const { connection, asked } = await start(() => ({ status: 200, body: { metadata: {} } }));
    expect(await connectKubernetesApi(connection).create('/thing', {})).toBe('conflict');
    expect(asked.map(({ method }) => method)).toEqual(['GET']);
  });

  it('meets a conflict when another made it at the same time', async () => {
    const { connection } = await start(({ method }) => ({ status: method === 'GET' ? 404 : 409 }));
    expect(await connectKubernetesApi(connection).create('/thing', {})).toBe('conflict');
  });

  it('lists the versions that are served', async () => {
    const groups = [{ versions: [{ groupVersion: 'policy/v1' }] }, { versions: [{ groupVersion: 'apps/v1' }] }];
    const { connection } = await start(() => ({ status: 200, body: { groups } }));
    expect(await servedGroupVersions(connectKubernetesApi(connection))).toEqual(new Set(['policy/v1', 'apps/v1']));
  });
});

describe('a write', () => {
  const answer = (status: number, body?: unknown) => ({ status, body });

  it.each([200, 201])('is written with %i', (status) => {
    expect(writeResult(answer(status))).toBe('written');
  });

  it('is a conflict when somebody wrote in between', () => {
    expect(writeResult(answer(409, { reason: 'Conflict', message: 'the object has been modified' }))).toBe('conflict');
  });

  it('is refused when another owns the field, which reading again does not cure', () => {
    const body = {
      message: 'conflict with "kubectl-set"',
      details: { causes: [{ reason: 'FieldManagerConflict', field: '.image' }] },
    };
    expect(writeResult(answer(409, body))).toEqual({
      kind: 'refused',
      status: 409,
      message: 'conflict with "kubectl-set"',
    });
  });

  it('is refused with the API server’s own words', () => {
    expect(writeResult(answer(403, { message: 'forbidden' }))).toMatchObject({ status: 403, message: 'forbidden' });
    expect(writeResult(answer(403, 'a page'))).toMatchObject({ kind: 'refused', message: 'it gave no reason' });
  });
});

describe('another account', () => {
  const account = { namespace: 'site', name: 'roller' };

  it('is asked a token for once, and again when it is not taken', async () => {
    let given = 0;
    const { connection, asked } = await start(({ method }) => {
      if (method === 'POST') given += 1;
      return { status: 201, body: { status: { token: `token-${given}` } } };
    });
    const { token } = asAccount({ connection, api: connectKubernetesApi(connection) }, account);
    expect([await token?.(false), await token?.(false), await token?.(true)]).toEqual([
      'token-1',
      'token-1',
      'token-2',
    ]);
    expect(asked.map(({ url }) => url)).toEqual(
      Array.from({ length: 2 }, () => '/api/v1/namespaces/site/serviceaccounts/roller/token'),
    );
  });

  it('that may not be used says so, and is asked for again the next time', async () => {
    const { connection, asked } = await start(() => ({ status: 403, body: { message: 'forbidden' } }));
    const { token } = asAccount({ connection, api: connectKubernetesApi(connection) }, account);
    await expect(token?.(false)).rejects.toThrow(/no token for the account site\/roller: .* 403: forbidden/);
    await expect(token?.(false)).rejects.toThrow(ClusterUnreachable);
    expect(asked).toHaveLength(2);
  });
});
