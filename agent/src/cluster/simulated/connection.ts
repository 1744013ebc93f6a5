/**
 * A simulated cluster as one pod sees it: the door's reads and writes over the store. Each pod has a connection of its
 * own, since a patch of the Cluster is conditional on what that pod last read.
 */

import { randomUUID } from 'node:crypto';
import type {
  ObservedAgentDeployment,
  ObservedAgentPod,
  ObservedLease,
  ObservedRehearsal,
} from '@gatehouse/domain/agent-cluster';
import type { Clock } from '../../clock.ts';
import type { ApplyAgentDeployment, Cluster, KeepResult, ProfileCluster, StoredMap, WriteResult } from '../cluster.ts';
import { observeClusterApi, observeNodes } from './cluster-api.ts';
import * as objects from './objects.ts';
import type { DeploymentState, LeaseState, PodState, SimulatedState } from './state.ts';
import { countWrite, type Store, without } from './store.ts';
import { renderSimulatedTemplate } from './template.ts';
import { deleteMachine, patchTopology } from './topology-patch.ts';

export interface ConnectionParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Awaited before each call; rejects with `ClusterUnreachable` when the call cannot get through. */
  readonly pass: () => Promise<void>;
}

export function connectToStore(parts: ConnectionParts): Cluster {
  const { store, clock, pass } = parts;
  const read = async <T>(from: (state: SimulatedState) => T): Promise<T> => {
    await pass();
    return from(store.read());
  };
  /** One write, whole or not at all. `undefined` as the new state: nothing is written. */
  const write = async <T>(
    to: (state: SimulatedState) => { readonly state?: SimulatedState; readonly answer: T },
  ): Promise<T> => {
    await pass();
    const { state, answer } = to(store.read());
    if (state !== undefined) store.write(() => state);
    return answer;
  };

  const agent: Omit<Cluster, 'profile'> = {
    kind: 'simulated',
    async now() {
      await pass();
      return clock.wall();
    },

    readMap: (name) => read((state) => state.maps[name]),
    writeMap: (name, data, resourceVersion) =>
      write<StoredMap | 'conflict'>((state) => {
        const before = state.maps[name];
        if (before?.resourceVersion !== resourceVersion) return { answer: 'conflict' };
        const counted = countWrite(state);
        const merged = Object.entries({ ...before?.data, ...data }).filter(isSet);
        const stored: StoredMap = {
          data: Object.fromEntries(merged),
          resourceVersion: counted.resourceVersion,
          // Not by the cluster's clock, which gives every cluster the same ones.
          uid: before?.uid ?? randomUUID(),
        };
        return { state: { ...counted.state, maps: { ...counted.state.maps, [name]: stored } }, answer: stored };
      }),

    readLease: () => read((state) => state.lease && observeLease(state.lease)),
    writeLease: (holder, resourceVersion) =>
      write<ObservedLease | 'conflict'>((state) => {
        if (state.lease?.resourceVersion !== resourceVersion) return { answer: 'conflict' };
        const counted = countWrite(state);
        const base = { resourceVersion: counted.resourceVersion, renewedAt: clock.wall() };
        const lease: LeaseState = holder === undefined ? base : { ...base, holder };
        return { state: { ...counted.state, lease }, answer: observeLease(lease) };
      }),

    readDeployment: () => read((state) => state.deployment && observeDeployment(state.deployment)),
    applyDeployment: (order) =>
      write<WriteResult>((state) => {
        const refusal = refusalOf(state.deployment, order);
        if (refusal !== undefined) return { answer: refusal };
        return { state: applyOrder(state, order), answer: 'written' };
      }),
    dryRunDeployment: (order) => read((state) => refusalOf(state.deployment, order) ?? 'written'),
    listPods: () => read((state) => state.pods.filter(({ owner }) => owner.kind === 'replica-set').map(observePod)),
    readTemplate: (digest) =>
      read((state) => state.replicaSets.find(({ template }) => template.release.digest === digest)?.template),
    renderTemplate: renderSimulatedTemplate,

    startRehearsal: (attemptId, template) =>
      write<WriteResult>((state) => {
        const running = state.rehearsal;
        if (running?.attemptId === attemptId) return { answer: 'written' };
        const isLeaving = state.pods.some(({ owner }) => owner.kind === 'rehearsal');
        if (running !== undefined || isLeaving) return { answer: 'conflict' };
        return { state: { ...state, rehearsal: { attemptId, template, startedAt: clock.wall() } }, answer: 'written' };
      }),
    readRehearsal: () => read(observeRehearsal),
    deleteRehearsal: () =>
      write((state) =>
        state.rehearsal === undefined
          ? { answer: undefined }
          : { state: without(state, 'rehearsal'), answer: undefined },
      ),

    async readKubernetesVersion() {
      const { clusterApi, ownersKubernetes } = await read((state) => state);
      const version = clusterApi
        ? observeClusterApi(clusterApi, clock.wall()).controlPlane.statusVersion
        : ownersKubernetes;
      if (version === undefined) throw new Error('the simulated cluster has no Kubernetes version');
      return version;
    },
    listNodes: () => read((state) => (state.clusterApi ? observeNodes(state.clusterApi) : (state.ownersNodes ?? []))),
  };
  if (store.read().clusterApi === undefined) return agent;
  return { ...agent, profile: connectProfile(parts, read, write) };
}

type Read = <T>(from: (state: SimulatedState) => T) => Promise<T>;
type Write = <T>(to: (state: SimulatedState) => { readonly state?: SimulatedState; readonly answer: T }) => Promise<T>;

