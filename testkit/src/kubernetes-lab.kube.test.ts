/** Whether the ground holds on which all other Kubernetes suites stand: registry, pods, addresses, audit log, Cluster API. */

import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { imageArchitecture, nodePath, nodeRuntimeFiles, unprivilegedUser } from '@gatehouse/release/node-runtime';
import { buildImage, buildLayer, type OciImage } from '@gatehouse/release/oci-image';
import { pullImage, pushImage } from '@gatehouse/release/oci-registry';
import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  PatchStrategy,
  type V1Pod,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeServerCertificate } from './kubernetes-lab.ts';
import { providedKubernetesLab } from './provided-kubernetes-lab.ts';

const lab = providedKubernetesLab();
const config = new KubeConfig();
config.loadFromFile(lab.kubeconfigPath);
const objects = KubernetesObjectApi.makeApiClient(config);
const core = config.makeApiClient(CoreV1Api);
const custom = config.makeApiClient(CustomObjectsApi);

const second = 1000;
const namespace = `lab-smoke-${randomBytes(4).toString('hex')}`;
const repository = 'lab/probe';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-lab-smoke-'));
  await core.createNamespace({ body: { metadata: { name: namespace } } });
});

afterAll(async () => {
  // The Cluster first: a namespace that goes takes away what its controllers need to let it go.
  await vi.waitFor(
    async () => {
      const left = await clustersOfNamespace();
      await Promise.all(left.map((name) => custom.deleteNamespacedCustomObject({ ...clusters, name })));
      if (left.length > 0) throw new Error(`Still there: ${left.join(', ')}`);
    },
    { timeout: 120 * second, interval: second },
  );
  await core.deleteNamespace({ name: namespace });
  await rm(folder, { recursive: true });
});

const clusters = { group: 'cluster.x-k8s.io', version: 'v1beta2', namespace, plural: 'clusters' };

async function clustersOfNamespace(): Promise<string[]> {
  return (await listCustom(clusters)).map((cluster) => cluster.metadata?.name ?? '');
}

interface Condition {
  readonly type: string;
  readonly status: string;
}

interface CustomObject extends KubernetesObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };
}

async function listCustom(kind: typeof clusters, labelSelector = ''): Promise<readonly CustomObject[]> {
  const list: unknown = await custom.listNamespacedCustomObject({ ...kind, labelSelector });
  const items: unknown = typeof list === 'object' && list !== null && 'items' in list ? list.items : undefined;
  if (!Array.isArray(items)) throw new Error(`The API server answered no list of ${kind.plural}`);
  return items as readonly CustomObject[]; // The API server has checked them against their schema.
}

function isTrue(object: CustomObject | undefined, type: string): boolean {
  return (
    object?.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
  );
}

/** One image for all tests here: Node, which each pod gives a program of its own. */
async function probeImage(): Promise<OciImage> {
  return buildImage({
    architecture: imageArchitecture(),
    layers: [await buildLayer(await nodeRuntimeFiles(), { compressionLevel: 1 })],
    entrypoint: [nodePath, '--input-type=module', '--eval'],
    user: unprivilegedUser,
  });
}

function knownRegistry() {
  if (lab.registry === undefined) throw new Error('No registry is known for this cluster');
  return lab.registry;
}

let pushed: Promise<string> | undefined;
/** The name under which pods pull the probe. */
function pushedProbe(): Promise<string> {
  pushed ??= probeImage().then(async (image) => {
    const registry = knownRegistry();
    const digest = await pushImage({ registry: { url: registry.pushUrl }, repository, image });
    return `${registry.pullPrefix}/${repository}@${digest}`;
  });
  return pushed;
}

