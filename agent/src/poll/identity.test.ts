import { createPublicKey, verify } from 'node:crypto';
import type { EnrolRequest } from '@gatehouse/contract/agent-api';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import { beforeEach, describe, expect, test } from 'vitest';
import { createMapsInMemory, type MapsInMemory } from '../cluster/maps-in-memory.ts';
import type { Answer, ControlPlane } from './control-plane.ts';
import { type EnrolOutcome, enrol } from './identity.ts';

const gatewayId = '3b241101-e2bb-4255-8caf-4136c566a962';
const version = parsePlatformVersion('4.1.12');
if (version === undefined) throw new Error('not a version');
const agent = { version, digest: `sha256:${'a'.repeat(64)}` };

/** A control plane that knows one gateway: tokens are spent once, a key is bound for ever, signatures are checked. */
function createServer() {
  const state = {
    tokens: new Set(['token-1']),
    key: undefined as string | undefined,
    enrolments: 0,
    isAway: false,
    isShared: false,
    busyWith: 'nothing' as 'nothing' | 'everything' | 'sessions' | 'enrolments',
  };
  const refused = <T>(code: string): Answer<T> => ({ kind: 'refused', status: 401, code, message: code });
  const reach = <T>(answer: () => Answer<T>, what?: 'sessions' | 'enrolments'): Promise<Answer<T>> => {
    if (state.isAway) return Promise.resolve({ kind: 'unreachable', message: 'no route to host' });
    const isBusy = state.busyWith === 'everything' || state.busyWith === what;
    return Promise.resolve(isBusy ? busy : answer());
  };
  const controlPlane: ControlPlane = {
    enrol: (request: EnrolRequest) =>
      reach((): Answer<{ gatewayId: string }> => {
        if (!state.tokens.delete(request.token)) return refused('token-invalid');
        state.key = request.publicKey;
        state.enrolments += 1;
        return { kind: 'answered', value: { gatewayId } };
      }, 'enrolments'),
    challenge: () => reach(() => ({ kind: 'answered', value: { challenge: 'c1' } })),
    openSession: ({ challenge, signature }) =>
      reach((): Answer<{ sessionToken: string; expiresInSeconds: number }> => {
        if (state.key === undefined) return refused('identity-refused');
        const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: state.key }, format: 'jwk' });
        const text = Buffer.from(`gatehouse-agent-session:${gatewayId}:${challenge}`);
        if (!verify(null, text, key, Buffer.from(signature, 'base64url'))) return refused('identity-refused');
        const shared = state.isShared ? { isIdentityShared: true } : {};
        return { kind: 'answered', value: { sessionToken: 's1', expiresInSeconds: 60, ...shared } };
      }, 'sessions'),
    poll: () => Promise.reject(new Error('not asked for here')),
    readRepositoryFile: () => Promise.reject(new Error('not asked for here')),
    time: () => undefined,
  };
  return { state, controlPlane };
}

const busy = {
  kind: 'refused',
  status: 429,
  code: 'too-many-requests',
  message: 'Too many requests.',
  retryAfterSeconds: 7,
} as const;

