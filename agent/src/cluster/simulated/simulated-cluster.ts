/**
 * A whole simulated cluster: the store, its controllers, the kubelet, and time. The sandbox gives it processes for pods
 * and the machine's clock; a test gives it functions and a clock that it moves by itself.
 */

import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { ObservedNode } from '@gatehouse/domain/gateway';
import type { Instant, Milliseconds } from '@gatehouse/domain/instant';
import type { KubernetesVersion } from '@gatehouse/domain/version';
import type { Clock } from '../../clock.ts';
import { type Cluster, ClusterUnreachable } from '../cluster.ts';
import { isMoving, moveClusterApi, observeNodes } from './cluster-api.ts';
import type { ClusterApiState } from './cluster-api-state.ts';
import { connectToStore } from './connection.ts';
import { createKubelet, type KubeletPace, kubernetesPace } from './kubelet.ts';
import { createOwner, type SimulatedOwner } from './owner.ts';
import type { PodRuntime } from './pod-runtime.ts';
import type { PodState, SimulatedState, Troubles } from './state.ts';
import { countWrite, createStore, type Store } from './store.ts';
import { renderSimulatedTemplate } from './template.ts';
import { type NewCluster, newClusterApi } from './topology-patch.ts';
import { nextWorkloadChange, reconcileWorkload, unready } from './workload.ts';

export interface SimulatedPace {
  readonly kubelet: KubeletPace;
  /** From a write until the controllers act on it. */
  readonly controllerDelay: Milliseconds;
  /** How much of the clock's time a second of the simulated machines takes. */
  readonly machineSecond: Milliseconds;
}

export const realPace: SimulatedPace = { kubelet: kubernetesPace, controllerDelay: 100, machineSecond: 1_000 };

export interface SimulatedCluster {
  /** The cluster as that pod sees it. Without a name: as somebody from outside does. */
  connect(podName?: string): Cluster;
  readonly owner: SimulatedOwner;
  read(): SimulatedState;
  onChange(listener: () => void): void;
  /** As the install manifest does: from then on a guard runs. Installed once; another release changes nothing. */
  installGuard(release: AgentRelease, repository: string): void;
  setTroubles(change: (troubles: Troubles) => Troubles): void;
  /** Holds up every call of that pod and fails its probe, as SIGSTOP does; or lets it go on. */
  freeze(podName: string, isFrozen: boolean): void;
  /**
   * Stops the kubelet, or starts it again: programs run on unseen. As in Kubernetes, pods count as not Ready after 40 s
   * and are deleted 30 s later (what the agent tolerates), which only a kubelet that runs carries out.
   */
  setKubelet(isRunning: boolean): void;
  /** Every pod's program is killed at once; the kubelet is back after that many milliseconds. */
  reboot(span: Milliseconds): Promise<void>;
  /** While they are stopped nothing is made of what is written: no pod, no machine. */
  setControllers(areRunning: boolean): void;
  /** Whether the API server answers at all. */
  setReachable(isReachable: boolean): void;
  /** Controllers and pods come to a stop. The state stays as it is. */
  stop(): Promise<void>;
}

export type NewSimulatedCluster =
  | { readonly kind: 'cluster-api'; readonly cluster: NewCluster; readonly freeAddresses?: number }
  | { readonly kind: 'existing'; readonly kubernetes: KubernetesVersion; readonly nodes: readonly ObservedNode[] };

/** The state of a cluster in which nothing of ours is yet. */
export function newSimulatedState(from: NewSimulatedCluster, now: Instant): SimulatedState {
  const empty = { schema: 1, writes: 1, maps: {}, replicaSets: [], pods: [], objects: {}, troubles: {} } as const;
  if (from.kind === 'existing') {
    return { ...empty, ownersKubernetes: from.kubernetes, ownersNodes: from.nodes };
  }
  const { freeAddresses } = from;
  const state = { ...empty, clusterApi: newClusterApi(from.cluster, now) };
  return freeAddresses === undefined ? state : { ...state, freeAddresses };
}

