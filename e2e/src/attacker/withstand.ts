/** One attack from its begin to its end, on whatever gateway: refused with a reason, and nothing of the attacker's runs. */

import { expect } from 'vitest';
import { waitFor } from '../program.ts';
import type { Attack, Battlefield } from './attack.ts';

/** A gateway under attack, as its operator can look into it. */
export interface Victim extends Battlefield {
  /** Lines of the agent's log so far. */
  readonly log: () => Promise<readonly string[]>;
  /** Whether anything of the attacker's is on the gateway, in words; empty when nothing is. */
  readonly findMarker: () => Promise<readonly string[]>;
  /** What `gateway explain` prints. */
  readonly explain: () => Promise<string>;
  /** How long a refusal may take to be seen, and how often to look. */
  readonly patience: { readonly timeoutSeconds: number; readonly everyMilliseconds: number };
}

const logged = 'log:';

export async function withstand(victim: Victim, attack: Attack): Promise<void> {
  const since = performance.now();
  const linesBefore = (await victim.log()).length;
  const lies = victim.server.liesTold();
  const lie = await attack.begin(victim);
  victim.server.lie(lie);
  try {
    expect(await waitForRefusal(victim, attack, { since, linesBefore })).not.toBe('');
    // An attack on the database alone tells no lies on the way.
    expect(Object.keys(lie).length === 0 || victim.server.liesTold() > lies).toBe(true);
    expect(await victim.findMarker()).toEqual([]);
  } finally {
    victim.server.lie(undefined);
    await attack.end?.(victim);
  }
  await waitUntilHonest(victim);
  expect(await victim.findMarker()).toEqual([]);
}

export function refusalsSince(
  { server }: Battlefield,
  since: number,
): readonly { readonly code: string; readonly message: string }[] {
  return server
    .polls()
    .filter(({ at }) => at > since)
    .flatMap(({ request }) => request.observation?.agentHolds ?? []);
}

/** Until the agent has reported it, or has written it into its log where nothing could be reported. */
async function waitForRefusal(
  victim: Victim,
  { refusal }: Attack,
  from: { readonly since: number; readonly linesBefore: number },
): Promise<string> {
  const lines = async () => (await victim.log()).slice(from.linesBefore);
  const find = async (): Promise<string | undefined> => {
    if (!refusal.startsWith(logged)) {
      return refusalsSince(victim, from.since).find(({ code }) => code === refusal)?.message;
    }
    const event = `"event":${JSON.stringify(refusal.slice(logged.length))}`;
    return (await lines()).find((line) => line.includes(event));
  };
  try {
    return await waitFor(`the refusal ${refusal}`, find, victim.patience);
  } catch (cause) {
    const found = { marker: await victim.findMarker(), holds: refusalsSince(victim, from.since) };
    const seen = { ...found, log: (await lines()).slice(-30), explained: await victim.explain() };
    throw new Error(JSON.stringify(seen, undefined, 1), { cause });
  }
}

/** Until the gateway is content with what the honest server wants. */
export async function waitUntilHonest({ server, patience }: Victim): Promise<void> {
  const holds = () => server.polls().at(-1)?.request.observation?.agentHolds ?? [];
  await waitFor(
    'the gateway to hold nothing against the honest server',
    async () => holds().length === 0 || undefined,
    { ...patience, explain: () => JSON.stringify(holds()) },
  );
}
