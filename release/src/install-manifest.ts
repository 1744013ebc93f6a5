/**
 * Everything that is installed into a cluster to make it a gateway: namespaces, accounts, their rights, the settings and
 * the guard. Not the agent's Deployment: the guard makes that one, so that applying the manifest again, in whatever way,
 * never sets the agent back to an old version (agent-protocol §4).
 */

import { stringify } from 'yaml';
import { type AgentImageReference, renderGuardPodTemplate } from './agent-deployment.ts';
import { type AccountRights, type Grant, gatewayRights } from './agent-rights.ts';
import { defaultOsVariable } from './gateway-cluster.ts';
import type { KubernetesManifest } from './kubernetes-object.ts';
import { gatewayNamespaces, keys, objectNames } from './object-names.ts';

export interface InstallManifestInput {
  readonly gateway: {
    readonly id: string;
    readonly name: string;
    readonly installation: 'cli' | 'existing-cluster';
    readonly provider: string;
  };
  readonly server: {
    readonly url: string;
    /** PEM, when the server's certificate is not signed by a public authority. */
    readonly ca?: string | undefined;
  };
  /** The root of trust: the text of the first `root.json`. */
  readonly rootJson: string;
  /** Guard and first agent. */
  readonly agent: Omit<AgentImageReference, 'registryPrefix'>;
  readonly registryPrefix?: string | undefined;
  readonly proxy?:
    | { readonly https?: string | undefined; readonly http?: string | undefined; readonly no?: string | undefined }
    | undefined;
  /** Replaces the product's timings, field by field; only for tests. */
  readonly timings?: Readonly<Record<string, Readonly<Record<string, number>>>> | undefined;
  /** Only for `cli`; the Cluster API objects are in this cluster, the nodes in the one of their kubeconfig Secret. */
  readonly osVariable?: string | undefined;
}

/** The keys of the ConfigMap `gatehouse-agent-settings`. Only ever added to: agents of every age read it. */
export interface AgentSettingsData {
  readonly serverUrl: string;
  /** PEM. */
  readonly serverCa?: string;
  readonly gatewayId: string;
  readonly gatewayName: string;
  readonly installation: 'cli' | 'existing-cluster';
  readonly provider: string;
  readonly rootJson: string;
  readonly httpsProxy?: string;
  readonly httpProxy?: string;
  readonly noProxy?: string;
  readonly registryPrefix?: string;
  /** JSON of what replaces the product's timings. */
  readonly timings?: string;
  /** Of the gateway's own Cluster; with `cli` only. */
  readonly clusterName?: string;
  readonly clusterNamespace?: string;
  readonly osVariable?: string;
  /** Where the nodes are read: `own` cluster, or the one that the Cluster's kubeconfig Secret leads to. */
  readonly managed?: 'own' | 'kubeconfig';
}

/** In the order to apply them. Throws a `RangeError` for a gateway name that is too long. */
export function renderInstallManifest(input: InstallManifestInput): readonly KubernetesManifest[] {
  const namespaces = gatewayNamespaces(input.gateway.name);
  const rights = gatewayRights(input.gateway);
  return [
    ...usedNamespaces(input).map((name) => renderNamespace(name, input.gateway, name === namespaces.agent)),
    ...rights.map(renderAccount),
    ...rights.flatMap((account) => account.grants.flatMap((grant) => renderGrant(grant, account, input.gateway.name))),
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: objectNames.settings, namespace: namespaces.agent, labels: { [keys.partOf]: 'gatehouse' } },
      data: renderSettings(input),
    },
    renderGuardDeployment(input, namespaces.agent),
  ];
}

/** For `kubectl apply -f`. */
export function installManifestYaml(objects: readonly KubernetesManifest[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n');
}

/**
 * The Secret in which the agent finds its registration token and afterwards keeps its own key. It is apart from the
 * manifest, which may be stored and shown; its fields are only those, so applying it again keeps the agent's key.
 */
export function renderIdentitySecret(input: {
  readonly gatewayName: string;
  readonly registrationToken: string;
}): KubernetesManifest {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: objectNames.identity,
      namespace: gatewayNamespaces(input.gatewayName).agent,
      labels: { [keys.partOf]: 'gatehouse' },
    },
    type: 'Opaque',
    // Not `stringData`: the API server turns that into `data`, and an apply would then not own what it wrote.
    data: { registrationToken: Buffer.from(input.registrationToken, 'utf8').toString('base64') },
  };
}

