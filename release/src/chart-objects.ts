/**
 * From what helm renders to what an agent applies. Helm would run hooks, create the namespace and put into it what names
 * none; an agent does nothing of its own accord, so all of it is written out here or refused.
 */

import type { RenderedObject } from './helm-chart.ts';
import { isJsonObject, type JsonObject, member } from './json-object.ts';

/** `reason` without a full stop; `nextStep` as a sentence. */
export type ReportFault = (field: string, reason: string, nextStep: string) => void;

/** Where objects of a kind stand, for kinds that Kubernetes does not bring. */
export type KindScopes = Readonly<Record<string, 'cluster' | 'namespace'>>;

export interface ChartHooks {
  /** Leave them out instead of refusing the chart. Tests are always left out. */
  readonly areLeftOut: boolean;
}

/** The chart's objects without its tests and, if that is wanted, without its other hooks. */
export function withoutHooks(rendered: readonly RenderedObject[], hooks: ChartHooks, fault: ReportFault): JsonObject[] {
  const kept: JsonObject[] = [];
  for (const { template, object } of rendered) {
    for (const one of listed(object)) {
      if (!isJsonObject(one)) {
        fault(template, 'it renders something that is no object', 'Correct the template.');
        continue;
      }
      const hook = hooksOf(one);
      if (hook === undefined) kept.push(one);
      else if (!hooks.areLeftOut && !hook.every((name) => name.startsWith('test'))) {
        fault(
          template,
          `${nameOf(one)} is a hook (${hook.join(', ')}), which only helm itself would run, at installation`,
          'Turn it off in values.yaml; or, if the pack works without it, write `hooks: leave-out` under `chart`.',
        );
      }
    }
  }
  return kept;
}

/** The `items` of a List count as objects of their own. */
function listed(object: unknown): readonly unknown[] {
  if (!isJsonObject(object) || object['kind'] !== 'List' || !Array.isArray(object['items'])) return [object];
  return object['items'];
}

function hooksOf(object: JsonObject): readonly string[] | undefined {
  const hook = member(member(object['metadata'], 'annotations'), 'helm.sh/hook');
  return typeof hook === 'string' ? hook.split(',').map((name) => name.trim()) : undefined;
}

/** Where the kinds stand that these objects define. */
export function definedScopes(objects: readonly JsonObject[]): KindScopes {
  return Object.fromEntries(
    objects.flatMap((object) => {
      if (object['kind'] !== 'CustomResourceDefinition') return [];
      const group = member(object['spec'], 'group');
      const kind = member(member(object['spec'], 'names'), 'kind');
      const scope = member(object['spec'], 'scope');
      if (typeof group !== 'string' || typeof kind !== 'string') return [];
      return [[`${group}/${kind}`, scope === 'Cluster' ? 'cluster' : 'namespace'] as const];
    }),
  );
}

/** Each object in the namespace where helm would put it. A kind that nobody knows is a fault only if it names none. */
export function inNamespace(
  objects: readonly JsonObject[],
  namespace: string,
  scopes: KindScopes,
  fault: ReportFault,
): JsonObject[] {
  return objects.map((object) => {
    const metadata = object['metadata'];
    if (!isJsonObject(metadata)) return object;
    const named = typeof metadata['namespace'] === 'string' && metadata['namespace'] !== '';
    switch (scopeOf(object, scopes)) {
      case 'cluster': {
        // Some charts give every object a namespace; helm ignores it here, the API server does not.
        const { namespace: _, ...rest } = metadata;
        return { ...object, metadata: rest };
      }
      case 'namespace':
        return named ? object : { ...object, metadata: { ...metadata, namespace } };
      default:
        if (named) return object;
        fault(
          '',
          `${nameOf(object)} names no namespace, and nothing in the profile says whether its kind has one`,
          `Write \`kinds: { ${String(object['kind'])}: cluster }\` or \`namespace\` under \`chart\`.`,
        );
        return object;
    }
  });
}

function scopeOf(object: JsonObject, scopes: KindScopes): 'cluster' | 'namespace' | undefined {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  if (kubernetesGroups.has(group)) return clusterKinds.has(kind) ? 'cluster' : 'namespace';
  return scopes[`${group}/${kind}`] ?? scopes[kind];
}

/** The Namespace itself, unless Kubernetes brings it or an object before defines it. */
export function missingNamespace(namespace: string, before: readonly JsonObject[]): JsonObject | undefined {
  const isThere = before.some(
    (object) => object['kind'] === 'Namespace' && member(object['metadata'], 'name') === namespace,
  );
  if (isThere || kubernetesNamespaces.has(namespace)) return undefined;
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
}

function nameOf(object: JsonObject): string {
  return `${String(object['kind'])} ${String(member(object['metadata'], 'name'))}`;
}

const kubernetesNamespaces = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);

const kubernetesGroups = new Set([
  '',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'apps',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'flowcontrol.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
]);

/** Of the groups above: what stands in no namespace. */
const clusterKinds = new Set([
  'APIService',
  'CSIDriver',
  'CSINode',
  'CertificateSigningRequest',
  'ClusterRole',
  'ClusterRoleBinding',
  'ClusterTrustBundle',
  'CustomResourceDefinition',
  'DeviceClass',
  'DeviceTaintRule',
  'FlowSchema',
  'IPAddress',
  'IngressClass',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'MutatingWebhookConfiguration',
  'Namespace',
  'Node',
  'PersistentVolume',
  'PriorityClass',
  'PriorityLevelConfiguration',
  'ResourceSlice',
  'RuntimeClass',
  'ServiceCIDR',
  'StorageClass',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingWebhookConfiguration',
  'VolumeAttachment',
  'VolumeAttributesClass',
]);
