/**
 * A whole gateway in this process and in virtual time: the simulated cluster, in which guard, agent and rehearsal run as
 * the very code that runs in a pod, a control plane, and a signed repository. A release can be told to misbehave.
 */

import process from 'node:process';
import type { Target } from '@gatehouse/contract/agent-api';
import { toInstant } from '@gatehouse/domain/instant';
import { parseKubernetesVersion, parsePlatformVersion } from '@gatehouse/domain/version';
import { createFunctionPods, type PodContext, type PodProgram } from '../cluster/simulated/function-pods.ts';
import {
  createSimulatedCluster,
  newSimulatedState,
  type SimulatedCluster,
} from '../cluster/simulated/simulated-cluster.ts';
import { createVirtualClock, type VirtualClock } from '../cluster/simulated/virtual-clock.ts';
import { withSteadyTime } from '../cluster/steady-cluster-time.ts';
import { runGuard } from '../guard/run-guard.ts';
import { createLog } from '../log.ts';
import { runAgent } from '../run-agent.ts';
import type { Self } from '../self.ts';
import { rehearse } from '../update/rehearse.ts';
import { type ControlPlaneInMemory, createControlPlaneInMemory } from './control-plane-in-memory.ts';
import { fenced } from './fenced-cluster.ts';
import { lastWords, type Misbehaviour, misusedCluster, misusedControlPlane, ownEnd } from './misbehaviour.ts';
import { type Act, notingPolls } from './noted-acts.ts';
import { createSetClock } from './set-clock.ts';
import { openRepository, type TestRepository } from './test-repository.ts';

export interface GatewayWorld {
  readonly clock: VirtualClock;
  readonly simulated: SimulatedCluster;
  readonly server: ControlPlaneInMemory;
  readonly logs: readonly string[];
  readonly releases: TestRepository;
  /** What agents did that only one may do at a time. */
  readonly acts: readonly Act[];
  agentOf(version: string): { readonly version: string; readonly digest: string };
  misbehave(version: string, how: Misbehaviour): void;
  /** From now on the API server's clock is off by so much more. */
  setClock(milliseconds: number): void;
  /** Gives the gateway that target with the next generation. */
  order(target: Omit<Target, 'generation' | 'settings'>): void;
  /** Names the agent of that release in the next target. */
  orderAgent(version: string, more?: { readonly isRetried?: boolean }): void;
  /** As when somebody applies the install manifest once more. */
  applyManifestAgain(): Promise<void>;
  /** Asks again, letting time pass, until the answer is not undefined. */
  waitFor<T>(what: string, seconds: number, read: () => T | undefined | Promise<T | undefined>): Promise<T>;
  dispose(): Promise<void>;
}

export const gatewayId = '3b241101-e2bb-4255-8caf-4136c566a962';
export const repository = 'registry.example/gatehouse/agent';
/** By all clocks of the gateway. */
export const start = toInstant(Date.parse('2026-11-23T08:00:00Z'));
const provider = 'vsphere';

function parsed<T>(value: T | undefined, text: string): T {
  if (value === undefined) throw new TypeError(text);
  return value;
}
const platformVersion = (text: string) => parsed(parsePlatformVersion(text), text);
const kubernetesVersion = (text: string) => parsed(parseKubernetesVersion(text), text);

export interface GatewayWorldOptions {
  readonly installation: 'cli' | 'existing-cluster';
  readonly controlPlanes?: number;
  readonly workers?: number;
  /** As the setting `timings`. */
  readonly timings?: object;
  /** When the releases were signed; now, unless it says otherwise. */
  readonly signedAt?: Date;
  /** Of somebody who has many gateways and disposes of it; else one of its own. */
  readonly releases?: TestRepository;
}