function container(image: string, program: string, env: Readonly<Record<string, string>> = {}) {
  return {
    name: 'probe',
    image,
    args: [program],
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
    securityContext: {
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
  };
}

/** Runs a program once in a pod; its last log line is the answer. */
async function runInPod(name: string, spec: Omit<NonNullable<V1Pod['spec']>, 'restartPolicy'>): Promise<string> {
  await core.createNamespacedPod({
    namespace,
    body: { metadata: { name }, spec: { ...spec, restartPolicy: 'Never' } },
  });
  await vi.waitFor(
    async () => {
      const pod = await core.readNamespacedPod({ namespace, name });
      const terminated = pod.status?.containerStatuses?.[0]?.state?.terminated;
      if (pod.status?.phase === 'Failed') return;
      expect(pod.status?.phase, JSON.stringify(terminated ?? pod.status?.containerStatuses)).toBe('Succeeded');
    },
    { timeout: 60 * second, interval: 500 },
  );
  return (await core.readNamespacedPodLog({ namespace, name })).trim();
}

test.runIf(lab.registry)('what is pushed to the registry can be pulled from it by its digest', async () => {
  const image = await probeImage();
  const location = { registry: { url: knownRegistry().pushUrl }, repository };
  await pushImage({ ...location, image });
  const pulled = await pullImage({ ...location, digest: image.digest });
  expect(pulled.config.bytes).toEqual(new Uint8Array(image.config.bytes));
  expect(pulled.layers.map(({ digest }) => digest)).toEqual(image.layers.map(({ digest }) => digest));
});

test.runIf(lab.registry)(
  'a Deployment runs by digest as nobody, and reaches the API server with its account',
  async () => {
    // It listens, and so is Ready, only once the API server has answered it.
    const program = `
    import { readFileSync } from 'node:fs';
    import { createServer } from 'node:http';
    import { get } from 'node:https';
    const account = '/var/run/secrets/kubernetes.io/serviceaccount/';
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port, NAMESPACE } = process.env;
    const options = { ca: readFileSync(account + 'ca.crt'), headers: { authorization: 'Bearer ' + readFileSync(account + 'token') } };
    get('https://' + host + ':' + port + '/api/v1/namespaces/' + NAMESPACE + '/configmaps/kube-root-ca.crt', options, (answer) => {
      if (answer.statusCode !== 200) throw new Error('answered ' + answer.statusCode);
      if (process.getuid() !== 10001) throw new Error('runs as ' + process.getuid());
      createServer((_, response) => response.end()).listen(8080);
    });`;
    const image = await pushedProbe();
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }];
    const labels = { app: 'reader' };
    const metadata = { name: 'reader', namespace };
    const rbac = 'rbac.authorization.k8s.io';
    for (const object of [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
      { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules },
      {
        apiVersion: `${rbac}/v1`,
        kind: 'RoleBinding',
        metadata,
        roleRef: { apiGroup: rbac, kind: 'Role', name: 'reader' },
        subjects: [{ kind: 'ServiceAccount', name: 'reader', namespace }],
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              serviceAccountName: 'reader',
              containers: [
                {
                  ...container(image, program, { NAMESPACE: namespace }),
                  readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
                },
              ],
            },
          },
        },
      },
    ]) {
      await objects.create(object);
    }
    const apps = config.makeApiClient(AppsV1Api);
    await vi.waitFor(
      async () => {
        const { status } = await apps.readNamespacedDeployment({ namespace, name: 'reader' });
        expect(status?.readyReplicas, JSON.stringify(status?.conditions)).toBe(2);
      },
      { timeout: 90 * second, interval: 500 },
    );
  },
);

test.runIf(lab.registry)('a digest that the registry does not have is said to be missing, and soon', async () => {
  const image = `${knownRegistry().pullPrefix}/${repository}@sha256:${'0'.repeat(64)}`;
  await core.createNamespacedPod({
    namespace,
    body: { metadata: { name: 'missing' }, spec: { containers: [container(image, '')] } },
  });
  await vi.waitFor(
    async () => {
      const pod = await core.readNamespacedPod({ namespace, name: 'missing' });
      expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toContain('not found');
    },
    { timeout: 20 * second, interval: 500 },
  );
});

test.runIf(lab.caPath)('a pod reaches what listens on the host, over TLS that it can check', async () => {
  const { certificatePath, keyPath } = await makeServerCertificate(folder);
  const server: Server = createServer(
    { cert: await readFile(certificatePath), key: await readFile(keyPath) },
    (_, response) => response.end('from the host'),
  );
  const port = await new Promise<number>((resolve) => {
    server.listen(0, lab.hostAddressFromPods, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  try {
    const program = `
      import { get } from 'node:https';
      get(process.env.URL_OF_HOST, { ca: process.env.CA }, (answer) => answer.pipe(process.stdout));`;
    const env = {
      URL_OF_HOST: `https://${lab.hostAddressFromPods}:${port}/`,
      CA: await readFile(lab.caPath ?? '', 'utf8'),
    };
    const answer = await runInPod('caller', { containers: [container(await pushedProbe(), program, env)] });
    expect(answer).toBe('from the host');
  } finally {
    server.close();
  }
});

test.runIf(lab.auditLogPath)('the audit log says who wrote what, as soon as it is written', async () => {
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'written' } } });
  const lines = (await readFile(lab.auditLogPath ?? '', 'utf8')).split('\n');
  const entries = lines.filter((line) => line.includes(`"namespace":"${namespace}"`) && line.includes('"written"'));
  expect(entries.map((line): unknown => JSON.parse(line))).toMatchObject([
    { verb: 'create', user: { username: 'admin' }, objectRef: { resource: 'configmaps' } },
  ]);
});

