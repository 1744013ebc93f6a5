import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { renderAgentDeployment, renderAgentPodTemplate } from './agent-deployment.ts';
import { renderGatewayCluster } from './gateway-cluster.ts';
import { imageReference, withRegistryPrefix } from './image-reference.ts';
import {
  type InstallManifestInput,
  installManifestYaml,
  renderIdentitySecret,
  renderInstallManifest,
} from './install-manifest.ts';
import { gatewayNamespaces } from './object-names.ts';
import { renderRehearsalJob } from './rehearsal-job.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const image = { version: '4.2.7', digest, repository: 'registry.example/gatehouse/agent' };
const input = (more: Partial<InstallManifestInput> = {}): InstallManifestInput => ({
  gateway: {
    id: '1b671a64-40d5-491e-99b0-da01ff1f3341',
    name: 'site-a',
    installation: 'existing-cluster',
    provider: 'maas',
  },
  server: { url: 'https://gatehouse.example' },
  rootJson: '{"signed":{}}',
  agent: image,
  ...more,
});
const names = (kind: string, given: InstallManifestInput) =>
  renderInstallManifest(given)
    .filter((object) => object.kind === kind)
    .map(({ metadata }) =>
      metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`,
    );
const settingsOf = (given: InstallManifestInput) =>
  renderInstallManifest(given).find(({ kind }) => kind === 'ConfigMap')?.['data'];

describe('the install manifest', () => {
  it('holds the guard and not the agent', () => {
    expect(names('Deployment', input())).toEqual(['gatehouse-site-a/gatehouse-guard']);
  });

  it('makes namespaces first, and each namespace that something is in', () => {
    const cli = input({ gateway: { ...input().gateway, installation: 'cli' } });
    const objects = renderInstallManifest(cli);
    const made = objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name);
    expect(objects.slice(0, made.length).every(({ kind }) => kind === 'Namespace')).toBe(true);
    const used = objects.flatMap(({ metadata }) => (metadata.namespace === undefined ? [] : [metadata.namespace]));
    expect(new Set(used)).toEqual(new Set(made));
  });

  it('says on each namespace which gateway it belongs to, since names may be the same in two tenants', () => {
    const cli = input({ gateway: { ...input().gateway, installation: 'cli' } });
    const made = renderInstallManifest(cli).filter(({ kind }) => kind === 'Namespace');
    expect(new Set(made.map(({ metadata }) => metadata.annotations?.['gatehouse.internal/gateway-id']))).toEqual(
      new Set([cli.gateway.id]),
    );
  });

  it('has on an existing cluster nothing of Cluster API', () => {
    expect(JSON.stringify(renderInstallManifest(input()))).not.toContain('x-k8s.io');
    expect(names('ServiceAccount', input())).toEqual([
      'gatehouse-site-a/gatehouse-guard',
      'gatehouse-site-a/gatehouse-agent',
    ]);
  });

  it('carries what was set and leaves out what was not', () => {
    expect(settingsOf(input())).toEqual({
      serverUrl: 'https://gatehouse.example',
      gatewayId: '1b671a64-40d5-491e-99b0-da01ff1f3341',
      gatewayName: 'site-a',
      installation: 'existing-cluster',
      provider: 'maas',
      rootJson: '{"signed":{}}',
    });
    const more = {
      proxy: { https: 'http://proxy.example' },
      registryPrefix: 'mirror.example',
      timings: { poll: { interval: 1 } },
    };
    expect(settingsOf(input(more))).toMatchObject({
      httpsProxy: 'http://proxy.example',
      registryPrefix: 'mirror.example',
      timings: '{"poll":{"interval":1}}',
    });
    expect(settingsOf(input({ gateway: { ...input().gateway, installation: 'cli' } }))).toMatchObject({
      clusterName: 'site-a',
      clusterNamespace: 'gatehouse-site-a-cluster',
      osVariable: 'osImage',
      managed: 'kubeconfig',
    });
  });

  it('is, as YAML, the same objects', () => {
    const objects = renderInstallManifest(input());
    const read = parseAllDocuments(installManifestYaml(objects)).map((one) => one.toJS() as unknown);
    expect(read).toEqual(JSON.parse(JSON.stringify(objects)));
  });

  it('refuses a name from which no namespace can be made', () => {
    expect(() => gatewayNamespaces('a'.repeat(40))).toThrow(RangeError);
    expect(gatewayNamespaces('a'.repeat(39)).hostClusters).toHaveLength(63);
  });

  it('keeps the registration token apart', () => {
    const secret = renderIdentitySecret({ gatewayName: 'site-a', registrationToken: 'a-token' });
    expect(secret).toMatchObject({
      metadata: { name: 'gatehouse-agent-identity', namespace: 'gatehouse-site-a' },
      data: { registrationToken: Buffer.from('a-token').toString('base64') },
    });
    expect(JSON.stringify(renderInstallManifest(input()))).not.toContain('a-token');
  });
});

describe('the agent’s Deployment', () => {
  const template = renderAgentPodTemplate(image);

  it('never has fewer agents than one', () => {
    const deployment = renderAgentDeployment({ namespace: 'n', ...image, template, minReadySeconds: 60 });
    expect(deployment['spec']).toMatchObject({
      replicas: 1,
      minReadySeconds: 60,
      strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    });
    expect(JSON.stringify(deployment)).not.toContain('resourceVersion');
  });

  it('carries an attempt beside its template and not in it, so that a take-back finds the old pod', () => {
    const order = {
      namespace: 'n',
      ...image,
      template,
      minReadySeconds: 60,
      attemptId: 'an-attempt',
      resourceVersion: '7',
    };
    const { metadata, ...rest } = renderAgentDeployment(order);
    expect(metadata).toMatchObject({
      resourceVersion: '7',
      annotations: { 'gatehouse.internal/attempt-id': 'an-attempt' },
    });
    expect(JSON.stringify(rest)).not.toContain('an-attempt');
  });

  it('runs unprivileged, without a file system to write to, and hands out its last words', () => {
    expect(template.spec).toMatchObject({
      securityContext: { runAsNonRoot: true, runAsUser: 10001 },
      containers: [
        {
          image: `registry.example/gatehouse/agent@${digest}`,
          terminationMessagePolicy: 'FallbackToLogsOnError',
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    });
  });

  it('tolerates control planes, and leaves a lost node after 30 s', () => {
    expect(template.spec['tolerations']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ key: 'node-role.kubernetes.io/control-plane' }),
        expect.objectContaining({ key: 'node.kubernetes.io/unreachable', tolerationSeconds: 30 }),
      ]),
    );
  });
});

describe('a rehearsal', () => {
  it('is the same pod with another argument, once, without a probe', () => {
    const job = renderRehearsalJob({
      namespace: 'n',
      attemptId: 'an-attempt',
      template: renderAgentPodTemplate(image),
    });
    expect(job['spec']).toMatchObject({
      backoffLimit: 0,
      template: {
        metadata: { labels: { 'app.kubernetes.io/name': 'gatehouse-agent-rehearsal' } },
        spec: {
          restartPolicy: 'Never',
          serviceAccountName: 'gatehouse-agent',
          containers: [{ image: `registry.example/gatehouse/agent@${digest}`, args: ['rehearse'] }],
        },
      },
    });
    expect(JSON.stringify(job)).not.toContain('readinessProbe');
    expect(JSON.stringify(job)).toContain('{"name":"GATEHOUSE_ATTEMPT_ID","value":"an-attempt"}');
  });

  it('outlives the agent’s ten minutes, because its own deadline destroys the reason', () => {
    const job = renderRehearsalJob({ namespace: 'n', attemptId: 'a', template: renderAgentPodTemplate(image) });
    expect(job['spec']).toMatchObject({ activeDeadlineSeconds: 900 });
  });

  it('needs a pod template', () => {
    for (const template of [undefined, null, {}, { metadata: {}, spec: { containers: 'agent' } }]) {
      expect(() => renderRehearsalJob({ namespace: 'n', attemptId: 'a', template })).toThrow(TypeError);
    }
  });
});

describe('an image reference', () => {
  it.each([
    [undefined, 'registry.example/gatehouse/agent'],
    ['', 'registry.example/gatehouse/agent'],
    ['mirror.example:5000', 'mirror.example:5000/gatehouse/agent'],
    ['mirror.example/proxy/', 'mirror.example/proxy/gatehouse/agent'],
  ])('with the prefix %s is %s', (registryPrefix, name) => {
    expect(imageReference({ ...image, registryPrefix })).toBe(`${name}@${digest}`);
  });

  it.each([
    ['nginx', 'mirror.example/library/nginx'],
    ['bitnami/redis', 'mirror.example/bitnami/redis'],
    ['docker.io/nginx', 'mirror.example/library/nginx'],
    ['localhost/nginx', 'mirror.example/nginx'],
    ['localhost:5000/a/b', 'mirror.example/a/b'],
  ])('%s is %s with a prefix: a name without a registry is one of Docker Hub', (name, expected) => {
    expect(withRegistryPrefix(name, 'mirror.example')).toBe(expected);
  });
});

describe('a gateway’s Cluster', () => {
  const cluster = (workers: number) =>
    renderGatewayCluster({
      gatewayName: 'site-b',
      kubernetesVersion: '1.33.5',
      os: 'ubuntu',
      controlPlanes: 3,
      workers,
      clusterClass: { name: 'gatehouse-gateway', namespace: 'default' },
    });

  it('is in the gateway’s own namespace, of the gateway’s own class', () => {
    expect(cluster(2)).toMatchObject({
      apiVersion: 'cluster.x-k8s.io/v1beta2',
      metadata: { name: 'site-b', namespace: 'gatehouse-site-b-cluster' },
      spec: {
        topology: {
          classRef: { name: 'gatehouse-gateway', namespace: 'default' },
          version: 'v1.33.5',
          controlPlane: { replicas: 3 },
          variables: [{ name: 'osImage', value: 'ubuntu' }],
          workers: { machineDeployments: [{ class: 'worker', replicas: 2 }] },
        },
      },
    });
  });

  it('has no workers when none are wanted', () => {
    expect(JSON.stringify(cluster(0))).not.toContain('workers');
  });
});
