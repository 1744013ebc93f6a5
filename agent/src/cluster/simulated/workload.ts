/**
 * What the controllers of Deployments, ReplicaSets and Jobs make of a state: which pods there should be. As Kubernetes
 * does it (kubernetes/pkg/controller/deployment/rolling.go) for one replica with maxSurge 1 and maxUnavailable 0: the
 * old pod goes only when the new one was ready for minReadySeconds, also when the old one is not well. Never starts or
 * ends a process; `kubelet.ts` does.
 */

import { isDeepStrictEqual } from 'node:util';
import { addMilliseconds, type Instant, seconds } from '@gatehouse/domain/instant';
import type { AgentTemplate } from '../cluster.ts';
import type { DeploymentState, PodState, ReplicaSetState, SimulatedState } from './state.ts';
import { without } from './store.ts';
import { repositoryOf } from './template.ts';

/** How many templates of replaced agents are kept (`revisionHistoryLimit`). */
const historyMax = 10;
const wanted = 1;
const surge = 1;

export interface NewPod {
  /** The part of its name that is not known from its owner. */
  readonly suffix: string;
  readonly nodeName?: string;
}

/** `newPod` gives each pod that is made its suffix and its node. */
export function reconcileWorkload(state: SimulatedState, now: Instant, newPod: () => NewPod): SimulatedState {
  const scaled = reconcileDeployment(state, now);
  const withAgents = reconcileReplicaSets(scaled, now, newPod);
  const withOthers = reconcileGuard(reconcileRehearsal(withAgents, now, newPod), now, newPod);
  const next = writeStatus(withOthers, now);
  const isSame =
    isDeepStrictEqual(next.pods, state.pods) &&
    isDeepStrictEqual(next.replicaSets, state.replicaSets) &&
    isDeepStrictEqual(next.deployment, state.deployment);
  // The same value says that there was nothing to do.
  return isSame ? state : next;
}

/** When time alone will change what `reconcileWorkload` answers: the next pod that becomes available. */
export function nextWorkloadChange(state: SimulatedState, now: Instant): Instant | undefined {
  const due = state.pods
    .map((pod) => availableAt(state, pod))
    .filter((at): at is Instant => at !== undefined && at > now);
  return due.toSorted((a, b) => a - b)[0];
}

/** A stable short name of a template, as `pod-template-hash`. FNV-1a over its canonical text. */
export function templateHash(template: AgentTemplate): string {
  let hash = 0x811c9dc5;
  for (const character of canonical(template)) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return hash.toString(36);
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}

const podsOf = (state: SimulatedState, hash: string): readonly PodState[] =>
  state.pods.filter((pod) => pod.owner.kind === 'replica-set' && pod.owner.hash === hash && !pod.isDeleting);

function availableAt(state: SimulatedState, pod: PodState): Instant | undefined {
  const { owner } = pod;
  if (owner.kind !== 'replica-set' || !pod.isReady || pod.readySince === undefined || pod.isDeleting) return undefined;
  const set = state.replicaSets.find(({ hash }) => hash === owner.hash);
  return set && addMilliseconds(pod.readySince, seconds(set.minReadySeconds));
}

function countAvailable(state: SimulatedState, hash: string, now: Instant): number {
  return podsOf(state, hash).filter((pod) => {
    const at = availableAt(state, pod);
    return at !== undefined && at <= now;
  }).length;
}

function reconcileDeployment(state: SimulatedState, now: Instant): SimulatedState {
  const { deployment } = state;
  // What a Deployment owned goes with it. A paused one makes and scales nothing; its ReplicaSets keep their pods.
  if (deployment === undefined) return { ...state, replicaSets: [] };
  if (deployment.isPaused) return state;
  const replicaSets = adopt(state.replicaSets, deployment);
  return { ...state, replicaSets: scale({ ...state, replicaSets }, templateHash(deployment.template), now) };
}

/** The ReplicaSet of the Deployment's template, made or found again, as the newest. */
function adopt(sets: readonly ReplicaSetState[], deployment: DeploymentState): readonly ReplicaSetState[] {
  const hash = templateHash(deployment.template);
  const { minReadySeconds, template } = deployment;
  const others = sets.filter((set) => set.hash !== hash);
  const found = sets.find((set) => set.hash === hash) ?? { hash, template, replicas: 0, minReadySeconds };
  const old = others.filter((set) => set.replicas === 0).slice(-historyMax);
  return [...others.filter((set) => set.replicas > 0 || old.includes(set)), { ...found, minReadySeconds }];
}

function scale(state: SimulatedState, newest: string, now: Instant): readonly ReplicaSetState[] {
  const sets = state.replicaSets;
  const total = sets.reduce((sum, set) => sum + set.replicas, 0);
  const current = sets.find((set) => set.hash === newest)?.replicas ?? 0;
  const up = Math.min(wanted - current, wanted + surge - total);
  if (up > 0) return setReplicas(sets, newest, current + up);

  const available = new Map(sets.map(({ hash }) => [hash, countAvailable(state, hash, now)]));
  const availableOf = (hash: string): number => available.get(hash) ?? 0;
  const removable = total - wanted - (current - availableOf(newest));
  const isOld = ({ hash }: ReplicaSetState): boolean => hash !== newest;
  // First what is not well among the old ones, then the well ones, as long as enough are left that are available.
  const unwell = remove(sets, removable, isOld, ({ hash, replicas }) => replicas - availableOf(hash));
  const spare = [...available.values()].reduce((sum, count) => sum + count, 0) - wanted;
  return remove(unwell.sets, Math.min(removable - unwell.removed, spare), isOld, ({ replicas }) => replicas).sets;
}