export function createSimulatedCluster(parts: {
  readonly clock: Clock;
  readonly runtime: PodRuntime;
  readonly state: SimulatedState;
  readonly pace?: SimulatedPace;
}): SimulatedCluster {
  const { clock, pace = realPace } = parts;
  const store = createStore(parts.state);
  const life = new AbortController();
  const frozen = new Map<string, { readonly thawed: Promise<void>; readonly thaw: () => void }>();
  const fenced = new Set<string>();
  let isReachable = true;

  const pass = async (podName: string | undefined): Promise<void> => {
    if (podName !== undefined) await frozen.get(podName)?.thawed;
    if (life.signal.aborted || !isReachable) throw new ClusterUnreachable('the simulated API server does not answer');
    if (podName !== undefined && fenced.has(podName)) throw new ClusterUnreachable(`${podName} is no more`);
  };
  const runtime: PodRuntime = {
    pull: (release) => parts.runtime.pull(release),
    start(order) {
      const running = parts.runtime.start(order);
      return { ...running, isReady: async () => !frozen.has(order.podName) && (await running.isReady()) };
    },
  };
  const kubelet = createKubelet({ store, clock, runtime, pace: pace.kubelet });
  let silence: AbortController | undefined;
  const setKubelet = (isRunning: boolean): void => {
    kubelet.setStopped(!isRunning);
    silence?.abort();
    silence = undefined;
    if (isRunning) return;
    silence = new AbortController();
    void giveUpNode({ store, clock, isHeard: AbortSignal.any([silence.signal, life.signal]) });
  };
  const controllers = runControllers({ store, clock, pace, stopped: life.signal });

  store.onChange(() => {
    kubelet.look();
    controllers.look();
  });
  kubelet.look();
  controllers.look();

  return {
    connect: (podName) => connectToStore({ store, clock, pass: () => pass(podName) }),
    owner: createOwner(store, clock),
    read: () => store.read(),
    onChange: (listener) => store.onChange(listener),
    installGuard(release, repository) {
      const guard = renderSimulatedTemplate(release, { repository });
      store.write((state) => (state.guard === undefined ? { ...state, guard } : state));
    },
    setTroubles: (change) => store.write((state) => ({ ...state, troubles: change(state.troubles) })),
    freeze(podName, isFrozen) {
      const now = frozen.get(podName);
      if (isFrozen && now === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        frozen.set(podName, { thawed: promise, thaw: resolve });
      }
      if (!isFrozen && now !== undefined) {
        frozen.delete(podName);
        now.thaw();
      }
    },
    setKubelet,
    async reboot(span) {
      setKubelet(false);
      kubelet.killAll();
      await clock.sleep(span, life.signal);
      setKubelet(true);
    },
    setControllers: (areRunning) => controllers.setRunning(areRunning),
    setReachable(reachable) {
      isReachable = reachable;
    },
    async stop() {
      life.abort();
      for (const { thaw } of frozen.values()) thaw();
      await kubelet.stop();
    },
  };
}

/** After that a node that does not report counts as not ready (`--node-monitor-grace-period`). */
const nodeGrace: Milliseconds = 40_000;
/** Of the agent's pods. */
const toleration: Milliseconds = 30_000;

async function giveUpNode(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly isHeard: AbortSignal;
}): Promise<void> {
  const { store, clock, isHeard } = parts;
  const changeAll = (change: (pod: PodState) => PodState): void =>
    store.write((state) => ({ ...state, pods: state.pods.map(change) }));
  await clock.sleep(nodeGrace, isHeard);
  if (isHeard.aborted) return;
  const silentSince = clock.wall();
  changeAll((pod) => (pod.isReady ? { ...unready(pod), nodeSilentSince: silentSince } : pod));
  await clock.sleep(toleration, isHeard);
  if (isHeard.aborted) return;
  changeAll((pod) => ({ ...pod, isDeleting: true }));
}

