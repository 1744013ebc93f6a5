/**
 * Whatever is done to a gateway at any step of an agent update: never two act, no version is blamed, and the update is
 * done in the end, or is held with the name of who holds it. In virtual time, on the simulated cluster.
 */

import type { AgentAttempt } from '@gatehouse/domain/agent-update-types';
import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { describe, expect, test } from 'vitest';
import type { GatewayWorld } from './testing/gateway-world.ts';
import { gatewayWorlds, isHeldBy, podsOf, stateOf } from './testing/gateway-worlds.ts';
import { type LeaseSample, seizures, strangers } from './testing/who-acted.ts';

/** Shorter where nothing is measured, so that a disturbed update ends within minutes of virtual time. */
const timings = {
  agentUpdate: { ownPodReadyBefore: 10_000, watch: 20_000, afterInterruption: 20_000, rehearsalMax: 120_000 },
};
const [from, to] = ['4.1.12', '4.2.7'];
/** A short run takes each fourth pair, which has every disruption and every step in it. */
const stride = faultRounds({ whole: 1, short: 4 });
/** Each pair at so many moments within the step. */
const moments = faultRounds({ whole: 5, short: 1 });
const settledSeconds = 1_500;

const createWorld = gatewayWorlds();

const attemptOf = (world: GatewayWorld): AgentAttempt | undefined => stateOf(world).attempt;

/** In their order. Each is reached in every undisturbed update. */
const steps = {
  'before it begins': (world) => attemptOf(world) === undefined,
  'while it rehearses': (world) => attemptOf(world)?.phase === 'rehearsing',
  'when the rehearsal runs': (world) => world.simulated.read().pods.some(({ owner }) => owner.kind === 'rehearsal'),
  'when it is about to swap': (world) => attemptOf(world)?.phase === 'swapping',
  'when it has swapped': (world) =>
    world.simulated.read().deployment?.template.release.digest === world.agentOf(to).digest,
  'when the new one is Ready': (world) => podsOf(world, to).some(({ isReady }) => isReady),
  'when the new one has taken over': (world) => isHeldBy(world, to),
  'when the old one has gone': (world) => isHeldBy(world, to) && podsOf(world, from).every((pod) => pod.isDeleting),
  'when it has settled': (world) => attemptOf(world)?.phase === 'settled',
} satisfies Record<string, (world: GatewayWorld) => boolean>;

interface Disruption {
  readonly strike: (world: GatewayWorld) => void | Promise<void>;
  /** After so many seconds. */
  readonly end?: { readonly after: number; readonly heal: (world: GatewayWorld) => void | Promise<void> };
  /** Held with this until the end, at every step at which the update is not yet done. */
  readonly says?: RegExp;
}

const deletePods = (world: GatewayWorld, which: (name: string) => boolean): void => {
  for (const { name } of world.simulated.read().pods) if (which(name)) world.simulated.owner.deletePod(name);
};
const holderOf = (world: GatewayWorld) => world.simulated.read().lease?.holder?.split('/')[0];
const isAgent = (name: string) => name.startsWith('gatehouse-agent-') && !name.startsWith('gatehouse-agent-rehearsal');

