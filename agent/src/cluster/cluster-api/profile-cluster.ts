/**
 * What a profile update does on a real gateway: its own Cluster through Cluster API v1beta2, as the account
 * `gatehouse-profile-roller`, and packs as `gatehouse-pack-applier`. Nothing is written but the topology of the Cluster
 * of that name; no ClusterClass and no template, since host clusters that use them would be rolled.
 */

import type { ObservedClusterApi } from '@gatehouse/domain/gateway';
import { clusterKubeconfigSecret } from '@gatehouse/release/gateway-cluster';
import { withImagesFrom } from '@gatehouse/release/image-reference';
import { ClusterUnreachable, type ProfileCluster, type TopologyPatch, type WriteResult } from '../cluster.ts';
import { at, countAt, isObject, type JsonObject, numberAt, objectsAt, textAt, textsAt } from '../kubernetes/json.ts';
import { type KubernetesApi, servedGroupVersions } from '../kubernetes/kubernetes-api.ts';
import { createObjectStore } from '../kubernetes/objects.ts';
import { checkImage } from './image-check.ts';
import { toObservedClusterApi } from './observed-cluster-api.ts';
import { listRemovedApis } from './removed-apis.ts';

export interface ProfileClusterOptions {
  /** The Cluster API objects, with the rights of the profile roller. */
  readonly roller: KubernetesApi;
  /** The cluster that packs are applied to, with the rights of the pack applier. */
  readonly packs: KubernetesApi;
  /** The cluster whose nodes are rolled. */
  readonly managed: () => Promise<KubernetesApi>;
  readonly cluster: { readonly name: string; readonly namespace: string };
  /** The ClusterClass variable that carries a release's OS. */
  readonly osVariable: string;
  readonly registryPrefix?: string | undefined;
}

const clusterNameLabel = 'cluster.x-k8s.io/cluster-name';
const clusterApi = '/apis/cluster.x-k8s.io/v1beta2/namespaces';

export interface ReadClusterApi {
  /** As it was read, with the resourceVersion that a conditional patch needs. */
  readonly cluster: JsonObject;
  readonly observed: ObservedClusterApi;
}

/** The own Cluster with all that belongs to it. Throws `ClusterUnreachable` also while a part is not there yet. */
export async function readClusterApi(
  options: Pick<ProfileClusterOptions, 'roller' | 'cluster' | 'osVariable'>,
): Promise<ReadClusterApi> {
  const { roller, cluster: own, osVariable } = options;
  const cluster = await roller.get(`${clusterApi}/${own.namespace}/clusters/${own.name}`);
  if (cluster === undefined) {
    throw new ClusterUnreachable(`there is no Cluster ${own.namespace}/${own.name}; has it been made, or moved?`);
  }
  const controlPlane = await roller.get(controlPlanePath(cluster, own.namespace));
  if (controlPlane === undefined) throw new ClusterUnreachable(`the Cluster ${own.name} has no control plane yet`);
  const labels = { [clusterNameLabel]: own.name };
  const machineDeployments = await roller.list(`${clusterApi}/${own.namespace}/machinedeployments`, labels);
  const machines = await roller.list(`${clusterApi}/${own.namespace}/machines`, labels);
  const observed = toObservedClusterApi({ cluster, controlPlane, machineDeployments, machines }, osVariable);
  return { cluster, observed };
}

export function createProfileCluster(options: ProfileClusterOptions): ProfileCluster {
  const { roller, cluster: own, registryPrefix } = options;
  const store = createObjectStore(options.packs);
  /** What the next patch is conditional on. */
  let lastRead: JsonObject | undefined;

  return {
    async readClusterApi() {
      const { cluster, observed } = await readClusterApi(options);
      lastRead = cluster;
      return observed;
    },

    async patchTopology(patch) {
      if (lastRead === undefined) throw new Error('patchTopology was called before the Cluster was read');
      return toWriteResult(
        await roller.merge(`${clusterApi}/${own.namespace}/clusters/${own.name}`, topologyPatch(lastRead, patch)),
      );
    },

    async deleteMachine(name) {
      const path = `${clusterApi}/${own.namespace}/machines/${encodeURIComponent(name)}`;
      const machine = await roller.get(path);
      if (machine === undefined) return 'written';
      const refusal = whyNotDelete(machine, own.name);
      if (refusal !== undefined) return { kind: 'refused', status: 409, message: refusal };
      // Only the very object that was looked at: a node may join meanwhile.
      const uid = textAt(machine, 'metadata', 'uid');
      const resourceVersion = textAt(machine, 'metadata', 'resourceVersion');
      return roller.remove(path, { preconditions: { uid, resourceVersion } });
    },

    ...store,
    // What is applied pulls from where the preflight looked for it.
    applyObject: (object, how) => store.applyObject(withImagesFrom(object, registryPrefix), how),
    keepObject: (object) => store.keepObject(withImagesFrom(object, registryPrefix)),

    async listBlockingBudgets() {
      const managed = await options.managed();
      if (!(await servedGroupVersions(managed)).has('policy/v1')) return [];
      const budgets = await managed.list('/apis/policy/v1/poddisruptionbudgets');
      return budgets
        .filter(
          (budget) =>
            countAt(budget, 'status', 'disruptionsAllowed') === 0 && countAt(budget, 'status', 'expectedPods') > 0,
        )
        .map((budget) => `${textAt(budget, 'metadata', 'namespace')}/${textAt(budget, 'metadata', 'name')}`)
        .toSorted();
    },
    checkImages: (images) => Promise.all(images.map((image) => checkImage(image, registryPrefix))),
    // No pool of addresses is part of a gateway's settings yet, so none is known.
    countFreeAddresses: () => Promise.resolve('unknown'),
    async listRemovedApis(target) {
      return listRemovedApis(await options.managed(), target);
    },
  };
}

