/**
 * The cluster profiles of the two sample releases. They are small but of the real kind: Kubernetes objects as the named
 * projects install them, one Kubernetes minor between the two, changed values, a secret, an object that goes and a pack
 * that must precede the nodes. Their images exist nowhere: a sandbox gateway's cluster is simulated and pulls nothing.
 */

import type { ProfileDocument } from '@gatehouse/contract/release-document';
import { sha256Digest } from './canonical-json.ts';
import type { ProfileSource } from './release-builder.ts';

type Layer = ProfileDocument['layers'][number];
type Pack = Layer['packs'][number];
type KubernetesObject = Pack['objects'][number];
type Json = Readonly<Record<string, unknown>>;

export const sampleVersions = ['4.1.12', '4.2.7'] as const;
export type SampleVersion = (typeof sampleVersions)[number];

/** What the two releases have different. */
interface Choices {
  readonly version: SampleVersion;
  readonly isNewer: boolean;
  readonly kubernetes: string;
}

const choices: Readonly<Record<SampleVersion, Choices>> = {
  '4.1.12': { version: '4.1.12', isNewer: false, kubernetes: '1.26.8' },
  '4.2.7': { version: '4.2.7', isNewer: true, kubernetes: '1.27.11' },
};

export function sampleProfiles(version: SampleVersion): Readonly<Record<string, ProfileSource>> {
  const of = choices[version];
  return {
    vsphere: profile(of, [cilium(of)], [vsphereCsi(of)], [vsphereCpi(of), metricsServer(of)]),
    maas: profile(of, [calico(of)], [longhorn(of)], [metricsServer(of)]),
    openstack: profile(of, [calico(of)], [cinderCsi(of)], [openstackCcm(of), metricsServer(of)]),
  };
}

function profile(of: Choices, network: Pack[], storage: Pack[], addOns: Pack[]): ProfileSource {
  return {
    version: of.version,
    layers: [
      { kind: 'os', packs: [ubuntu(of)] },
      { kind: 'kubernetes', packs: [kubernetes(of)] },
      { kind: 'network', packs: network },
      { kind: 'storage', packs: storage },
      { kind: 'add-ons', packs: [...addOns, ...(of.isNewer ? [nodeProblemDetector()] : [])] },
    ],
  };
}

function ubuntu({ kubernetes: version, isNewer }: Choices): Pack {
  return pack('ubuntu', isNewer ? '22.04.4' : '22.04.3', {
    values: {
      image: `ubuntu-2204-kube-v${version}`,
      unattendedUpgrades: false,
      ntp: { servers: ['0.pool.ntp.org', '1.pool.ntp.org'] },
      sysctl: isNewer
        ? { 'fs.inotify.max_user_instances': 8192, 'net.ipv4.ip_forward': 1 }
        : { 'net.ipv4.ip_forward': 1 },
    },
  });
}

function kubernetes({ kubernetes: version, isNewer }: Choices): Pack {
  return pack('kubernetes', version, {
    values: {
      podCidr: '192.168.0.0/16',
      serviceCidr: '10.96.0.0/12',
      apiServer: { auditLogMaxAgeDays: 30, anonymousAuth: false, ...(isNewer ? { admission: 'restricted' } : {}) },
      kubelet: { maxPods: 110, eventRecordQps: isNewer ? 0 : 5 },
    },
  });
}

function cilium({ isNewer }: Choices): Pack {
  const version = isNewer ? '1.15.6' : '1.14.9';
  const values = {
    ipam: { mode: 'cluster-pool', clusterPoolIPv4PodCIDRList: ['192.168.0.0/16'] },
    kubeProxyReplacement: isNewer ? 'true' : 'strict',
    hubble: { enabled: isNewer },
    operator: { replicas: 1 },
  };
  return pack('cilium', version, {
    values,
    objects: [
      serviceAccount('cilium', 'kube-system'),
      clusterRole('cilium', [rule([''], ['nodes', 'pods', 'services', 'endpoints'], ['get', 'list', 'watch'])]),
      clusterRoleBinding('cilium', 'kube-system'),
      configMap('cilium-config', 'kube-system', {
        'cluster-pool-ipv4-cidr': '192.168.0.0/16',
        'kube-proxy-replacement': values.kubeProxyReplacement,
        'enable-hubble': String(values.hubble.enabled),
      }),
      daemonSet('cilium', 'kube-system', container('cilium-agent', 'cilium/cilium', version)),
      deployment('cilium-operator', 'kube-system', container('cilium-operator', 'cilium/operator-generic', version)),
      // Gone with 1.15: its work is done by the agent's own init container.
      ...(isNewer
        ? [deployment('hubble-relay', 'kube-system', container('hubble-relay', 'cilium/hubble-relay', version))]
        : [daemonSet('cilium-node-init', 'kube-system', container('node-init', 'cilium/startup-script', '62093c5'))]),
    ],
  });
}