function usedNamespaces({ gateway }: InstallManifestInput): readonly string[] {
  const { agent, cluster, hostClusters } = gatewayNamespaces(gateway.name);
  return gateway.installation === 'cli' ? [agent, cluster, hostClusters] : [agent];
}

function renderNamespace(
  name: string,
  gateway: InstallManifestInput['gateway'],
  isAgents: boolean,
): KubernetesManifest {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: {
        [keys.partOf]: 'gatehouse',
        [keys.gateway]: gateway.name,
        // Kubernetes itself then refuses a privileged pod beside the agent.
        ...(isAgents ? { 'pod-security.kubernetes.io/enforce': 'restricted' } : {}),
      },
      annotations: { [keys.gatewayId]: gateway.id },
    },
  };
}

function renderAccount({ account, namespace }: AccountRights): KubernetesManifest {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: account, namespace, labels: { [keys.partOf]: 'gatehouse' } },
  };
}

function renderGrant(grant: Grant, account: AccountRights, gatewayName: string): readonly KubernetesManifest[] {
  const group = 'rbac.authorization.k8s.io';
  const prefix = grant.namespace === undefined ? 'Cluster' : '';
  const metadata = {
    name: grant.name,
    ...(grant.namespace === undefined ? {} : { namespace: grant.namespace }),
    labels: { [keys.partOf]: 'gatehouse', [keys.gateway]: gatewayName },
  };
  return [
    {
      apiVersion: `${group}/v1`,
      kind: `${prefix}Role`,
      metadata,
      // Kubernetes fills in the rules of an aggregated role; a manifest that named them would fight with it.
      ...(grant.aggregatedFrom === undefined
        ? { rules: grant.rules }
        : { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [grant.aggregatedFrom]: 'true' } }] } }),
    },
    {
      apiVersion: `${group}/v1`,
      kind: `${prefix}RoleBinding`,
      metadata,
      roleRef: { apiGroup: group, kind: `${prefix}Role`, name: grant.name },
      subjects: [{ kind: 'ServiceAccount', name: account.account, namespace: account.namespace }],
    },
  ];
}

function renderSettings(input: InstallManifestInput): Readonly<Record<string, string>> {
  const { gateway, proxy } = input;
  const settings: { readonly [Key in keyof AgentSettingsData]: AgentSettingsData[Key] | undefined } = {
    serverUrl: input.server.url,
    serverCa: input.server.ca,
    gatewayId: gateway.id,
    gatewayName: gateway.name,
    installation: gateway.installation,
    provider: gateway.provider,
    rootJson: input.rootJson,
    httpsProxy: proxy?.https,
    httpProxy: proxy?.http,
    noProxy: proxy?.no,
    registryPrefix: input.registryPrefix,
    timings: input.timings === undefined ? undefined : JSON.stringify(input.timings),
    ...(gateway.installation === 'existing-cluster'
      ? {}
      : {
          clusterName: gateway.name,
          clusterNamespace: gatewayNamespaces(gateway.name).cluster,
          osVariable: input.osVariable ?? defaultOsVariable,
          managed: 'kubeconfig',
        }),
  };
  return Object.fromEntries(
    Object.entries(settings).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function renderGuardDeployment(input: InstallManifestInput, namespace: string): KubernetesManifest {
  const labels = { [keys.name]: objectNames.guard, [keys.partOf]: 'gatehouse' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: objectNames.guard, namespace, labels },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 2,
      selector: { matchLabels: { [keys.name]: objectNames.guard } },
      strategy: { type: 'Recreate' },
      template: renderGuardPodTemplate({ ...input.agent, registryPrefix: input.registryPrefix }),
    },
  };
}
