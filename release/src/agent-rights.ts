/**
 * What each of our accounts in a gateway may do, as data: the install manifest is rendered from it, and docs/rights.md
 * is compared with it. Every right on a single object carries its name; `create` with a name works because everything is
 * made by server-side apply, where the name is in the URL. Whoever may patch a Deployment may run anything as any
 * account of that namespace, so the agent's namespace holds no account stronger than the agent.
 */

import { gatewayNamespaces, keys, objectNames } from './object-names.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface Grant {
  /** Name of the Role or ClusterRole and of its binding. */
  readonly name: string;
  /** The namespace it holds in; absent: the whole cluster. */
  readonly namespace?: string;
  readonly rules: readonly Rule[];
  /** Rights added to it by ClusterRoles with this label, such as those that a pack brings for its own kinds. */
  readonly aggregatedFrom?: string;
}

export interface AccountRights {
  readonly account: string;
  /** Which process acts with it. */
  readonly process: 'guard' | 'agent';
  readonly purpose: string;
  readonly namespace: string;
  readonly grants: readonly Grant[];
}

const agentMaps = [
  objectNames.state,
  objectNames.settings,
  objectNames.target,
  objectNames.trust,
  objectNames.inventory,
];

const own = (resource: { group: string; kind: string }, names: readonly string[], verbs: readonly string[]): Rule => ({
  apiGroups: [resource.group],
  resources: [resource.kind],
  resourceNames: names,
  verbs,
});
const any = (group: string, kinds: readonly string[], verbs: readonly string[]): Rule => ({
  apiGroups: [group],
  resources: kinds,
  verbs,
});

const clusterApi = 'cluster.x-k8s.io';
const deployments = { group: 'apps', kind: 'deployments' };
const configMaps = { group: '', kind: 'configmaps' };

function guardRights(namespace: string): AccountRights {
  return {
    account: objectNames.guard,
    process: 'guard',
    purpose: "makes the agent's Deployment and takes a bad agent back when nobody else can",
    namespace,
    grants: [
      {
        name: objectNames.guard,
        namespace,
        rules: [
          own(deployments, [objectNames.agent], ['get', 'create', 'patch']),
          any('apps', ['replicasets'], ['list']),
          any('', ['pods'], ['list']),
          own(configMaps, [objectNames.state], ['get', 'create', 'patch']),
        ],
      },
    ],
  };
}

function agentRights(gatewayName: string, namespace: string, further: readonly Grant[]): AccountRights {
  return {
    account: objectNames.agent,
    process: 'agent',
    purpose: 'replaces itself, keeps its own state, and sees the nodes',
    namespace,
    grants: [
      {
        name: objectNames.agent,
        namespace,
        rules: [
          own(deployments, [objectNames.agent], ['get', 'patch']),
          any('apps', ['replicasets'], ['list']),
          any('', ['pods'], ['list']),
          own(
            { group: 'coordination.k8s.io', kind: 'leases' },
            [objectNames.lease],
            ['get', 'create', 'patch', 'update'],
          ),
          own({ group: '', kind: 'secrets' }, [objectNames.identity], ['get', 'create', 'patch']),
          own(configMaps, agentMaps, ['get', 'create', 'patch']),
          own({ group: 'batch', kind: 'jobs' }, [objectNames.rehearsal], ['get', 'create', 'patch', 'delete']),
        ],
      },
      { name: `gatehouse-${gatewayName}-nodes`, rules: [any('', ['nodes'], ['list'])] },
      ...further,
    ],
  };
}

function profileRollerRights(namespace: string, clusterName: string): AccountRights {
  return {
    account: objectNames.profileRoller,
    process: 'agent',
    purpose: "rolls the gateway's own Cluster through Cluster API and reads its kubeconfig",
    namespace,
    grants: [
      {
        name: objectNames.profileRoller,
        namespace,
        rules: [
          own({ group: clusterApi, kind: 'clusters' }, [clusterName], ['get', 'patch']),
          any('controlplane.cluster.x-k8s.io', ['kubeadmcontrolplanes'], ['get', 'list']),
          any(clusterApi, ['machinedeployments'], ['get', 'list']),
          any(clusterApi, ['machines'], ['get', 'list', 'delete']),
          own({ group: '', kind: 'secrets' }, [`${clusterName}-kubeconfig`], ['get']),
        ],
      },
    ],
  };
}