function calico({ isNewer }: Choices): Pack {
  const version = isNewer ? '3.27.3' : '3.26.4';
  const values = {
    encapsulation: isNewer ? 'VXLANCrossSubnet' : 'IPIP',
    mtu: isNewer ? 1450 : 1480,
    typha: { enabled: !isNewer },
    felix: { logSeverity: 'Info', prometheusMetrics: true },
  };
  return pack('calico', version, {
    values,
    objects: [
      serviceAccount('calico-node', 'kube-system'),
      clusterRole('calico-node', [rule([''], ['nodes', 'pods', 'namespaces'], ['get', 'list', 'watch'])]),
      clusterRoleBinding('calico-node', 'kube-system'),
      configMap('calico-config', 'kube-system', { veth_mtu: String(values.mtu), calico_backend: 'bird' }),
      daemonSet('calico-node', 'kube-system', container('calico-node', 'calico/node', `v${version}`)),
      deployment(
        'calico-kube-controllers',
        'kube-system',
        container('calico-kube-controllers', 'calico/kube-controllers', `v${version}`),
      ),
      ...(values.typha.enabled
        ? [
            deployment('calico-typha', 'kube-system', container('calico-typha', 'calico/typha', `v${version}`)),
            service('calico-typha', 'kube-system', 5473),
          ]
        : []),
    ],
  });
}

function vsphereCsi({ isNewer }: Choices): Pack {
  const version = isNewer ? '3.2.0' : '3.1.2';
  const values = {
    vcenter: { host: 'vcenter.example', datacenter: 'dc-1', username: 'gatehouse', password: secret(isNewer) },
    storageClass: { name: 'vsphere-default', policy: isNewer ? 'thin-encrypted' : 'thin' },
    onlineVolumeExtend: isNewer,
  };
  return csi('vsphere-csi', version, 'csi.vsphere.vmware.com', {
    values,
    secretPaths: ['vcenter.password'],
    credentials: { username: values.vcenter.username, password: values.vcenter.password },
    storageClass: storageClass(values.storageClass.name, 'csi.vsphere.vmware.com', {
      storagepolicyname: values.storageClass.policy,
    }),
    image: 'vsphere-csi/driver',
  });
}

function cinderCsi({ isNewer }: Choices): Pack {
  const version = isNewer ? '1.27.3' : '1.26.4';
  const values = {
    cloud: { authUrl: 'https://keystone.example:5000/v3', applicationCredentialSecret: secret(isNewer) },
    storageClass: { name: 'cinder-default', type: 'ssd', reclaimPolicy: isNewer ? 'Retain' : 'Delete' },
  };
  return csi('cinder-csi', version, 'cinder.csi.openstack.org', {
    values,
    secretPaths: ['cloud.applicationCredentialSecret'],
    credentials: { 'application-credential-secret': values.cloud.applicationCredentialSecret },
    storageClass: {
      ...storageClass(values.storageClass.name, 'cinder.csi.openstack.org', { type: values.storageClass.type }),
      reclaimPolicy: values.storageClass.reclaimPolicy,
    },
    image: 'provider-os/cinder-csi-plugin',
  });
}

function longhorn({ isNewer }: Choices): Pack {
  const version = isNewer ? '1.6.2' : '1.5.5';
  const values = {
    backup: { target: 's3://gateway-backups@site/', accessSecret: secret(isNewer) },
    defaultReplicaCount: isNewer ? 3 : 2,
    storageClass: { name: 'longhorn' },
  };
  return csi('longhorn', version, 'driver.longhorn.io', {
    values,
    secretPaths: ['backup.accessSecret'],
    credentials: { AWS_SECRET_ACCESS_KEY: values.backup.accessSecret },
    storageClass: storageClass('longhorn', 'driver.longhorn.io', {
      numberOfReplicas: String(values.defaultReplicaCount),
    }),
    image: 'longhornio/longhorn-manager',
  });
}

/** A container storage driver: the parts that all of them have. */
function csi(
  name: string,
  version: string,
  driver: string,
  of: {
    readonly values: Json;
    readonly secretPaths: string[];
    readonly credentials: Readonly<Record<string, string>>;
    readonly storageClass: KubernetesObject;
    readonly image: string;
  },
): Pack {
  const namespace = `${name}-system`;
  return pack(name, version, {
    values: of.values,
    secretPaths: of.secretPaths,
    objects: [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      serviceAccount(name, namespace),
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: `${name}-credentials`, namespace },
        type: 'Opaque',
        data: Object.fromEntries(
          Object.entries(of.credentials).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
        ),
      },
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIDriver',
        metadata: { name: driver },
        spec: { attachRequired: true, podInfoOnMount: false },
      },
      of.storageClass,
      deployment(`${name}-controller`, namespace, container('driver', of.image, `v${version}`)),
      daemonSet(`${name}-node`, namespace, container('driver', of.image, `v${version}`)),
    ],
  });
}

