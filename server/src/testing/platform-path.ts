/** A platform on 4.1.12 with more releases ahead, and gateways that take up what a hop brings, for tests of its plans. */

import { randomUUID } from 'node:crypto';
import { Platform } from '@gatehouse/contract/operator-types';
import { formatInstant } from '@gatehouse/domain/instant';
import type { ReleaseSource } from '@gatehouse/release/release-builder';
import { releaseOf } from './fleet.ts';
import type { TestAgent } from './test-agent.ts';
import { bodyAs, type Reply, type World } from './world.ts';

/** 4.1.12 → 4.2.7 is an edge; what follows on 4.2.7 has none, so the rule of thumb holds. */
export async function releasesAhead(world: World, ...versions: readonly string[]): Promise<void> {
  await world.release('4.1.12');
  await world.release('4.2.7');
  for (const version of versions) await releaseAhead(world, version);
}

export async function releaseAhead(world: World, version: string, more: Partial<ReleaseSource> = {}): Promise<void> {
  const reply = await world.release(
    '4.2.7',
    { platformVersion: version, profileNeedsAgent: version, ...more },
    { hasNoEdges: more.upgradeFrom === undefined },
  );
  if (reply.status !== 200) throw new Error(JSON.stringify(reply.body));
}

export async function platformOf(world: World, token?: string): Promise<Platform> {
  return bodyAs(Platform, await world.call('GET', '/v1/platform', token === undefined ? {} : { token }));
}

export const upgradeTo = (world: World, to: string, more: object = {}): Promise<Reply> =>
  world.call('POST', '/v1/platform/upgrade', { body: { to, ...more } });

/** The agent becomes the one of that release, and its update is heard to have settled now. */
export async function takesUp(world: World, agent: TestAgent, version: string): Promise<void> {
  await agent.polls();
  const { agentVersion, agentDigest } = await releaseOf(world, version);
  const to = { version: agentVersion, digest: agentDigest };
  const at = formatInstant(world.now());
  agent.seen = {
    ...agent.seen,
    agent: to,
    attempt: {
      id: randomUUID(),
      from: agent.seen.agent,
      to,
      phase: 'settled',
      startedAt: at,
      endedAt: at,
      interruptions: 0,
    },
  };
  await agent.polls();
}

export async function actionsOf(world: World): Promise<readonly string[]> {
  const { body } = await world.call('GET', '/v1/audit?limit=500');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The reply of a route whose schema says so.
  const { items } = body as { readonly items: readonly { readonly action: string }[] };
  return items.map(({ action }) => action).filter((action) => action.startsWith('platform.'));
}