const readAndApply = ['get', 'list', 'create', 'patch'];
const readApplyDelete = [...readAndApply, 'delete'];

/**
 * Packs bring whatever a cluster is made of, so this is by far the strongest account. What it lacks is on purpose: it
 * cannot delete what pruning never deletes (CRDs, namespaces, volumes, claims), and it has no right on any group of
 * Cluster API, so no pack can touch a Cluster, its templates or a ClusterClass. `bind` and `escalate` let a pack bring
 * roles for its own controllers.
 */
function packApplierRights(gatewayName: string, namespace: string): AccountRights {
  return {
    account: objectNames.packApplier,
    process: 'agent',
    purpose: 'applies the packs of the confirmed profile and deletes what they no longer have',
    namespace,
    grants: [
      {
        name: `gatehouse-${gatewayName}-packs`,
        rules: [
          any('', ['namespaces', 'persistentvolumes', 'persistentvolumeclaims'], readAndApply),
          any('apiextensions.k8s.io', ['customresourcedefinitions'], readAndApply),
          any(
            '',
            [
              'configmaps',
              'secrets',
              'services',
              'serviceaccounts',
              'endpoints',
              'limitranges',
              'resourcequotas',
              'pods',
            ],
            readApplyDelete,
          ),
          any('apps', ['deployments', 'daemonsets', 'statefulsets', 'replicasets'], readApplyDelete),
          any('batch', ['jobs', 'cronjobs'], readApplyDelete),
          any('autoscaling', ['horizontalpodautoscalers'], readApplyDelete),
          any('policy', ['poddisruptionbudgets'], readApplyDelete),
          any('networking.k8s.io', ['*'], readApplyDelete),
          any('storage.k8s.io', ['*'], readApplyDelete),
          any('snapshot.storage.k8s.io', ['*'], readApplyDelete),
          any('scheduling.k8s.io', ['priorityclasses'], readApplyDelete),
          any('node.k8s.io', ['runtimeclasses'], readApplyDelete),
          any('discovery.k8s.io', ['endpointslices'], readApplyDelete),
          any('flowcontrol.apiserver.k8s.io', ['*'], readApplyDelete),
          any('apiregistration.k8s.io', ['apiservices'], readApplyDelete),
          any('admissionregistration.k8s.io', ['*'], readApplyDelete),
          any(
            'rbac.authorization.k8s.io',
            ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'],
            [...readApplyDelete, 'bind', 'escalate'],
          ),
        ],
      },
      { name: `gatehouse-${gatewayName}-pack-kinds`, rules: [], aggregatedFrom: keys.packRights },
    ],
  };
}

function hostClusterWriterRights(hostClustersNamespace: string, namespace: string): AccountRights {
  return {
    account: objectNames.hostClusterWriter,
    process: 'agent',
    purpose: 'creates and deletes host clusters, and nothing of the gateway itself',
    namespace,
    grants: [
      {
        name: objectNames.hostClusterWriter,
        namespace: hostClustersNamespace,
        rules: [any(clusterApi, ['clusters'], ['get', 'list', 'create', 'patch', 'delete'])],
      },
    ],
  };
}

/** Every account of one gateway with all that it may do. */
export function gatewayRights(gateway: {
  readonly name: string;
  readonly installation: 'cli' | 'existing-cluster';
}): readonly AccountRights[] {
  const namespaces = gatewayNamespaces(gateway.name);
  if (gateway.installation === 'existing-cluster') {
    return [guardRights(namespaces.agent), agentRights(gateway.name, namespaces.agent, [])];
  }
  const borrowed = [objectNames.profileRoller, objectNames.packApplier, objectNames.hostClusterWriter];
  const tokens: Grant = {
    name: objectNames.agent,
    namespace: namespaces.cluster,
    rules: [own({ group: '', kind: 'serviceaccounts/token' }, borrowed, ['create'])],
  };
  return [
    guardRights(namespaces.agent),
    agentRights(gateway.name, namespaces.agent, [tokens]),
    profileRollerRights(namespaces.cluster, gateway.name),
    packApplierRights(gateway.name, namespaces.cluster),
    hostClusterWriterRights(namespaces.hostClusters, namespaces.cluster),
  ];
}
