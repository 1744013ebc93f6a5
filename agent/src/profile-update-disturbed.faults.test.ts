/**
 * Whatever is done to a gateway at any step of a profile update: never two act, nothing is replaced that need not be, a
 * quorum of control planes is always ready, own fields are put right and others' left alone, and the update completes.
 * In virtual time, on the simulated cluster.
 */

import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { describe, expect, test } from 'vitest';
import { parseProgress } from './apply/profile-progress.ts';
import { isMoving } from './cluster/simulated/cluster-api.ts';
import type { ClusterApiState } from './cluster/simulated/cluster-api-state.ts';
import type { GatewayWorld } from './testing/gateway-world.ts';
import { gatewayWorlds } from './testing/gateway-worlds.ts';
import { plannedOrder, profilePointer } from './testing/planned-order.ts';
import { strangers } from './testing/who-acted.ts';

const size = { controlPlanes: 3, workers: 2 } as const;
const quorum = 2;
const [from, to] = ['4.1.12', '4.2.7'];
/** A short run takes each fourth pair, which has every disruption and every step in it. */
const stride = faultRounds({ whole: 1, short: 4 });
/** Each pair at so many moments within the step. */
const moments = faultRounds({ whole: 5, short: 1 });
/** Instead of 20 minutes; longer than any step of a machine lasts. */
const timings = { profileUpdate: { stuckAfter: 60_000 } };

const createWorld = gatewayWorlds();

function clusterApi(world: GatewayWorld): ClusterApiState {
  const state = world.simulated.read().clusterApi;
  if (state === undefined) throw new Error('there is no Cluster');
  return state;
}
const progressOf = (world: GatewayWorld) => parseProgress(world.simulated.read().maps.state);
const isStep = (world: GatewayWorld, id: string, state: string) =>
  progressOf(world)?.steps.some((step) => step.id.includes(id) && step.state === state) === true;
const newMachines = (world: GatewayWorld) =>
  clusterApi(world).controlPlane.machines.filter(({ version }) => version === '1.27.11');

const steps = {
  'before it begins': (world) => progressOf(world)?.planId !== world.server.target?.profileUpdate?.planId,
  'in its preflight': (world) => progressOf(world)?.phase === 'preflight',
  'when the control planes were ordered': (world) => isStep(world, 'control-planes', 'running'),
  'when the first new control plane is made': (world) => newMachines(world).length === 1,
  'when the second is': (world) => newMachines(world).length === 2,
  'when all control planes are updated': (world) => progressOf(world)?.controlPlanesUpdatedAt !== undefined,
  'when a worker is replaced': (world) =>
    clusterApi(world).workers.some(({ machines }) => machines.some(({ version }) => version === '1.27.11')),
  'when the packs are applied': (world) => isStep(world, 'workers', 'done'),
} satisfies Record<string, (world: GatewayWorld) => boolean>;

interface Disruption {
  readonly strike: (world: GatewayWorld) => void | Promise<void>;
  /** After so many seconds. */
  readonly end?: { readonly after: number; readonly heal: (world: GatewayWorld) => void | Promise<void> };
  /** Machines that may have to be made besides, since somebody deleted or changed some. */
  readonly extraMachines?: number;
}

const holderOf = (world: GatewayWorld) => world.simulated.read().lease?.holder?.split('/')[0];
const deletePods = (world: GatewayWorld, which: (name: string) => boolean): void => {
  for (const { name } of world.simulated.read().pods) if (which(name)) world.simulated.owner.deletePod(name);
};
const appliedKeys = (world: GatewayWorld) => Object.keys(world.simulated.read().applied ?? {}).toSorted();

const disruptions = {
  'the acting pod is evicted': { strike: (world) => deletePods(world, (name) => name === holderOf(world)) },
  'every pod is evicted': { strike: (world) => deletePods(world, () => true) },
  'the kubelet is stopped for 60 s': {
    strike: (world) => world.simulated.setKubelet(false),
    end: { after: 60, heal: (world) => world.simulated.setKubelet(true) },
  },
  'the node is rebooted': { strike: (world) => void world.simulated.reboot(15_000) },
  'the Lease is deleted': { strike: (world) => world.simulated.owner.deleteLease() },
  'the install manifest is applied again': { strike: (world) => world.applyManifestAgain() },
  'the Deployment is deleted': { strike: (world) => world.simulated.owner.deleteDeployment() },
  'the Deployment is paused for 2 min': {
    strike: (world) => world.simulated.owner.pauseDeployment(true),
    end: { after: 120, heal: (world) => world.simulated.owner.pauseDeployment(false) },
  },
  'the Cluster is paused for 5 min': {
    strike: (world) => world.simulated.owner.pauseCluster(true),
    end: { after: 300, heal: (world) => world.simulated.owner.pauseCluster(false) },
  },
  'a control plane is deleted': {
    strike: (world) => {
      const [oldest] = clusterApi(world).controlPlane.machines.filter(({ phase }) => phase === 'Running');
      world.simulated.owner.deleteMachine(oldest?.name ?? '');
    },
    extraMachines: 1,
  },
  'the newest control plane is deleted': {
    strike: (world) => world.simulated.owner.deleteMachine(clusterApi(world).controlPlane.machines.at(-1)?.name ?? ''),
    extraMachines: 1,
  },
  'the controllers are away for 40 s': {
    strike: (world) => world.simulated.setControllers(false),
    end: { after: 40, heal: (world) => world.simulated.setControllers(true) },
  },
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
  'the state is deleted': { strike: (world) => world.simulated.owner.deleteMap('state') },
  'the target is deleted': { strike: (world) => world.simulated.owner.deleteMap('target') },
  'the inventory is deleted': { strike: (world) => world.simulated.owner.deleteMap('inventory') },
  'the trust is deleted': { strike: (world) => world.simulated.owner.deleteMap('trust') },
  'an object of ours is deleted': {
    strike: (world) => {
      const [key] = appliedKeys(world);
      if (key !== undefined) world.simulated.owner.deleteObject(key);
    },
  },
  'the OS of the topology is changed': {
    strike: (world) => world.simulated.owner.editTopology({ osImage: 'somebody-elses' }),
    extraMachines: 2 * (size.controlPlanes + size.workers),
  },
} satisfies Record<string, Disruption>;

