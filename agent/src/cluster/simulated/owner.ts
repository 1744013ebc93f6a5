/** What only somebody beside the agent does to a simulated cluster: its owner, and the machine room. */

import type { KubernetesObject } from '@gatehouse/domain/profile';
import type { Clock } from '../../clock.ts';
import type { MapName } from '../cluster.ts';
import { deleted } from './cluster-api.ts';
import type { ReplicasState } from './cluster-api-state.ts';
import type { DeploymentState } from './state.ts';
import { countWrite, type Store, without } from './store.ts';
import { renderSimulatedTemplate } from './template.ts';
import { patchTopology, pauseCluster } from './topology-patch.ts';
import { changePod } from './workload.ts';

export interface SimulatedOwner {
  /** As that field manager; `kubectl rollout pause` is one. */
  pauseDeployment(isPaused: boolean, fieldManager?: string): void;
  deleteDeployment(): void;
  deletePod(name: string): void;
  /** Another image in the agent's Deployment, under that field manager. Its version annotation stays as it was. */
  setImage(image: { readonly digest: string; readonly repository: string }, fieldManager: string): void;
  deleteLease(): void;
  deleteMap(name: MapName): void;
  /** Sets fields of an object that is there, as `kubectl edit` does; the rest of it stays. */
  editObject(key: string, change: (object: KubernetesObject) => KubernetesObject): void;
  deleteObject(key: string): void;
  /** Of the topology of the gateway's own Cluster, as `kubectl edit` does. */
  editTopology(variables: Readonly<Record<string, string>>): void;
  /** From now on no more pods of the agent than this; undefined: as many as wanted. */
  limitPods(count: number | undefined): void;
  pauseCluster(isPaused: boolean): void;
  /** A machine goes, with its node and whatever runs there. */
  deleteMachine(name: string): void;
  setFreeAddresses(count: number): void;
}

export function createOwner(store: Store, clock: Clock): SimulatedOwner {
  const changeDeployment = (change: (deployment: DeploymentState) => DeploymentState): void => {
    store.write((before) => {
      if (before.deployment === undefined) throw new Error('there is no Deployment of the agent');
      const { state, resourceVersion } = countWrite(before);
      const changed = change(before.deployment);
      return { ...state, deployment: { ...changed, resourceVersion, generation: changed.generation + 1 } };
    });
  };
  return {
    pauseDeployment: (isPaused, pausedBy = 'kubectl-rollout') =>
      changeDeployment((deployment) => ({
        ...without(deployment, 'pausedBy'),
        isPaused,
        ...(isPaused ? { pausedBy } : {}),
      })),
    deleteDeployment: () => store.write((state) => without(state, 'deployment')),
    deletePod: (name) => store.write((state) => changePod(state, name, (pod) => ({ ...pod, isDeleting: true }))),
    setImage: ({ digest, repository }, imageSetBy) =>
      changeDeployment((deployment) => {
        const release = { ...deployment.template.release, digest };
        return { ...deployment, template: renderSimulatedTemplate(release, { repository }), imageSetBy };
      }),
    deleteLease: () => store.write((state) => without(state, 'lease')),
    deleteMap: (name) => store.write((state) => ({ ...state, maps: without(state.maps, name) })),
    editObject: (key, change) =>
      store.write((state) => {
        const object = state.objects[key];
        if (object === undefined) throw new Error(`there is no object ${key}`);
        const applied = state.applied?.[key];
        const setBy = 'kubectl-edit';
        return {
          ...state,
          objects: { ...state.objects, [key]: change(object) },
          ...(applied === undefined ? {} : { applied: { ...state.applied, [key]: { ...applied, setBy } } }),
        };
      }),
    deleteObject: (key) => store.write((state) => ({ ...state, objects: without(state.objects, key) })),
    editTopology: (variables) =>
      store.write((before) => {
        if (before.clusterApi === undefined) throw new Error('the cluster was not installed through Cluster API');
        const { state, resourceVersion } = countWrite(before);
        const edited = patchTopology(before.clusterApi, { variables }, clock.wall());
        if (edited.kind === 'refused') throw new Error(edited.message);
        return { ...state, clusterApi: { ...edited.state, resourceVersion, topologySetBy: 'kubectl-edit' } };
      }),
    limitPods: (count) =>
      store.write((state) => (count === undefined ? without(state, 'podsMax') : { ...state, podsMax: count })),
    pauseCluster: (isPaused) =>
      store.write((before) => {
        if (before.clusterApi === undefined) throw new Error('the cluster was not installed through Cluster API');
        const { state, resourceVersion } = countWrite(before);
        const clusterApi = pauseCluster(before.clusterApi, isPaused, clock.wall());
        return { ...state, clusterApi: { ...clusterApi, resourceVersion } };
      }),
    deleteMachine: (name) =>
      store.write((state) => {
        const { clusterApi } = state;
        if (clusterApi === undefined) return state;
        const change = (set: ReplicasState): ReplicasState => ({
          ...set,
          machines: set.machines.map((one) => (one.name === name ? deleted(one, clock.wall()) : one)),
        });
        const workers = clusterApi.workers.map(change);
        return { ...state, clusterApi: { ...clusterApi, controlPlane: change(clusterApi.controlPlane), workers } };
      }),
    setFreeAddresses: (count) => store.write((state) => ({ ...state, freeAddresses: count })),
  };
}
