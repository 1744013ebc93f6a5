import { describe, expect, it } from 'vitest';
import { addressOf, createClient, type Fetch, type FetchReply, ProblemError } from './client.ts';
import { toProblem } from './problem.ts';

const decoder = () => {
  const utf8 = new TextDecoder();
  return (bytes: Uint8Array) => utf8.decode(bytes, { stream: true });
};

function reply(status: number, text: string, chunks: readonly Uint8Array[] = []): FetchReply {
  return {
    status,
    ok: status < 400,
    headers: { get: () => null },
    text: () => Promise.resolve(text),
    body: (async function* () {
      yield* chunks;
    })(),
  };
}

describe('an address', () => {
  it('carries parameters and query in their encoded form and leaves out what is not given', () => {
    expect(
      addressOf({ path: '/v1/gateways/:gateway/events' }, { gateway: 'a/b' }, { after: 3, tenant: undefined }),
    ).toBe('/v1/gateways/a%2Fb/events?after=3');
  });
  it('is refused without its parameter', () => {
    expect(() => addressOf({ path: '/v1/gateways/:gateway' })).toThrow('needs the parameter gateway');
  });
});

describe('the client', () => {
  it('sends token, key and body, and gives the reply', async () => {
    const seen: unknown[] = [];
    const fetch: Fetch = (url, options) => {
      seen.push({ url, ...options });
      return Promise.resolve(reply(202, JSON.stringify({ version: '4.2.7' })));
    };
    const client = createClient({ server: 'http://localhost:1', token: 't', fetch, decoder });
    expect(await client.upgradePlatform({ body: { to: '4.2.7' } }, { idempotencyKey: 'k' })).toEqual({
      version: '4.2.7',
    });
    expect(seen).toEqual([
      {
        url: 'http://localhost:1/v1/platform/upgrade',
        method: 'POST',
        headers: {
          accept: 'application/json',
          authorization: 'Bearer t',
          'content-type': 'application/json',
          'idempotency-key': 'k',
        },
        body: '{"to":"4.2.7"}',
      },
    ]);
  });

  it('throws the problem with all its reasons', async () => {
    const problem = toProblem('upgrade-refused', 'No.', { reasons: [{ code: 'paused', message: 'a is paused' }] });
    const client = createClient({
      server: '',
      fetch: () => Promise.resolve(reply(409, JSON.stringify(problem))),
      decoder,
    });
    const error = await client.getPlatform({}).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({ problem });
  });

  it('says that a page which is not ours is not ours', async () => {
    const client = createClient({ server: '', fetch: () => Promise.resolve(reply(502, '<html>')), decoder });
    await expect(client.getPlatform({})).rejects.toThrow('The server answered 502 and not in the form of Gatehouse');
  });

  it('follows events whatever the cuts between chunks, a cut inside a letter too', async () => {
    const text =
      ': hello\n\nid: 1\ndata: {"sequence":1,"message":"größer"}\n\ndata: {"sequence":2,"message":"b"}\r\n\r\n';
    const bytes = new TextEncoder().encode(text);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const client = createClient({
        server: '',
        fetch: () => Promise.resolve(reply(200, '', [bytes.slice(0, cut), bytes.slice(cut)])),
        decoder,
      });
      const messages: string[] = [];
      for await (const event of client.followEvents({ after: 0 })) messages.push(event.message);
      expect(messages).toEqual(['größer', 'b']);
    }
  });
});