/** The kubeconfig that Cluster API keeps for the Cluster. Throws `ClusterUnreachable` while there is none. */
export async function readClusterKubeconfig(
  roller: KubernetesApi,
  own: { readonly name: string; readonly namespace: string },
): Promise<string> {
  const name = clusterKubeconfigSecret(own.name);
  const secret = await roller.get(`/api/v1/namespaces/${own.namespace}/secrets/${name}`);
  const value = textsAt(secret, 'data')['value'];
  if (value === undefined)
    throw new ClusterUnreachable(`there is no Secret ${own.namespace}/${name} with a kubeconfig yet`);
  return Buffer.from(value, 'base64').toString('utf8');
}

function controlPlanePath(cluster: JsonObject, namespace: string): string {
  const group = textAt(cluster, 'spec', 'controlPlaneRef', 'apiGroup');
  const kind = textAt(cluster, 'spec', 'controlPlaneRef', 'kind');
  const name = textAt(cluster, 'spec', 'controlPlaneRef', 'name');
  if (group !== 'controlplane.cluster.x-k8s.io' || kind !== 'KubeadmControlPlane' || name === undefined) {
    throw new ClusterUnreachable(
      name === undefined
        ? 'the Cluster has no control plane yet'
        : `the Cluster's control plane is a ${kind} of ${group}; only KubeadmControlPlane is known`,
    );
  }
  return `/apis/${group}/v1beta2/namespaces/${namespace}/kubeadmcontrolplanes/${name}`;
}

function whyNotDelete(machine: JsonObject, clusterName: string): string | undefined {
  const name = textAt(machine, 'metadata', 'name');
  if (textAt(machine, 'spec', 'clusterName') !== clusterName) return `the Machine ${name} is not one of ${clusterName}`;
  const node = textAt(machine, 'status', 'nodeRef', 'name');
  return node === undefined
    ? undefined
    : `the Machine ${name} has the node ${node}; only one without a node is deleted`;
}

/** A merge patch replaces lists whole, so the entries that are not ours are written again as they were read. */
export function topologyPatch(cluster: JsonObject, patch: TopologyPatch): JsonObject {
  const topology = at(cluster, 'spec', 'topology');
  const { version, variables, controlPlaneOverrides } = patch;
  return {
    metadata: { resourceVersion: textAt(cluster, 'metadata', 'resourceVersion') },
    spec: {
      topology: {
        ...(version === undefined ? {} : { version: `v${version}` }),
        ...(variables === undefined ? {} : { variables: withValues(objectsAt(topology, 'variables'), variables) }),
        ...(controlPlaneOverrides === undefined
          ? {}
          : { controlPlane: { variables: overridesPatch(controlPlaneOverrides) } }),
      },
    },
  };
}

function withValues(entries: readonly JsonObject[], values: Readonly<Record<string, string>>): readonly JsonObject[] {
  const kept = entries.filter((entry) => !Object.hasOwn(values, textAt(entry, 'name') ?? ''));
  const set = Object.entries(values).map(([name, value]) => ({
    ...entries.find((entry) => entry['name'] === name),
    name,
    value,
  }));
  return [...kept, ...set];
}

function overridesPatch(overrides: Readonly<Record<string, string>>): unknown {
  const entries = Object.entries(overrides);
  return entries.length === 0 ? null : { overrides: entries.map(([name, value]) => ({ name, value })) };
}

function toWriteResult(result: Awaited<ReturnType<KubernetesApi['merge']>>): WriteResult {
  if (result === 'conflict') return result;
  return isObject(result) && result['kind'] === 'refused' && numberAt(result, 'status') !== undefined
    ? { kind: 'refused', status: numberAt(result, 'status') ?? 0, message: textAt(result, 'message') ?? '' }
    : 'written';
}