/** The node controllers of a cloud have to know the new Kubernetes before its nodes come: hence before the nodes. */
function vsphereCpi({ kubernetes: version, isNewer }: Choices): Pack {
  return cloudController('vsphere-cpi', version.replace(/\d+$/, '0'), 'cloud-provider-vsphere/cpi', {
    vcenter: { host: 'vcenter.example', datacenter: 'dc-1' },
    nodes: { internalNetworkSubnetCidr: '10.10.0.0/16', ...(isNewer ? { excludeInternalNetworks: 'link-local' } : {}) },
  });
}

function openstackCcm({ isNewer }: Choices): Pack {
  return cloudController(
    'openstack-cloud-controller-manager',
    isNewer ? '1.27.3' : '1.26.4',
    'provider-os/openstack-cloud-controller-manager',
    { loadBalancer: { enabled: true, provider: isNewer ? 'ovn' : 'amphora' } },
  );
}

function cloudController(name: string, version: string, image: string, values: Json): Pack {
  return pack(name, version, {
    values,
    beforeNodes: true,
    objects: [
      serviceAccount(name, 'kube-system'),
      clusterRole(name, [rule([''], ['nodes', 'nodes/status'], ['get', 'list', 'watch', 'patch', 'update'])]),
      clusterRoleBinding(name, 'kube-system'),
      daemonSet(name, 'kube-system', container('manager', image, `v${version}`)),
    ],
  });
}

function metricsServer({ isNewer }: Choices): Pack {
  const version = isNewer ? '0.7.1' : '0.6.4';
  return pack('metrics-server', version, {
    values: { replicas: 1, args: isNewer ? ['--metric-resolution=15s'] : ['--metric-resolution=60s'] },
    objects: [
      serviceAccount('metrics-server', 'kube-system'),
      service('metrics-server', 'kube-system', 443),
      deployment(
        'metrics-server',
        'kube-system',
        container('metrics-server', 'metrics-server/metrics-server', `v${version}`),
      ),
    ],
  });
}

function nodeProblemDetector(): Pack {
  return pack('node-problem-detector', '0.8.19', {
    values: { monitors: ['kernel-monitor', 'readonly-monitor'] },
    objects: [
      serviceAccount('node-problem-detector', 'kube-system'),
      daemonSet(
        'node-problem-detector',
        'kube-system',
        container('detector', 'node-problem-detector/node-problem-detector', 'v0.8.19'),
      ),
    ],
  });
}

/** Not a secret of anybody; it is there to be masked, and to have changed. */
function secret(isNewer: boolean): string {
  return isNewer ? 'sandbox-only-2' : 'sandbox-only-1';
}

function pack(
  name: string,
  version: string,
  of: { values: Json; secretPaths?: string[]; objects?: KubernetesObject[]; beforeNodes?: boolean },
): Pack {
  const { values, secretPaths = [], objects = [], beforeNodes = false } = of;
  return { name, version, values: { ...values }, secretPaths, objects, beforeNodes };
}

function configMap(name: string, namespace: string, data: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

function serviceAccount(name: string, namespace: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
}

function rule(apiGroups: readonly string[], resources: readonly string[], verbs: readonly string[]): Json {
  return { apiGroups, resources, verbs };
}

function clusterRole(name: string, rules: readonly Json[]): KubernetesObject {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
}

function clusterRoleBinding(name: string, namespace: string): KubernetesObject {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  };
}

function service(name: string, namespace: string, port: number): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { 'app.kubernetes.io/name': name }, ports: [{ port, protocol: 'TCP' }] },
  };
}

function storageClass(name: string, provisioner: string, parameters: Json): KubernetesObject {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner,
    parameters,
    allowVolumeExpansion: true,
    volumeBindingMode: 'WaitForFirstConsumer',
  };
}

function container(name: string, repository: string, tag: string): Json {
  const reference = `registry.example/${repository}:${tag}`;
  return {
    name,
    image: `${reference}@${sha256Digest(reference)}`,
    resources: { requests: { cpu: '50m', memory: '64Mi' } },
  };
}

function podTemplate(name: string, only: Json): Json {
  return {
    metadata: { labels: { 'app.kubernetes.io/name': name } },
    spec: { containers: [only], tolerations: [{ operator: 'Exists' }] },
  };
}

function daemonSet(name: string, namespace: string, only: Json): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { 'app.kubernetes.io/name': name } },
      template: podTemplate(name, only),
    },
  };
}

function deployment(name: string, namespace: string, only: Json): KubernetesObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 1,
      selector: { matchLabels: { 'app.kubernetes.io/name': name } },
      template: podTemplate(name, only),
    },
  };
}