export async function createGatewayWorld(options: GatewayWorldOptions): Promise<GatewayWorld> {
  const releases = options.releases ?? (await openRepository(options.signedAt));
  const clock = createIdleClock();
  const server = createControlPlaneInMemory({ gatewayId, token: 'token-1', repository: releases, clock });
  const misbehaviour = new Map<string, Misbehaviour>();
  const logs: string[] = [];
  const acts: Act[] = [];
  const setClock = createSetClock(() => clock.wall());

  const simulated = createSimulatedCluster({
    clock,
    runtime: createFunctionPods(({ digest }) => {
      const version = releases.versionOfAgent(digest);
      const how = version === undefined ? undefined : (misbehaviour.get(version) ?? {});
      return how === undefined || how.isMissing === true ? undefined : program(how);
    }),
    state: newSimulatedState(
      options.installation === 'cli'
        ? {
            kind: 'cluster-api',
            cluster: {
              clusterName: 'site-a',
              version: kubernetesVersion('1.26.8'),
              osVariable: 'osImage',
              os: 'ubuntu-2204-kube-v1.26.8',
              controlPlanes: options.controlPlanes ?? 3,
              workers: options.workers ?? 0,
            },
          }
        : { kind: 'existing', kubernetes: kubernetesVersion('1.26.8'), nodes: [] },
      start,
    ),
  });

  /** What a pod does: the very program, and what its version does wrong. */
  const program =
    (how: Misbehaviour): PodProgram =>
    async (pod) => {
      if (pod.owner.kind === 'guard') return asGuard(pod);
      const isRehearsal = pod.owner.kind === 'rehearsal';
      if (how.exits === 'both' || how.exits === (isRehearsal ? 'in-rehearsal' : 'as-agent')) {
        pod.print(lastWords.atStart);
        return 3;
      }
      if (isRehearsal) return asRehearsal(pod, how.breaksTrust === 'both' ? { breaksTrust: 'both' } : {});
      const end = ownEnd(how, pod.restarts);
      if (end === undefined) return asAgent(pod, how);
      const ended = clock.sleep(end.afterSeconds * 1_000, pod.cutOff).then(() => {
        pod.print(lastWords.later);
        return end;
      });
      return Promise.race([asAgent(pod, how), ended]);
    };
  const selfOf = ({ podName, release }: PodContext): Self => ({ podName, release, repository });
  const note =
    ({ podName, owner }: PodContext) =>
    (what: string): void => {
      const { holder } = simulated.read().lease ?? {};
      if (owner.kind === 'replica-set') acts.push({ at: clock.wall(), podName, what, holder });
    };
  const common = (pod: PodContext) => {
    const log = createLog(
      clock,
      (line) => {
        logs.push(line.trimEnd());
        pod.print(line.trimEnd());
      },
      { pod: pod.podName },
    );
    const reached = fenced(simulated.connect(pod.podName), { cutOff: pod.cutOff, note: note(pod) });
    return {
      cluster: withSteadyTime(setClock.around(reached), clock, log),
      self: selfOf(pod),
      environment: { GATEHOUSE_TIMINGS: JSON.stringify(options.timings ?? {}) },
      clock,
      log,
    };
  };
  const openControlPlane = (pod: PodContext, how: Misbehaviour, age: () => number) => () => ({
    controlPlane: misusedControlPlane(notingPolls(server.connect(pod.podName), note(pod)), how, age),
    close: async () => {},
  });
  const ageOf = (): (() => number) => {
    const startedAt = clock.monotonic();
    return () => clock.monotonic() - startedAt;
  };
  const asAgent = async (pod: PodContext, how: Misbehaviour): Promise<number> => {
    const whole = common(pod);
    const age = ageOf();
    if (how.hangs === true) return new Promise<never>(() => {});
    await runAgent({
      ...whole,
      cluster: misusedCluster(whole.cluster, how, age),
      openControlPlane: openControlPlane(pod, how, age),
      serveHealth: async (isReady) => {
        pod.probeWith(() => isReady().ready);
        return { close: async () => pod.probeWith(() => false) };
      },
      signal: AbortSignal.any([pod.terminated, pod.cutOff]),
    });
    return 0;
  };
  const asGuard = async (pod: PodContext): Promise<number> => {
    await runGuard({ ...common(pod), signal: AbortSignal.any([pod.terminated, pod.cutOff]) });
    return 0;
  };
  const asRehearsal = async (pod: PodContext, how: Misbehaviour): Promise<number> => {
    const attemptId = pod.owner.kind === 'rehearsal' ? pod.owner.attemptId : '';
    const whole = common(pod);
    const age = ageOf();
    const cluster = misusedCluster(whole.cluster, how, age);
    const result = await rehearse({
      ...whole,
      cluster,
      openControlPlane: openControlPlane(pod, how, age),
      attemptId,
    });
    pod.print(result.message);
    return result.exitCode;
  };

  const installer = simulated.connect();
  const first = releases.release('4.1.12').agent;
  const applyManifest = async (): Promise<void> => {
    const before = await installer.readMap('settings');
    await installer.writeMap('settings', settings(releases.root, options), before?.resourceVersion);
    simulated.installGuard({ version: platformVersion(first.version), digest: first.digest }, repository);
  };
  await installer.writeMap('identity', { registrationToken: 'token-1' }, undefined);
  await applyManifest();

  let generation = 0;
  const world: GatewayWorld = {
    clock,
    simulated,
    server,
    logs,
    releases,
    acts,
    applyManifestAgain: applyManifest,
    agentOf: (version) => {
      const { version: agentVersion, digest } = releases.release(version).agent;
      return { version: agentVersion, digest };
    },
    setClock: setClock.set,
    misbehave: (version, how) => {
      misbehaviour.set(version, how);
    },
    order: (target) => {
      generation += 1;
      const { controlPlanes = 3, workers = 0 } = options;
      server.target = { ...target, generation, settings: { controlPlanes, workers } };
    },
    orderAgent: (version, { isRetried = false } = {}) => {
      world.order({ agent: { release: version, ...world.agentOf(version), isRetried } });
    },
    async waitFor(what, seconds, read) {
      for (let passed = 0; passed <= seconds * 1_000; passed += 100) {
        const found = await read();
        if (found !== undefined) return found;
        await clock.advance(100);
      }
      throw new Error(`not seen within ${seconds} s: ${what}\n${logs.slice(-40).join('\n')}`);
    },
    async dispose() {
      const stopped = simulated.stop();
      // Everything that still sleeps sees that it is over, and what does not end by itself is killed.
      await clock.advance(60_000);
      await stopped;
      if (options.releases === undefined) await releases.dispose();
    },
  };
  return world;
}

const stepMilliseconds = 100;

/**
 * Virtual time that stands still while a file is read or written, since that takes real time: else a slow disk would
 * look like a slow gateway.
 */
function createIdleClock(): VirtualClock {
  const clock = createVirtualClock(start);
  return {
    ...clock,
    async advance(span) {
      for (let left = span; left > 0; left -= stepMilliseconds) {
        await clock.advance(Math.min(left, stepMilliseconds));
        await untilFilesRest();
      }
    },
  };
}

const isFileBusy = (): boolean => process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));

async function untilFilesRest(): Promise<void> {
  // What one access finished may begin the next, so it has to rest twice in a row.
  for (let rests = 0; rests < 2; ) {
    rests = isFileBusy() ? 0 : rests + 1;
    await new Promise(setImmediate);
  }
}

function settings(
  root: Uint8Array,
  options: { readonly installation: string; readonly timings?: object },
): Readonly<Record<string, string>> {
  return {
    serverUrl: 'https://hub.example.com',
    gatewayId,
    gatewayName: 'site-a',
    installation: options.installation,
    provider,
    rootJson: Buffer.from(root).toString('utf8'),
    timings: JSON.stringify(options.timings ?? {}),
  };
}
