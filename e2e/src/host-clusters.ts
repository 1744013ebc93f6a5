/** Host clusters beside a gateway, made of real Cluster API objects, and what has to stay as it is about them. */

import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { gatewayNamespaces } from '@gatehouse/release/object-names';
import { type ClusterObject, type ClusterView, condition, type Kind, kinds } from './cluster-view.ts';
import { member, text } from './json.ts';

export interface HostCluster {
  readonly name: string;
  readonly namespace: string;
}

/** In-memory machines of the class that Cluster API ships: one control plane, one worker. For `kubectl apply -f -`. */
export function hostClusterManifest({ name, namespace }: HostCluster): string {
  const cluster = {
    ...kinds.cluster,
    metadata: { name, namespace, labels: { 'story.example/owner': 'somebody' } },
    spec: {
      clusterNetwork: {
        pods: { cidrBlocks: ['192.168.0.0/16'] },
        services: { cidrBlocks: ['10.128.0.0/12'] },
        serviceDomain: 'cluster.local',
      },
      topology: {
        classRef: { name: 'in-memory', namespace: 'default' },
        version: 'v1.33.5',
        controlPlane: { replicas: 1 },
        workers: { machineDeployments: [{ class: 'default-worker', name: 'md-0', replicas: 1 }] },
      },
    },
  };
  const objects = [{ ...kinds.namespace, metadata: { name: namespace } }, cluster];
  return objects.map((object) => JSON.stringify(object)).join('\n');
}

/** With all that its controllers still add in its first minute. */
export async function isSettled(view: ClusterView, { name, namespace }: HostCluster): Promise<boolean> {
  const cluster = await view.find(kinds.cluster, name, namespace);
  const machines = await view.list(kinds.machine, { namespace });
  return (
    condition(cluster, 'Available') === 'True' &&
    condition(cluster, 'RollingOut') === 'False' &&
    machines.length === 2 &&
    machines.every((machine) => condition(machine, 'NodeReady') === 'True' && condition(machine, 'Ready') === 'True')
  );
}

const clusterApi = (group: string, ...names: readonly string[]): readonly Kind[] =>
  names.map((kind) => ({ apiVersion: `${group === '' ? '' : `${group}.`}cluster.x-k8s.io/v1beta2`, kind }));

const kindsOfHostCluster: readonly Kind[] = [
  ...clusterApi('', 'Cluster', 'MachineDeployment', 'MachineSet', 'Machine', 'MachineHealthCheck'),
  ...clusterApi('controlplane', 'KubeadmControlPlane'),
  ...clusterApi('bootstrap', 'KubeadmConfig', 'KubeadmConfigTemplate'),
  ...clusterApi('infrastructure', 'DevCluster', 'DevMachine', 'DevMachineTemplate'),
  kinds.secret,
];
const sharedKinds: readonly Kind[] = [
  ...clusterApi('', 'ClusterClass'),
  ...clusterApi('controlplane', 'KubeadmControlPlaneTemplate'),
  ...clusterApi('bootstrap', 'KubeadmConfigTemplate'),
  ...clusterApi('infrastructure', 'DevClusterTemplate', 'DevMachineTemplate'),
];

/**
 * Everything about the host clusters, and about the classes and templates that they use, which an update of a gateway
 * may not touch: identity, spec, labels, annotations, owners, generation. By kind and name.
 */
export async function untouchables(
  view: ClusterView,
  hostClusters: readonly HostCluster[],
): Promise<Readonly<Record<string, unknown>>> {
  const found: Record<string, unknown> = {};
  const add = async (kind: Kind, namespace: string) => {
    for (const object of await view.list(kind, { namespace })) {
      found[`${kind.kind} ${namespace}/${object.metadata.name}`] = essence(object);
    }
  };
  for (const { namespace } of hostClusters) for (const kind of kindsOfHostCluster) await add(kind, namespace);
  for (const kind of sharedKinds) await add(kind, 'default');
  return found;
}

function essence(object: ClusterObject): unknown {
  const { uid, generation, labels, annotations, ownerReferences } = object.metadata;
  const data = member(object, 'data');
  return {
    uid,
    generation,
    labels,
    annotations,
    ownerReferences,
    spec: member(object, 'spec'),
    // Of a Secret: enough to see a change, and no secret in a test's output.
    data: data === undefined ? undefined : createHash('sha256').update(JSON.stringify(data)).digest('hex'),
  };
}

export interface AuditedWrite {
  readonly user: string;
  readonly verb: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface AuditTrail {
  /** The writes by accounts of that gateway since the trail was begun. */
  readonly writesOf: (gatewayName: string) => Promise<readonly AuditedWrite[]>;
}

export async function beginAuditTrail(auditLogPath: string): Promise<AuditTrail> {
  const { size: begin } = await stat(auditLogPath);
  return {
    writesOf: async (gatewayName) => {
      const { agent, cluster } = gatewayNamespaces(gatewayName);
      const accounts = [agent, cluster].map((namespace) => `system:serviceaccount:${namespace}:`);
      const file = await open(auditLogPath);
      try {
        const writes: AuditedWrite[] = [];
        for await (const line of file.readLines({ start: begin })) {
          // Most lines are not ours, and parsing them all would take longer than the story.
          if (!accounts.some((account) => line.includes(account))) continue;
          const entry: unknown = JSON.parse(line);
          const user = text(entry, 'user', 'username') ?? '';
          if (!accounts.some((account) => user.startsWith(account))) continue;
          writes.push({
            user: user.slice('system:serviceaccount:'.length),
            verb: text(entry, 'verb') ?? '',
            resource: text(entry, 'objectRef', 'resource') ?? '',
            namespace: text(entry, 'objectRef', 'namespace') ?? '',
            name: text(entry, 'objectRef', 'name') ?? '',
          });
        }
        return writes;
      } finally {
        await file.close();
      }
    },
  };
}

/** How many of the machines have a node that is ready. */
export function readyNodes(machines: readonly ClusterObject[]): number {
  return machines.filter((machine) => condition(machine, 'NodeReady') === 'True').length;
}

export function isControlPlane(machine: ClusterObject): boolean {
  return machine.metadata.labels?.['cluster.x-k8s.io/control-plane'] !== undefined;
}
