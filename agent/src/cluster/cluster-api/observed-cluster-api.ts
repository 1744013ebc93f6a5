/**
 * Cluster API's objects of the gateway's own Cluster (v1beta2) as the decisions know them. Which fields tell what, and
 * which of them lie for a moment, was tried on real controllers: agent-protocol §6.
 */

import type { Known, ObservedClusterApi, ObservedMachine, ObservedReplicas } from '@gatehouse/domain/gateway';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import { type KubernetesVersion, parseKubernetesVersion } from '@gatehouse/domain/version';
import { fieldManager } from '@gatehouse/release/object-names';
import { defined } from '../../defined.ts';
import { ClusterUnreachable } from '../cluster.ts';
import {
  at,
  conditionOf,
  countAt,
  instantAt,
  type JsonObject,
  numberAt,
  objectsAt,
  textAt,
  textsAt,
} from '../kubernetes/json.ts';

export interface ClusterApiObjects {
  readonly cluster: JsonObject;
  readonly controlPlane: JsonObject;
  readonly machineDeployments: readonly JsonObject[];
  readonly machines: readonly JsonObject[];
}

/** `osVariable`: the one ClusterClass variable that releases set. Throws `ClusterUnreachable` when a version cannot be read. */
export function toObservedClusterApi(objects: ClusterApiObjects, osVariable: string): ObservedClusterApi {
  const { cluster, controlPlane } = objects;
  const topology = at(cluster, 'spec', 'topology');
  const topologyVersion = versionAt(cluster, 'spec', 'topology', 'version');
  const variables = pick(objectsAt(topology, 'variables'), osVariable);
  const overrides = pick(objectsAt(topology, 'controlPlane', 'variables', 'overrides'), osVariable);
  const carried = isCarriedOut(cluster);
  const osOf = (version: KubernetesVersion, os: string | undefined): string | undefined =>
    carried && version === topologyVersion ? os : undefined;
  const reconciled = conditionOf(cluster, 'TopologyReconciled');
  return {
    clusterName: textAt(cluster, 'metadata', 'name') ?? '',
    topologyVersion,
    topologyVariables: variables,
    controlPlaneOverrides: overrides,
    ...defined({ topologyChangedAt: topologyChangedAt(cluster), topologySetBy: topologySetBy(cluster, osVariable) }),
    isTopologyReconciled: reconciled?.['status'] === 'True' && isCurrent(cluster, reconciled),
    isObserved: isObserved(cluster) && isCurrent(cluster, reconciled),
    isPaused: isPaused(cluster) || isPaused(controlPlane),
    controlPlane: {
      ...toReplicas(controlPlane, versionAt(controlPlane, 'spec', 'version'), (version) =>
        osOf(version, overrides[osVariable] ?? variables[osVariable]),
      ),
      ...defined({ statusVersion: parseKubernetesVersion(textAt(controlPlane, 'status', 'version') ?? '') }),
    },
    isControlPlaneAvailable: known(controlPlane, 'Available'),
    isEtcdHealthy: known(controlPlane, 'EtcdClusterHealthy'),
    workers: objects.machineDeployments
      .map((one) =>
        toReplicas(one, versionAt(one, 'spec', 'template', 'spec', 'version'), (version) =>
          osOf(version, variables[osVariable]),
        ),
      )
      .toSorted((a, b) => a.name.localeCompare(b.name)),
    machines: objects.machines.map(toMachine).toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}

/** The API server notes for each field manager when it last changed one of the fields it owns, and not when it wrote the same. */
function topologyChangedAt(cluster: JsonObject): Instant | undefined {
  return objectsAt(cluster, 'metadata', 'managedFields')
    .filter((entry) => entry['manager'] === fieldManager && at(entry, 'fieldsV1', 'f:spec', 'f:topology') !== undefined)
    .flatMap((entry) => instantAt(entry, 'time') ?? [])
    .toSorted((a, b) => b - a)[0];
}

/** Another field manager that owns the version or the OS: of several the one that wrote last. */
function topologySetBy(cluster: JsonObject, osVariable: string): string | undefined {
  const variable = `k:{"name":"${osVariable}"}`;
  const owners = objectsAt(cluster, 'metadata', 'managedFields').filter((entry) => {
    const topology = at(entry, 'fieldsV1', 'f:spec', 'f:topology');
    return (
      entry['manager'] !== fieldManager &&
      [['f:version'], ['f:variables', variable], ['f:controlPlane', 'f:variables', 'f:overrides', variable]].some(
        (path) => at(topology, ...path) !== undefined,
      )
    );
  });
  const [last] = owners.toSorted((a, b) => (instantAt(b, 'time') ?? 0) - (instantAt(a, 'time') ?? 0));
  return textAt(last, 'manager');
}

/**
 * Whether the topology controller has written the newest topology into the objects below the Cluster. What these ask for
 * as OS cannot be read back from them (it is in a provider's template); so it is known only when this is true and the
 * object carries the topology's version, because version and variables of an object are written together.
 */
function isCarriedOut(cluster: JsonObject): boolean {
  const reconciled = conditionOf(cluster, 'TopologyReconciled');
  return (
    isCurrent(cluster, reconciled) &&
    (reconciled?.['status'] === 'True' || textAt(reconciled, 'reason') === 'ClusterUpgrading')
  );
}

function isCurrent(object: JsonObject, condition: JsonObject | undefined): boolean {
  return (
    condition !== undefined && countAt(condition, 'observedGeneration') === countAt(object, 'metadata', 'generation')
  );
}

function isObserved(object: JsonObject): boolean {
  return countAt(object, 'status', 'observedGeneration') === countAt(object, 'metadata', 'generation');
}

function isPaused(object: JsonObject): boolean {
  return (
    at(object, 'spec', 'paused') === true ||
    'cluster.x-k8s.io/paused' in textsAt(object, 'metadata', 'annotations') ||
    conditionOf(object, 'Paused')?.['status'] === 'True'
  );
}

/** A condition that is about an older generation says nothing about this one. */
function known(object: JsonObject, type: string): Known<boolean> {
  const condition = conditionOf(object, type);
  if (!isCurrent(object, condition)) return 'unknown';
  if (condition?.['status'] === 'True') return true;
  return condition?.['status'] === 'False' ? false : 'unknown';
}

function toReplicas(
  object: JsonObject,
  specVersion: KubernetesVersion,
  osOf: (version: KubernetesVersion) => string | undefined,
): ObservedReplicas {
  return {
    name: textAt(object, 'metadata', 'name') ?? '',
    wanted: numberAt(object, 'spec', 'replicas') ?? 1,
    replicas: countAt(object, 'status', 'replicas'),
    ready: countAt(object, 'status', 'readyReplicas'),
    available: countAt(object, 'status', 'availableReplicas'),
    upToDate: countAt(object, 'status', 'upToDateReplicas'),
    isObserved: isObserved(object),
    isRollingOut: known(object, 'RollingOut'),
    specVersion,
    ...defined({ specOs: osOf(specVersion) }),
  };
}

function toMachine(machine: JsonObject): ObservedMachine {
  const ready = conditionOf(machine, 'Ready');
  const upToDate = conditionOf(machine, 'UpToDate')?.['status'];
  const isControlPlane = 'cluster.x-k8s.io/control-plane' in textsAt(machine, 'metadata', 'labels');
  return {
    name: textAt(machine, 'metadata', 'name') ?? '',
    role: isControlPlane ? 'control-plane' : 'worker',
    phase: textAt(machine, 'status', 'phase') ?? 'Pending',
    version: versionAt(machine, 'spec', 'version'),
    isDeleting: textAt(machine, 'metadata', 'deletionTimestamp') !== undefined,
    isUpToDate: upToDate === 'True' ? true : upToDate === 'False' ? false : 'unknown',
    createdAt: instantAt(machine, 'metadata', 'creationTimestamp') ?? toInstant(0),
    ...defined({
      nodeName: textAt(machine, 'status', 'nodeRef', 'name'),
      message: ready?.['status'] === 'True' ? undefined : textAt(ready, 'message')?.slice(0, messageMax),
    }),
  };
}

/** As long as an observation may carry it. */
const messageMax = 2_000;

function versionAt(object: JsonObject, ...path: readonly string[]): KubernetesVersion {
  const text = textAt(object, ...path);
  const version = parseKubernetesVersion(text ?? '');
  if (version === undefined) {
    throw new ClusterUnreachable(
      `${textAt(object, 'kind') ?? 'object'} ${textAt(object, 'metadata', 'name')} has ${text ?? 'no version'} as ${path.join('.')}, which is no version of the form v1.34.1`,
    );
  }
  return version;
}

/** Variables by name, text values only; others are not a release's. */
function pick(variables: readonly JsonObject[], name: string): Readonly<Record<string, string>> {
  const value = variables.find((one) => one['name'] === name)?.['value'];
  return typeof value === 'string' ? { [name]: value } : {};
}
