/**
 * What each account must not be able to do, asked from a real API server. What it must be able to do is shown by the
 * suites of expectations, which run with the same accounts. docs/rights.md has the table.
 */

import { defaultOsVariable, renderGatewayCluster } from '@gatehouse/release/gateway-cluster';
import type { KubernetesManifest } from '@gatehouse/release/kubernetes-object';
import { objectNames } from '@gatehouse/release/object-names';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubernetesCluster } from './connect.ts';
import { connectKubernetesApi, type KubernetesApi } from './kubernetes-api.ts';
import { applyAll, installLabGateway, type Lab, type LabGateway, openLab, waitFor } from './lab-gateway.ts';
import type { KubernetesQuestion } from './request.ts';

type Account = 'guard' | 'agent' | 'profileRoller' | 'packApplier' | 'hostClusterWriter';
type Attempt = readonly [what: string, question: KubernetesQuestion];

let lab: Lab;

const apply = (path: string, apiVersion: string, kind: string, more: Readonly<Record<string, unknown>> = {}) =>
  ({
    method: 'PATCH',
    path,
    query: { fieldManager: 'gatehouse', force: 'true' },
    patch: 'apply',
    body: { apiVersion, kind, metadata: { name: path.slice(path.lastIndexOf('/') + 1) }, ...more },
  }) as const;
const get = (path: string) => ({ method: 'GET', path }) as const;
const remove = (path: string) => ({ method: 'DELETE', path }) as const;
const token = (namespace: string, account: string) =>
  ({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
  }) as const;
const podTemplate = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'a' }] } };
const workload = { spec: { selector: { matchLabels: { a: 'b' } }, template: podTemplate } };

function expectRefused(api: () => KubernetesApi, attempts: () => readonly Attempt[]): void {
  it('is refused everything else', async () => {
    for (const [what, question] of attempts()) {
      const answer = await api().ask(question);
      expect.soft(answer.status, `${what}: ${JSON.stringify(answer.body)}`).toBe(403);
    }
  });
}

beforeAll(async () => {
  lab = await openLab(providedKubernetesLab().kubeconfigPath);
});

describe('an existing cluster', () => {
  let gateway: LabGateway;
  let guard: KubernetesApi;
  let agent: KubernetesApi;

  beforeAll(async () => {
    gateway = await installLabGateway(lab, 'existing-cluster');
    guard = connectKubernetesApi(gateway.as(objectNames.guard));
    agent = connectKubernetesApi(gateway.as(objectNames.agent));
  });
  afterAll(async () => {
    await gateway.uninstall();
  });

  const core = () => `/api/v1/namespaces/${gateway.namespaces.agent}`;
  const apps = () => `/apis/apps/v1/namespaces/${gateway.namespaces.agent}`;
  const forBoth = (): readonly Attempt[] => [
    ['another Deployment', apply(`${apps()}/deployments/other`, 'apps/v1', 'Deployment', workload)],
    ['the guard’s Deployment', apply(`${apps()}/deployments/gatehouse-guard`, 'apps/v1', 'Deployment', workload)],
    ['deleting the agent’s Deployment', remove(`${apps()}/deployments/gatehouse-agent`)],
    ['a pod', apply(`${core()}/pods/other`, 'v1', 'Pod', { spec: podTemplate.spec })],
    ['a command in a pod', { method: 'POST', path: `${core()}/pods/other/exec`, query: { command: 'a' } }],
    ['logs', get(`${core()}/pods/other/log`)],
    ['another ConfigMap', apply(`${core()}/configmaps/other`, 'v1', 'ConfigMap')],
    ['another Secret', get(`${core()}/secrets/other`)],
    ['all Secrets', get(`${core()}/secrets`)],
    ['a token of its own', token(gateway.namespaces.agent, objectNames.agent)],
    ['its own rights', get(`/apis/rbac.authorization.k8s.io/v1/namespaces/${gateway.namespaces.agent}/roles`)],
    ['pods elsewhere', get('/api/v1/namespaces/kube-system/pods')],
    ['all pods', get('/api/v1/pods')],
    ['namespaces', get('/api/v1/namespaces')],
    ['Clusters', get('/apis/cluster.x-k8s.io/v1beta2/clusters')],
  ];

  describe('the guard', () => {
    expectRefused(
      () => guard,
      () => [
        ...forBoth(),
        ['the agent’s identity', get(`${core()}/secrets/${objectNames.identity}`)],
        ['the settings', get(`${core()}/configmaps/${objectNames.settings}`)],
        ['the trust', apply(`${core()}/configmaps/${objectNames.trust}`, 'v1', 'ConfigMap')],
        ['nodes', get('/api/v1/nodes')],
      ],
    );
  });

  describe('the agent', () => {
    expectRefused(
      () => agent,
      () => [
        ...forBoth(),
        [
          'making its own Deployment',
          apply(`${apps()}/deployments/gatehouse-agent`, 'apps/v1', 'Deployment', workload),
        ],
        ['another Job', apply(`/apis/batch/v1/namespaces/${gateway.namespaces.agent}/jobs/other`, 'batch/v1', 'Job')],
        ['changing a node', { method: 'PATCH', path: '/api/v1/nodes/node1', patch: 'merge', body: {} }],
        ['deleting its trust', remove(`${core()}/configmaps/${objectNames.trust}`)],
      ],
    );
    it('lists the nodes', async () => {
      expect((await agent.list('/api/v1/nodes')).length).toBeGreaterThan(0);
    });
  });
});