const disruptions = {
  'the acting pod is evicted': { strike: (world) => deletePods(world, (name) => name === holderOf(world)) },
  'the pods of the agent that stands by are evicted': {
    strike: (world) => deletePods(world, (name) => isAgent(name) && name !== holderOf(world)),
  },
  'all pods of the agent are evicted': { strike: (world) => deletePods(world, isAgent) },
  'every pod is evicted, with guard and rehearsal': { strike: (world) => deletePods(world, () => true) },
  'the kubelet is stopped for 20 s': {
    strike: (world) => world.simulated.setKubelet(false),
    end: { after: 20, heal: (world) => world.simulated.setKubelet(true) },
  },
  'the kubelet is stopped for 60 s: not Ready': {
    strike: (world) => world.simulated.setKubelet(false),
    end: { after: 60, heal: (world) => world.simulated.setKubelet(true) },
  },
  'the kubelet is stopped for 4 min: given up': {
    strike: (world) => world.simulated.setKubelet(false),
    end: { after: 240, heal: (world) => world.simulated.setKubelet(true) },
  },
  'the node is rebooted': { strike: (world) => void world.simulated.reboot(15_000) },
  'the node is rebooted and gone for 3 min': { strike: (world) => void world.simulated.reboot(180_000) },
  'the Lease is deleted': { strike: (world) => world.simulated.owner.deleteLease() },
  'the Lease is deleted again and again': {
    strike: async (world) => {
      for (let times = 0; times < 20; times += 1) {
        world.simulated.owner.deleteLease();
        await world.clock.advance(700);
      }
    },
  },
  'the Lease is deleted with its holder': {
    strike: (world) => {
      const holder = holderOf(world);
      deletePods(world, (name) => name === holder);
      world.simulated.owner.deleteLease();
    },
  },
  'the install manifest is applied again': { strike: (world) => world.applyManifestAgain() },
  'the Deployment is deleted': { strike: (world) => world.simulated.owner.deleteDeployment() },
  'the Deployment is paused for 5 min': {
    strike: (world) => world.simulated.owner.pauseDeployment(true),
    end: { after: 300, heal: (world) => world.simulated.owner.pauseDeployment(false) },
    says: /paused by kubectl-rollout/,
  },
  'the image is set by hand, and the Deployment deleted later': {
    strike: (world) => {
      const { digest } = world.agentOf(from);
      world.simulated.owner.setImage({ digest, repository: 'mirror.example/gatehouse/agent' }, 'kubectl-set');
    },
    end: { after: 300, heal: (world) => world.simulated.owner.deleteDeployment() },
    says: /set by kubectl-set/,
  },
  'the state is deleted': { strike: (world) => world.simulated.owner.deleteMap('state') },
  'the target is deleted': { strike: (world) => world.simulated.owner.deleteMap('target') },
  'the trust is deleted': { strike: (world) => world.simulated.owner.deleteMap('trust') },
  'the API server is away for 40 s': {
    strike: (world) => world.simulated.setReachable(false),
    end: { after: 40, heal: (world) => world.simulated.setReachable(true) },
  },
  'the control plane is away for 3 min': {
    strike: (world) => {
      world.server.isAway = true;
    },
    end: {
      after: 180,
      heal: (world) => {
        world.server.isAway = false;
      },
    },
  },
} satisfies Record<string, Disruption>;

const pairs = Object.entries(disruptions)
  .flatMap(([what, disruption]: [string, Disruption], index) =>
    Object.entries(steps).map(([when, isReached], step) => ({ what, when, disruption, isReached, at: index + step })),
  )
  .filter(({ at }) => at % stride === 0);

interface Watched {
  readonly leases: readonly LeaseSample[];
  /** Every reason that was recorded of an attempt, and every hold that was reported. */
  readonly said: ReadonlySet<string>;
}

function watch(world: GatewayWorld): Watched {
  const leases: LeaseSample[] = [];
  const said = new Set<string>();
  let version: string | undefined;
  world.simulated.onChange(() => {
    const { lease } = world.simulated.read();
    const at = lease?.renewedAt ?? world.clock.wall();
    if (lease?.resourceVersion !== version) leases.push({ at, holder: lease?.holder });
    version = lease?.resourceVersion;
    const reason = attemptOf(world)?.reason;
    if (reason !== undefined) said.add(reason.message);
    for (const { message } of world.server.observation?.agentHolds ?? []) said.add(message);
  });
  return { leases, said };
}

describe.each(pairs)('$what $when', ({ disruption, isReached }) => {
  test.each(Array.from({ length: moments }, (_, index) => index))('moment %i', async (moment) => {
    const world = await createWorld({ installation: 'existing-cluster', timings });
    world.server.pollAgainSeconds = 2;
    await world.waitFor('an agent that has proved itself', 120, () => stateOf(world).good.length > 0 || undefined);
    const watched = watch(world);
    world.orderAgent(to);
    await world.waitFor('the step', 300, () => isReached(world) || undefined);
    await world.clock.advance(moment * 400);
    const wasDone = podsOf(world, from).every((pod) => pod.isDeleting);
    await disruption.strike(world);
    if (disruption.end !== undefined) {
      await world.clock.advance(disruption.end.after * 1_000);
      await disruption.end.heal(world);
    }
    await world.waitFor('the new agent alone, and it polls', settledSeconds, () => {
      const pods = world.simulated.read().pods.filter(({ owner }) => owner.kind === 'replica-set');
      const isAlone = pods.length === 1 && pods[0]?.isReady === true && isHeldBy(world, to);
      return isAlone && world.server.polls.at(-1)?.podName === pods[0]?.name ? true : undefined;
    });
    await world.clock.advance(60_000);
    expect(isHeldBy(world, to)).toBe(true);
    expect(stateOf(world).takenBack).toEqual([]);
    expect(strangers(world.acts)).toEqual([]);
    expect(seizures(watched.leases)).toEqual([]);
    const polls = world.server.polls.filter(({ request }) => request.isTrial !== true);
    const numbers = polls.map(({ request }) => request.handOverNumber);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    // Once the old one has gone there is nothing that could be held.
    expect([...watched.said].join('\n')).toMatch(wasDone ? '' : (disruption.says ?? ''));
  });
});
