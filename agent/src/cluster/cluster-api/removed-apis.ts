/**
 * The API versions that Kubernetes removed, by the minor that no longer serves them, and whether anything on a cluster
 * still uses them. Source: https://kubernetes.io/docs/reference/using-api/deprecation-guide/ (complete to 1.35, which
 * removed none since 1.32). Only what Kubernetes serves itself and turns on by default is in it.
 */

import { type KubernetesVersion, versionParts } from '@gatehouse/domain/version';
import { objectsAt, textAt } from '../kubernetes/json.ts';
import { type KubernetesApi, servedGroupVersions } from '../kubernetes/kubernetes-api.ts';

interface RemovedApi {
  readonly minor: number;
  readonly apiVersion: string;
  readonly resources: readonly string[];
}

export const removedApis: readonly RemovedApi[] = [
  { minor: 25, apiVersion: 'batch/v1beta1', resources: ['cronjobs'] },
  { minor: 25, apiVersion: 'discovery.k8s.io/v1beta1', resources: ['endpointslices'] },
  { minor: 25, apiVersion: 'events.k8s.io/v1beta1', resources: ['events'] },
  { minor: 25, apiVersion: 'autoscaling/v2beta1', resources: ['horizontalpodautoscalers'] },
  { minor: 25, apiVersion: 'policy/v1beta1', resources: ['poddisruptionbudgets', 'podsecuritypolicies'] },
  { minor: 25, apiVersion: 'node.k8s.io/v1beta1', resources: ['runtimeclasses'] },
  {
    minor: 26,
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1beta1',
    resources: ['flowschemas', 'prioritylevelconfigurations'],
  },
  { minor: 26, apiVersion: 'autoscaling/v2beta2', resources: ['horizontalpodautoscalers'] },
  { minor: 27, apiVersion: 'storage.k8s.io/v1beta1', resources: ['csistoragecapacities'] },
  {
    minor: 29,
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1beta2',
    resources: ['flowschemas', 'prioritylevelconfigurations'],
  },
  {
    minor: 32,
    apiVersion: 'flowcontrol.apiserver.k8s.io/v1beta3',
    resources: ['flowschemas', 'prioritylevelconfigurations'],
  },
];

/**
 * What the target no longer serves and somebody here last wrote with, one text for each API version and resource. The
 * API server converts objects between versions, so an object itself does not tell; who wrote it with which version
 * stands in its `managedFields`. A version that this Kubernetes does not serve cannot be in use.
 */
export async function listRemovedApis(api: KubernetesApi, target: KubernetesVersion): Promise<readonly string[]> {
  const { minor } = versionParts(target);
  const served = await servedGroupVersions(api);
  const removed = removedApis.filter((one) => one.minor <= minor && served.has(one.apiVersion));
  const found: string[] = [];
  for (const { apiVersion, resources } of removed) {
    for (const resource of resources) {
      const writers = new Set<string>();
      let objects = 0;
      for (const object of await api.list(`/apis/${apiVersion}/${resource}`)) {
        const uses = objectsAt(object, 'metadata', 'managedFields').filter(
          (entry) => textAt(entry, 'apiVersion') === apiVersion,
        );
        if (uses.length > 0) objects += 1;
        for (const use of uses) writers.add(textAt(use, 'manager') ?? 'unknown');
      }
      // The API server keeps its own objects in step by itself.
      writers.delete('api-priority-and-fairness-config-producer-v1');
      writers.delete('api-priority-and-fairness-config-consumer-v1');
      if (writers.size > 0) {
        found.push(`${apiVersion} ${resource}: ${objects} written by ${[...writers].toSorted().join(', ')}`);
      }
    }
  }
  return found;
}
