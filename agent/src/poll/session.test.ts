import { generateKeyPairSync } from 'node:crypto';
import { toInstant } from '@gatehouse/domain/instant';
import { beforeEach, describe, expect, test } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../cluster/simulated/virtual-clock.ts';
import type { Answer, ControlPlane } from './control-plane.ts';
import { createSession } from './session.ts';

const identity = {
  gatewayId: '3b241101-e2bb-4255-8caf-4136c566a962',
  privateKey: generateKeyPairSync('ed25519').privateKey,
};

describe('a session', () => {
  let clock: VirtualClock;
  let opened: number;
  let answerOf: () => Answer<{ sessionToken: string; expiresInSeconds: number }>;
  const notAsked = () => Promise.reject(new Error('not asked for here'));
  const controlPlane: ControlPlane = {
    enrol: notAsked,
    challenge: async () => ({ kind: 'answered', value: { challenge: 'c' } }),
    openSession: async () => {
      opened += 1;
      return answerOf();
    },
    poll: notAsked,
    readRepositoryFile: notAsked,
    time: () => undefined,
  };
  const used = async (token: string): Promise<Answer<string>> => ({ kind: 'answered', value: token });

  beforeEach(() => {
    clock = createVirtualClock(toInstant(0));
    opened = 0;
    answerOf = () => ({ kind: 'answered', value: { sessionToken: `s${opened}`, expiresInSeconds: 600 } });
  });

  test('is opened once and used until a fifth of its life is left', async () => {
    const session = createSession(controlPlane, identity, clock);
    const tokens: unknown[] = [];
    for (const seconds of [0, 479, 1, 479]) {
      await clock.advance(seconds * 1_000);
      tokens.push(await session.with(used));
    }
    expect(tokens).toEqual(['s1', 's1', 's2', 's2'].map((value) => ({ kind: 'answered', value })));
  });

  test('is opened again, once, when the server no longer takes it', async () => {
    const session = createSession(controlPlane, identity, clock);
    await session.with(used);
    const seen: string[] = [];
    const answer = await session.with<string>(async (token) => {
      seen.push(token);
      return token === 's1' ? { kind: 'refused', status: 401, code: 'identity-refused', message: '' } : used(token);
    });
    expect([seen, answer]).toEqual([['s1', 's2'], { kind: 'answered', value: 's2' }]);
  });

  test('is not opened for ever', async () => {
    const session = createSession(controlPlane, identity, clock);
    const refused = { kind: 'refused', status: 401, code: 'identity-refused', message: '' } as const;
    expect(await session.with(async () => refused)).toEqual(refused);
    expect(opened).toBe(2);
  });

  test('hands on why it could not be opened', async () => {
    answerOf = () => ({ kind: 'unreachable', message: 'no route to host' });
    expect(await createSession(controlPlane, identity, clock).with(used)).toEqual(answerOf());
  });
});