describe('enrolment', () => {
  let world: MapsInMemory;
  let server: ReturnType<typeof createServer>;
  const step = (): Promise<EnrolOutcome> => enrol(world.cluster, server.controlPlane, { id: gatewayId, agent });
  const stored = async () => (await world.cluster.readMap('identity'))?.data ?? {};
  const putToken = async (token: string): Promise<void> => {
    const map = await world.cluster.readMap('identity');
    await world.cluster.writeMap('identity', { registrationToken: token }, map?.resourceVersion);
  };

  beforeEach(async () => {
    world = createMapsInMemory(() => 0);
    server = createServer();
    await putToken('token-1');
  });

  test('spends the token, keeps the key and removes the token', async () => {
    expect((await step()).kind).toBe('enrolled');
    expect(Object.keys(await stored()).toSorted()).toEqual(['gatewayId', 'privateKey']);
    expect((await step()).kind).toBe('enrolled');
    expect(server.state.enrolments).toBe(1);
  });

  test.each([0, 1])('goes on after a crash before write %i', async (writes) => {
    world.breakOff(writes, 'before');
    await expect(step()).rejects.toThrow('broken off');
    world.setUnreachable(false);
    expect((await step()).kind).toBe('enrolled');
    expect(server.state.enrolments).toBe(1);
  });

  test.each([0, 1])('goes on after a crash right after write %i', async (writes) => {
    world.breakOff(writes, 'after');
    await expect(step()).rejects.toThrow('broken off');
    world.setUnreachable(false);
    expect((await step()).kind).toBe('enrolled');
    expect(server.state.enrolments).toBe(1);
    expect((await stored())['registrationToken']).toBeUndefined();
  });

  test('waits with a reason while the server is away, and keeps token and key', async () => {
    server.state.isAway = true;
    expect(await step()).toMatchObject({ kind: 'hold', reason: { code: 'control-plane-unreachable' } });
    const key = (await stored())['privateKey'];
    server.state.isAway = false;
    expect((await step()).kind).toBe('enrolled');
    expect((await stored())['privateKey']).toBe(key);
  });

  test('a spent token is a reason with the next step', async () => {
    server.state.tokens.clear();
    expect(await step()).toMatchObject({
      kind: 'hold',
      reason: {
        code: 'enrolment-token-invalid',
        nextStep: 'Create new install commands for the gateway and apply them.',
      },
    });
  });

  test('without token and enrolment it says what is missing', async () => {
    world = createMapsInMemory(() => 0);
    expect(await step()).toMatchObject({ kind: 'hold', reason: { code: 'registration-token-missing' } });
  });

  test('a manifest applied again brings its spent token back: the key still counts', async () => {
    await step();
    await putToken('token-1');
    expect((await step()).kind).toBe('enrolled');
    expect((await stored())['registrationToken']).toBeUndefined();
    expect(server.state.enrolments).toBe(1);
  });

  test.each(['everything', 'enrolments'] as const)(
    'too many requests for %s: it waits, with no advice',
    async (what) => {
      server.state.busyWith = what;
      const { reason } = { reason: undefined, ...(await step()) };
      expect(reason).toMatchObject({ code: 'control-plane-unreachable' });
      expect(reason).not.toHaveProperty('nextStep');
      server.state.busyWith = 'nothing';
      expect((await step()).kind).toBe('enrolled');
    },
  );

  test.each(['everything', 'sessions'] as const)(
    'too many requests for %s spend no token on a known key',
    async (what) => {
      await step();
      const { privateKey: key } = await stored();
      server.state.tokens.add('token-2');
      await putToken('token-2');
      server.state.busyWith = what;
      expect((await step()).kind).toBe('hold');
      server.state.busyWith = 'nothing';
      expect((await step()).kind).toBe('enrolled');
      expect((await stored())['privateKey']).toBe(key);
      expect(server.state.enrolments).toBe(1);
    },
  );

  test('a key that another agent uses too is left for a new one as soon as there is a token for it', async () => {
    await step();
    const { privateKey: before } = await stored();
    server.state.isShared = true;
    expect((await step()).kind).toBe('enrolled');
    expect((await stored())['privateKey']).toBe(before);
    server.state.tokens.add('token-2');
    await putToken('token-2');
    expect((await step()).kind).toBe('enrolled');
    expect(server.state.enrolments).toBe(2);
    expect((await stored())['privateKey']).not.toBe(before);
    expect((await stored())['registrationToken']).toBeUndefined();
  });

  test.each([0, 1])('goes on after a crash at write %i of it', async (writes) => {
    await step();
    server.state.isShared = true;
    server.state.tokens.add('token-2');
    await putToken('token-2');
    world.breakOff(writes, 'after');
    await expect(step()).rejects.toThrow('broken off');
    world.setUnreachable(false);
    server.state.isShared = writes === 0;
    expect((await step()).kind).toBe('enrolled');
    expect(server.state.enrolments).toBe(2);
  });

  test('a new token is spent when the server no longer knows the key', async () => {
    await step();
    server.state.key = undefined;
    server.state.tokens.add('token-2');
    await putToken('token-2');
    expect((await step()).kind).toBe('enrolled');
    expect(server.state.enrolments).toBe(2);
  });
});
