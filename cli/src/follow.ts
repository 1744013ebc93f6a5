/** Follows events for ever: a connection that ends is opened again where it stopped, after a pause that grows. */

import { setTimeout as pause } from 'node:timers/promises';
import { type Client, ProblemError } from '@gatehouse/contract/client';
import type { GatewayEvent } from '@gatehouse/contract/operator-types';
import type { Terminal } from './terminal.ts';

const pauseMaxMilliseconds = 15_000;

export async function* follow(
  client: Client,
  call: { readonly gateway?: string; readonly tenant?: string },
  terminal: Terminal,
): AsyncGenerator<GatewayEvent> {
  let after = 0;
  let wait = 500;
  while (!terminal.interrupted.aborted) {
    try {
      for await (const event of client.followEvents({ ...call, after }, { signal: terminal.interrupted })) {
        if (event.sequence <= after) continue;
        after = event.sequence;
        wait = 500;
        yield event;
      }
    } catch (error) {
      if (terminal.interrupted.aborted) return;
      // A refusal will not change by asking again; a lost connection will.
      if (error instanceof ProblemError && error.problem.status < 500 && error.problem.status !== 429) throw error;
      terminal.error(`The connection was lost; trying again in ${Math.ceil(wait / 1000)} s.`);
    }
    await pause(wait, undefined, { signal: terminal.interrupted }).catch(() => undefined); // Interrupted: the loop ends.
    wait = Math.min(wait * 2, pauseMaxMilliseconds);
  }
}