const suffixLength = 5;

/** The name's last part, and a node that is ready and stays. */
function newPod(store: Store, clock: Clock): { readonly suffix: string; readonly nodeName?: string } {
  const suffix = Array.from({ length: suffixLength }, () => Math.floor(clock.random() * 36).toString(36)).join('');
  const { clusterApi, ownersNodes } = store.read();
  const nodes = (clusterApi ? observeNodes(clusterApi) : (ownersNodes ?? [])).filter((node) => node.ready === true);
  const node = nodes[Math.floor(clock.random() * nodes.length)];
  return node === undefined ? { suffix } : { suffix, nodeName: node.name };
}

/** How often machines are looked at while they move, in their seconds. */
const machineLook = 0.5;

function runControllers(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly pace: SimulatedPace;
  readonly stopped: AbortSignal;
}): { look(): void; setRunning(isRunning: boolean): void } {
  const { store, clock, pace, stopped } = parts;
  /** At most one look is due at any time; an earlier one replaces it. */
  let due: { readonly at: Milliseconds; readonly replaced: AbortController } | undefined;

  const lookIn = (span: Milliseconds): void => {
    const at = clock.monotonic() + span;
    if (stopped.aborted || (due !== undefined && due.at <= at)) return;
    due?.replaced.abort();
    const replaced = new AbortController();
    due = { at, replaced };
    void clock.sleep(span, AbortSignal.any([replaced.signal, stopped])).then(() => {
      if (replaced.signal.aborted || stopped.aborted) return;
      due = undefined;
      act();
    });
  };
  let isRunning = true;
  const act = (): void => {
    if (!isRunning) return;
    const now = clock.wall();
    store.write((state) => moveMachines(state, now, pace.machineSecond));
    store.write((state) => reconcileWorkload(state, now, () => newPod(store, clock)));
    const { clusterApi } = store.read();
    if (clusterApi !== undefined && isMoving(clusterApi)) lookIn(machineLook * pace.machineSecond);
    const next = nextWorkloadChange(store.read(), now);
    if (next !== undefined) lookIn(next - now);
  };
  const look = (): void => lookIn(pace.controllerDelay);
  return {
    look,
    setRunning: (running) => {
      isRunning = running;
      look();
    },
  };
}

function moveMachines(state: SimulatedState, now: Instant, second: Milliseconds): SimulatedState {
  if (state.clusterApi === undefined) return state;
  const moved = moveClusterApi(state.clusterApi, { now, second, troubles: state.troubles });
  if (moved === state.clusterApi) return state;
  const next = drain({ ...state, clusterApi: moved });
  if (!isClusterWritten(state.clusterApi, moved)) return next;
  const counted = countWrite(next);
  return { ...counted.state, clusterApi: { ...moved, resourceVersion: counted.resourceVersion } };
}

/** Whether a controller wrote the Cluster itself, not only what belongs to it. */
function isClusterWritten(before: ClusterApiState, after: ClusterApiState): boolean {
  return before.isObserved !== after.isObserved || before.isTopologyReconciled !== after.isTopologyReconciled;
}

/** A machine that leaves takes its pods with it: in a gateway that Gatehouse installed, guard and agent live on the nodes that are replaced. */
function drain(state: SimulatedState): SimulatedState {
  const { clusterApi } = state;
  if (clusterApi === undefined) return state;
  const leaving = new Set(
    [clusterApi.controlPlane, ...clusterApi.workers]
      .flatMap((set) => set.machines)
      .filter((machine) => machine.phase === 'Deleting')
      .map((machine) => machine.nodeName),
  );
  const isEvicted = ({ nodeName, isDeleting }: SimulatedState['pods'][number]): boolean =>
    nodeName !== undefined && leaving.has(nodeName) && !isDeleting;
  if (!state.pods.some(isEvicted)) return state;
  return { ...state, pods: state.pods.map((pod) => (isEvicted(pod) ? { ...pod, isDeleting: true } : pod)) };
}