describe('a gateway installed by Gatehouse', () => {
  let gateway: LabGateway;

  beforeAll(async () => {
    gateway = await installLabGateway(lab, 'cli');
    // Paused: it is only there to be refused, and shall make no machines.
  });
  afterAll(async () => {
    await gateway.uninstall();
  });

  const clusters = () => `/apis/cluster.x-k8s.io/v1beta2/namespaces/${gateway.namespaces.cluster}/clusters`;
  const core = () => `/api/v1/namespaces/${gateway.namespaces.cluster}`;
  const as = (account: Account) => () =>
    connectKubernetesApi(
      gateway.as(
        objectNames[account],
        account === 'agent' || account === 'guard' ? gateway.namespaces.agent : gateway.namespaces.cluster,
      ),
    );
  /** Rights are asked for before the object is looked for, so `other` need not exist. */
  const shared = (): readonly Attempt[] => [
    ['another Cluster', merge(`${clusters()}/other`)],
    ['a ClusterClass', merge('/apis/cluster.x-k8s.io/v1beta2/namespaces/default/clusterclasses/gatehouse-gateway')],
    [
      'a template',
      merge(`/apis/controlplane.cluster.x-k8s.io/v1beta2/namespaces/default/${templates}/gatehouse-gateway`),
    ],
    ['Clusters elsewhere', get('/apis/cluster.x-k8s.io/v1beta2/namespaces/default/clusters')],
    ['Machines elsewhere', remove('/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machines/other')],
    ['deleting the own Cluster', remove(`${clusters()}/${gateway.name}`)],
  ];
  const templates = 'kubeadmcontrolplanetemplates';
  const merge = (path: string) => ({ method: 'PATCH', path, patch: 'merge', body: { metadata: {} } }) as const;

  describe('the agent', () => {
    expectRefused(as('agent'), () => [
      ...shared(),
      ['the own Cluster, but for the roller’s token', merge(`${clusters()}/${gateway.name}`)],
      ['the kubeconfig, but for the roller’s token', get(`${core()}/secrets/${gateway.name}-kubeconfig`)],
      ['a token of another account there', token(gateway.namespaces.cluster, 'default')],
      ['a token of the guard', token(gateway.namespaces.agent, objectNames.guard)],
    ]);
  });

  describe('the profile roller', () => {
    expectRefused(as('profileRoller'), () => [
      ...shared(),
      ['a new Cluster', apply(`${clusters()}/third`, 'cluster.x-k8s.io/v1beta2', 'Cluster')],
      ['another Secret', get(`${core()}/secrets/other-kubeconfig`)],
      ['a Machine that is changed', merge(clusters().replace('/clusters', '/machines/other'))],
      ['a set of workers that is changed', merge(clusters().replace('/clusters', '/machinedeployments/other'))],
      ['a Deployment', apply('/apis/apps/v1/namespaces/default/deployments/other', 'apps/v1', 'Deployment', workload)],
      ['the agent’s state', get(`/api/v1/namespaces/${gateway.namespaces.agent}/configmaps/${objectNames.state}`)],
    ]);
    it('is whom the API server sees when the agent patches the topology', async () => {
      await applyAll(lab, [clusterOf(gateway)]);
      const path = `${clusters()}/${gateway.name}`;
      const cluster = createKubernetesCluster({
        connection: gateway.as(objectNames.agent),
        namespace: gateway.namespaces.agent,
        own: {
          name: gateway.name,
          namespace: gateway.namespaces.cluster,
          osVariable: defaultOsVariable,
          managed: 'kubeconfig',
        },
      });
      const { profile } = cluster;
      if (profile === undefined) throw new Error('the gateway has no profile door');
      await waitFor('the control plane is made', 60, async () => profile.readClusterApi().catch(() => undefined));
      const taken = await waitFor('the patch is taken', 30, async () => {
        await profile.readClusterApi();
        const result = await profile.patchTopology({ controlPlaneOverrides: { [defaultOsVariable]: 'another' } });
        return result === 'conflict' ? undefined : result;
      });
      expect(taken).toBe('written');
      const managers = JSON.stringify((await lab.api.get(path))?.['metadata']);
      expect(managers).toContain('"manager":"gatehouse"');
      await lab.api.remove(path);
      await waitFor('the Cluster is gone', 120, async () =>
        (await lab.api.get(path)) === undefined ? true : undefined,
      );
    });
  });

  describe('the pack applier', () => {
    expectRefused(as('packApplier'), () => [
      ...shared(),
      ['deleting a namespace', remove('/api/v1/namespaces/other')],
      ['deleting a claim', remove('/api/v1/namespaces/default/persistentvolumeclaims/other')],
      ['deleting a volume', remove('/api/v1/persistentvolumes/other')],
      ['deleting a CRD', remove('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/clusters.cluster.x-k8s.io')],
      ['a node', merge('/api/v1/nodes/node1')],
    ]);
  });

  describe('the host cluster writer', () => {
    expectRefused(as('hostClusterWriter'), () => [
      ...shared(),
      ['the own Cluster', merge(`${clusters()}/${gateway.name}`)],
      ['Secrets', get(`/api/v1/namespaces/${gateway.namespaces.hostClusters}/secrets`)],
    ]);
    it('sees the host clusters', async () => {
      const path = `/apis/cluster.x-k8s.io/v1beta2/namespaces/${gateway.namespaces.hostClusters}/clusters`;
      expect(await as('hostClusterWriter')().list(path)).toEqual([]);
    });
  });
});

function clusterOf(gateway: LabGateway): KubernetesManifest {
  return renderGatewayCluster({
    gatewayName: gateway.name,
    kubernetesVersion: '1.33.5',
    os: 'ubuntu-24.04',
    controlPlanes: 1,
    workers: 0,
    clusterClass: { name: 'gatehouse-gateway', namespace: 'default' },
  });
}