function connectProfile({ clock }: ConnectionParts, read: Read, write: Write): ProfileCluster {
  /** The Cluster's resource version as this pod last read it. */
  let lastSeen: string | undefined;
  return {
    async readClusterApi() {
      const state = await read(clusterApiOf);
      lastSeen = state.resourceVersion;
      return observeClusterApi(state, clock.wall());
    },
    patchTopology: (patch) =>
      write<WriteResult>((state) => {
        const clusterApi = clusterApiOf(state);
        if (clusterApi.resourceVersion !== lastSeen) return { answer: 'conflict' };
        const result = patchTopology(clusterApi, patch, clock.wall());
        if (result.kind === 'refused') return { answer: result };
        const counted = countWrite(state);
        return {
          state: { ...counted.state, clusterApi: { ...result.state, resourceVersion: counted.resourceVersion } },
          answer: 'written',
        };
      }),
    deleteMachine: (name) =>
      write<WriteResult>((state) => {
        const result = deleteMachine(clusterApiOf(state), name, clock.wall());
        if (result.kind === 'refused') return { answer: result };
        return { state: { ...state, clusterApi: result.state }, answer: 'written' };
      }),
    applyObject: (object, options) =>
      write<WriteResult>((state) => {
        const refusal = objects.refusalOf(object);
        if (refusal !== undefined) return { answer: refusal };
        return options.dryRun
          ? { answer: 'written' }
          : { state: objects.applyObject(state, object, clock), answer: 'written' };
      }),
    keepObject: (object) =>
      write<KeepResult>((state) => {
        const refusal = objects.refusalOf(object);
        return refusal === undefined ? objects.keepObject(state, object, clock) : { answer: refusal };
      }),
    readObject: (reference) => read((state) => state.objects[objects.objectKey(reference)]),
    deleteObject: (reference) =>
      write<WriteResult>((state) => ({
        state: { ...state, objects: without(state.objects, objects.objectKey(reference)) },
        answer: 'written',
      })),
    listBlockingBudgets: () => read(objects.listBlockingBudgets),
    checkImages: (images) => read(() => images.map(objects.checkImage)),
    countFreeAddresses: () => read((state) => state.freeAddresses ?? 'unknown'),
    listRemovedApis: (target) => read((state) => objects.listRemovedApis(state, target)),
  };
}

function clusterApiOf(state: SimulatedState): NonNullable<SimulatedState['clusterApi']> {
  if (state.clusterApi === undefined) throw new Error('the simulated cluster has no Cluster API');
  return state.clusterApi;
}

const isSet = (entry: readonly [string, string | null]): entry is [string, string] => entry[1] !== null;

function observeLease({ resourceVersion, holder, renewedAt }: LeaseState): ObservedLease {
  return holder === undefined ? { resourceVersion, renewedAt } : { resourceVersion, holder, renewedAt };
}

function observeDeployment(deployment: DeploymentState): ObservedAgentDeployment {
  const { status } = deployment;
  return {
    resourceVersion: deployment.resourceVersion,
    release: deployment.template.release,
    ...(deployment.attemptId === undefined ? {} : { attemptId: deployment.attemptId }),
    minReadySeconds: deployment.minReadySeconds,
    isPaused: deployment.isPaused,
    isObserved: status.observedGeneration === deployment.generation,
    replicas: status.replicas,
    updatedReplicas: status.updatedReplicas,
    availableReplicas: status.availableReplicas,
    ...(status.replicaFailure === undefined ? {} : { replicaFailure: status.replicaFailure }),
    ...(deployment.pausedBy === undefined ? {} : { pausedBy: deployment.pausedBy }),
    ...(deployment.imageSetBy === undefined ? {} : { imageSetBy: deployment.imageSetBy }),
  };
}

function observePod(pod: PodState): ObservedAgentPod {
  const { owner: _owner, repository: _repository, nodeName: _nodeName, phase: _phase, ...seen } = pod;
  return seen;
}

function observeRehearsal({ rehearsal, pods }: SimulatedState): ObservedRehearsal | undefined {
  if (rehearsal === undefined) return undefined;
  const { attemptId, startedAt } = rehearsal;
  const pod = pods.find(({ owner }) => owner.kind === 'rehearsal' && owner.attemptId === attemptId);
  const base = { attemptId, startedAt, state: pod?.phase ?? 'running' } as const;
  return pod === undefined ? base : { ...base, pod: observePod(pod) };
}

function refusalOf(deployment: DeploymentState | undefined, order: ApplyAgentDeployment): WriteResult | undefined {
  if (deployment?.resourceVersion !== order.resourceVersion) return 'conflict';
  const owner = deployment?.imageSetBy;
  if (owner === undefined || deployment?.template.release.digest === order.template.release.digest) return undefined;
  const message = `Apply failed with 1 conflict: conflict with "${owner}": .spec.template.spec.containers[name="agent"].image`;
  return { kind: 'refused', status: 409, message };
}

/** A server-side apply of the whole: what the order does not name is gone, what the owner set (the pause) stays. */
function applyOrder(before: SimulatedState, order: ApplyAgentDeployment): SimulatedState {
  const { state, resourceVersion } = countWrite(before);
  const { deployment } = state;
  const next: DeploymentState = {
    resourceVersion,
    generation: (deployment?.generation ?? 0) + 1,
    template: order.template,
    ...(order.attemptId === undefined ? {} : { attemptId: order.attemptId }),
    minReadySeconds: order.minReadySeconds,
    isPaused: deployment?.isPaused ?? false,
    ...(deployment?.pausedBy === undefined ? {} : { pausedBy: deployment.pausedBy }),
    ...(deployment?.imageSetBy === undefined ? {} : { imageSetBy: deployment.imageSetBy }),
    status: deployment?.status ?? { observedGeneration: 0, replicas: 0, updatedReplicas: 0, availableReplicas: 0 },
  };
  return { ...state, deployment: next };
}