const pairs = Object.entries(disruptions)
  .flatMap(([what, disruption]: [string, Disruption], index) =>
    Object.entries(steps).map(([when, isReached], step) => ({ what, when, disruption, isReached, at: index + step })),
  )
  .filter(({ at }) => at % stride === 0);

interface Watched {
  readyLeast: number;
  replacedAtOnceMost: number;
  readonly milestones: Set<number>;
}

function watch(world: GatewayWorld): Watched {
  const watched: Watched = { readyLeast: size.controlPlanes, replacedAtOnceMost: 0, milestones: new Set() };
  world.simulated.onChange(() => {
    const { machines } = clusterApi(world).controlPlane;
    const ready = machines.filter(({ phase }) => phase === 'Running').length;
    const leaving = machines.filter(({ phase }) => phase === 'Deleting').length;
    watched.readyLeast = Math.min(watched.readyLeast, ready);
    watched.replacedAtOnceMost = Math.max(watched.replacedAtOnceMost, leaving);
    const progress = progressOf(world);
    const isOwn = progress?.planId === world.server.target?.profileUpdate?.planId;
    if (isOwn && progress?.controlPlanesUpdatedAt !== undefined)
      watched.milestones.add(progress.controlPlanesUpdatedAt);
  });
  return watched;
}

describe.each(pairs)('$what $when', ({ what, disruption, isReached }) => {
  test.each(Array.from({ length: moments }, (_, index) => index))('moment %i', async (moment) => {
    const world = await createWorld({ installation: 'cli', ...size, timings });
    world.server.pollAgainSeconds = 2;
    world.order({ initialProfile: { release: from, digest: profilePointer(world, from).digest } });
    await world.waitFor('the first profile', 300, () => world.server.observation?.appliedProfile);
    const made = clusterApi(world).made;
    const watched = watch(world);
    const order = plannedOrder(world, { from, to }, size);
    world.order({ profileUpdate: order });
    await world.waitFor('the step', 500, () => isReached(world) || undefined);
    await world.clock.advance(moment * 700);
    await disruption.strike(world);
    if (disruption.end !== undefined) {
      await world.clock.advance(disruption.end.after * 1_000);
      await disruption.end.heal(world);
    }
    const end = await world.waitFor('the update is completed', 1_500, () => {
      const seen = world.server.observation?.profileUpdate;
      return seen?.planId === order.planId && seen.phase === 'completed' ? seen : undefined;
    });
    await world.waitFor('Cluster API is at rest', 120, () => (isMoving(clusterApi(world)) ? undefined : true));
    const { topology, controlPlane, workers } = clusterApi(world);
    expect(topology).toMatchObject({ version: '1.27.11', controlPlaneOverrides: {} });
    for (const set of [controlPlane, ...workers]) {
      expect(new Set(set.machines.map(({ os }) => os))).toEqual(new Set([topology.variables['osImage']]));
      expect(set.machines.every(({ version, phase }) => version === '1.27.11' && phase === 'Running')).toBe(true);
    }
    const replaced = clusterApi(world).made - made;
    const needed = size.controlPlanes + size.workers;
    expect(replaced).toBeGreaterThanOrEqual(needed);
    // An old one that somebody deleted is one less to be replaced.
    expect(replaced).toBeLessThanOrEqual(needed + (disruption.extraMachines ?? 0));
    expect(watched.readyLeast).toBeGreaterThanOrEqual(quorum);
    expect(watched.replacedAtOnceMost).toBeLessThanOrEqual(1);
    // What is lost with the state is noted again; that it is told once is the control plane's to see to.
    expect(watched.milestones.size).toBeLessThanOrEqual(what === 'the state is deleted' ? 2 : 1);
    expect(strangers(world.acts)).toEqual([]);
    expect(world.server.observation?.drift).toEqual([]);
    expect(end.steps.every(({ state }) => state === 'done')).toBe(true);
  });
});