describe('a gateway of three control planes', () => {
  const name = 'gateway';
  const machines = { ...clusters, plural: 'machines' };
  const controlPlanes = { ...clusters, group: 'controlplane.cluster.x-k8s.io', plural: 'kubeadmcontrolplanes' };
  const cluster = {
    apiVersion: 'cluster.x-k8s.io/v1beta2',
    kind: 'Cluster',
    metadata: { name, namespace },
    spec: {
      clusterNetwork: {
        pods: { cidrBlocks: ['192.168.0.0/16'] },
        services: { cidrBlocks: ['10.128.0.0/12'] },
        serviceDomain: 'cluster.local',
      },
      topology: {
        classRef: { name: 'gatehouse-gateway', namespace: 'default' },
        version: 'v1.33.5',
        controlPlane: { replicas: 3 },
        variables: [{ name: 'osImage', value: 'ubuntu-22.04' }],
      },
    },
  };

  /** What is not yet as it is when all control planes have been replaced; undefined when they have. */
  async function notRolledTo(version: string): Promise<string | undefined> {
    const [controlPlane] = await listCustom(controlPlanes);
    const { metadata, status } = controlPlane ?? {};
    const isDone =
      status?.['observedGeneration'] === metadata?.generation &&
      status?.['version'] === version &&
      !isTrue(controlPlane, 'RollingOut') &&
      ['replicas', 'readyReplicas', 'availableReplicas', 'upToDateReplicas'].every((count) => status?.[count] === 3);
    return isDone ? undefined : JSON.stringify(controlPlane?.status ?? 'no control plane');
  }

  async function waitUntilRolledTo(version: string, look = async () => {}): Promise<void> {
    await vi.waitFor(
      async () => {
        await look();
        const fault = await notRolledTo(version);
        if (fault !== undefined) throw new Error(`Not rolled to ${version}: ${fault}`);
      },
      { timeout: 300 * second, interval: 300 },
    );
  }

  beforeAll(async () => {
    await objects.create(cluster);
    await waitUntilRolledTo('v1.33.5');
  });

  test.runIf(lab.registry)('has an API server that pods reach with the kubeconfig of its Secret', async () => {
    const program = `
      import { readFileSync } from 'node:fs';
      import { get } from 'node:https';
      import { json } from 'node:stream/consumers';
      const lines = readFileSync('/kubeconfig/value', 'utf8').split('\\n');
      const field = (name) => lines.find((line) => line.includes(name + ': ')).split(': ')[1];
      const decoded = (name) => Buffer.from(field(name), 'base64');
      const options = {
        ca: decoded('certificate-authority-data'),
        cert: decoded('client-certificate-data'),
        key: decoded('client-key-data'),
      };
      get(field('server') + '/api/v1/nodes', options, async (answer) => {
        const { items } = await json(answer);
        console.log('nodes: ' + items.length);
      });`;
    const answer = await runInPod('workload-reader', {
      containers: [
        {
          ...container(await pushedProbe(), program),
          volumeMounts: [{ name: 'kubeconfig', mountPath: '/kubeconfig' }],
        },
      ],
      volumes: [{ name: 'kubeconfig', secret: { secretName: `${name}-kubeconfig` } }],
    });
    expect(answer).toBe('nodes: 3');
  });

  test('rolls one minor up and never has fewer than three', async () => {
    const patch = { ...cluster, spec: { topology: { version: 'v1.34.1' } } };
    await objects.patch(patch, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
    // Machines whose nodes are Ready, not the control plane's count: that reads 0 while Cluster API cannot ask etcd.
    const readyNodes: number[] = [];
    await waitUntilRolledTo('v1.34.1', async () => {
      readyNodes.push((await listCustom(machines)).filter((machine) => isTrue(machine, 'NodeReady')).length);
    });
    expect({ fewest: Math.min(...readyNodes), most: Math.max(...readyNodes) }).toEqual({ fewest: 3, most: 4 });
  });
});
