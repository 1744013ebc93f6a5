/** The short-lived token that makes a poll cheap: opened when needed, again before it expires, and after a 401. */

import type { Clock } from '../clock.ts';
import type { Answer, ControlPlane } from './control-plane.ts';
import { type Identity, openSession } from './identity.ts';

export interface Session {
  /** Runs `exchange` with a token that holds; once more with a new one when the server no longer takes it. */
  with<T>(exchange: (token: string) => Promise<Answer<T>>): Promise<Answer<T>>;
}

/** Of a token's life, how much may pass before a new one is taken. By the monotonic clock: the agent's date may be wrong. */
const usableShare = 0.8;

export function createSession(controlPlane: ControlPlane, identity: Identity, clock: Clock): Session {
  let current: { readonly token: string; readonly usableUntil: number } | undefined;
  const open = async (): Promise<Answer<string>> => {
    if (current !== undefined && clock.monotonic() < current.usableUntil) {
      return { kind: 'answered', value: current.token };
    }
    const from = clock.monotonic();
    const answer = await openSession(controlPlane, identity);
    if (answer.kind !== 'answered') return answer;
    const { sessionToken, expiresInSeconds } = answer.value;
    current = { token: sessionToken, usableUntil: from + expiresInSeconds * 1000 * usableShare };
    return { kind: 'answered', value: sessionToken };
  };
  return {
    async with(exchange) {
      for (let attempt = 1; ; attempt += 1) {
        const token = await open();
        if (token.kind !== 'answered') return token;
        const answer = await exchange(token.value);
        if (answer.kind !== 'refused' || answer.status !== 401 || attempt === 2) return answer;
        current = undefined;
      }
    },
  };
}