function remove(
  sets: readonly ReplicaSetState[],
  countMax: number,
  which: (set: ReplicaSetState) => boolean,
  removable: (set: ReplicaSetState) => number,
): { readonly sets: readonly ReplicaSetState[]; readonly removed: number } {
  let removed = 0;
  let result = sets;
  for (const set of sets) {
    const count = which(set) ? Math.min(countMax - removed, removable(set)) : 0;
    if (count <= 0) continue;
    removed += count;
    result = setReplicas(result, set.hash, set.replicas - count);
  }
  return { sets: result, removed };
}

const setReplicas = (sets: readonly ReplicaSetState[], hash: string, replicas: number): readonly ReplicaSetState[] =>
  sets.map((set) => (set.hash === hash ? { ...set, replicas } : set));

function statusOf(state: SimulatedState, deployment: DeploymentState, now: Instant): DeploymentState['status'] {
  const count = (of: (hash: string) => number): number =>
    state.replicaSets.reduce((sum, { hash }) => sum + of(hash), 0);
  const newest = templateHash(deployment.template);
  const failure = replicaFailure(state);
  return {
    observedGeneration: deployment.generation,
    replicas: count((hash) => podsOf(state, hash).length),
    updatedReplicas: podsOf(state, newest).length,
    availableReplicas: count((hash) => countAvailable(state, hash, now)),
    ...(failure === undefined ? {} : { replicaFailure: failure }),
  };
}

/** Terminating pods count against a quota until they are gone. */
function isFull(state: SimulatedState): boolean {
  return state.podsMax !== undefined && state.pods.length >= state.podsMax;
}

function replicaFailure(state: SimulatedState): string | undefined {
  const lacking = state.replicaSets.find((set) => podsOf(state, set.hash).length < set.replicas);
  if (lacking === undefined || !isFull(state)) return undefined;
  return `pods "gatehouse-agent-${lacking.hash}-" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=${state.pods.length}, limited: pods=${state.podsMax}`;
}

function reconcileReplicaSets(before: SimulatedState, now: Instant, newPod: () => NewPod): SimulatedState {
  const hashes = new Set(before.replicaSets.map(({ hash }) => hash));
  let state = markDeleting(before, ({ owner }) => owner.kind === 'replica-set' && !hashes.has(owner.hash));
  for (const set of state.replicaSets) {
    const pods = podsOf(state, set.hash);
    const names = pods.slice(0, Math.max(0, pods.length - set.replicas)).map((pod) => pod.name);
    state = markDeleting(state, (pod) => names.includes(pod.name));
    for (let count = pods.length; count < set.replicas && !isFull(state); count += 1) {
      const owner = { kind: 'replica-set', hash: set.hash } as const;
      state = {
        ...state,
        pods: [...state.pods, makePod(`gatehouse-agent-${set.hash}`, set.template, owner, now, newPod())],
      };
    }
  }
  return state;
}

function writeStatus(state: SimulatedState, now: Instant): SimulatedState {
  const { deployment } = state;
  return deployment === undefined
    ? state
    : { ...state, deployment: { ...deployment, status: statusOf(state, deployment, now) } };
}

/** The Job's pod is made once and not again: a rehearsal that failed has failed. It goes with the Job. */
function reconcileRehearsal(state: SimulatedState, now: Instant, newPod: () => NewPod): SimulatedState {
  const { rehearsal } = state;
  const isOf = ({ owner }: PodState): boolean => owner.kind === 'rehearsal' && owner.attemptId === rehearsal?.attemptId;
  const cleared = markDeleting(state, (pod) => pod.owner.kind === 'rehearsal' && !isOf(pod));
  if (rehearsal === undefined || cleared.pods.some(isOf) || isFull(cleared)) return cleared;
  const { attemptId, template } = rehearsal;
  const pod = makePod('gatehouse-agent-rehearsal', template, { kind: 'rehearsal', attemptId }, now, newPod());
  return { ...cleared, pods: [...cleared.pods, pod] };
}

/** Its strategy is Recreate: the next one comes when the former is gone. */
function reconcileGuard(state: SimulatedState, now: Instant, newPod: () => NewPod): SimulatedState {
  if (state.guard === undefined || state.pods.some(({ owner }) => owner.kind === 'guard') || isFull(state))
    return state;
  const pod = makePod('gatehouse-guard', state.guard, { kind: 'guard' }, now, newPod());
  return { ...state, pods: [...state.pods, pod] };
}

function markDeleting(state: SimulatedState, which: (pod: PodState) => boolean): SimulatedState {
  if (!state.pods.some((pod) => which(pod) && !pod.isDeleting)) return state;
  return { ...state, pods: state.pods.map((pod) => (which(pod) ? { ...pod, isDeleting: true } : pod)) };
}

function makePod(
  namePrefix: string,
  template: AgentTemplate,
  owner: PodState['owner'],
  now: Instant,
  fresh: NewPod,
): PodState {
  const repository = repositoryOf(template);
  const pod = {
    name: `${namePrefix}-${fresh.suffix}`,
    owner,
    release: template.release,
    ...(repository === undefined ? {} : { repository }),
    createdAt: now,
    isReady: false,
    isDeleting: false,
    restarts: 0,
    waiting: { reason: 'ContainerCreating' },
    phase: 'running',
  } as const;
  return fresh.nodeName === undefined ? pod : { ...pod, nodeName: fresh.nodeName };
}

/** One pod replaced by what `change` makes of it; the others, and a pod that is gone, stay as they are. */
export function changePod(state: SimulatedState, name: string, change: (pod: PodState) => PodState): SimulatedState {
  return { ...state, pods: state.pods.map((pod) => (pod.name === name ? change(pod) : pod)) };
}

/** A pod that is not ready since now on. */
export function unready(pod: PodState): PodState {
  return without({ ...pod, isReady: false }, 'readySince');
}
