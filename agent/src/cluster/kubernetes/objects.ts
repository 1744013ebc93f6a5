/**
 * Any object, by its `apiVersion` and kind: what packs are made of. Where a kind is served and whether it has a namespace
 * is asked from the API server, and asked again when a kind is missing, since a pack may have just brought it.
 */

import type { KubernetesObject } from '@gatehouse/domain/profile';
import type { ObjectReference } from '@gatehouse/domain/profile-update-types';
import type { ProfileCluster, Refused } from '../cluster.ts';
import { objectsAt, textAt } from './json.ts';
import type { KubernetesApi } from './kubernetes-api.ts';

type Kind = { readonly apiVersion: string; readonly kind: string };
type Resource = { readonly plural: string; readonly isNamespaced: boolean };

export type ObjectStore = Pick<ProfileCluster, 'applyObject' | 'readObject' | 'deleteObject'>;

export function createObjectStore(api: KubernetesApi): ObjectStore {
  const found = new Map<string, Resource>();

  const discover = async ({ apiVersion, kind }: Kind): Promise<Resource | undefined> => {
    const key = `${apiVersion}/${kind}`;
    const known = found.get(key);
    if (known !== undefined) return known;
    for (const one of objectsAt(await api.get(groupPath(apiVersion)), 'resources')) {
      const name = textAt(one, 'name');
      // `deployments/status` and the like are parts of a resource.
      if (name === undefined || name.includes('/') || textAt(one, 'kind') !== kind) continue;
      const resource = { plural: name, isNamespaced: one['namespaced'] === true };
      found.set(key, resource);
      return resource;
    }
    return undefined;
  };

  const pathOf = async (reference: ObjectReference): Promise<string | Refused> => {
    const resource = await discover(reference);
    if (resource === undefined) {
      const message = `this Kubernetes does not serve ${reference.kind} in ${reference.apiVersion}`;
      return { kind: 'refused', status: 404, message };
    }
    const group = groupPath(reference.apiVersion);
    const name = encodeURIComponent(reference.name);
    if (!resource.isNamespaced) return `${group}/${resource.plural}/${name}`;
    const namespace = encodeURIComponent(reference.namespace ?? 'default');
    return `${group}/namespaces/${namespace}/${resource.plural}/${name}`;
  };

  return {
    async applyObject(object, { dryRun }) {
      const path = await pathOf(referenceTo(object));
      // With force: the profile is locked, so what somebody else set on a pack's object is drift.
      return typeof path === 'string' ? api.apply(path, object, { dryRun, force: true }) : path;
    },
    async readObject(reference) {
      const path = await pathOf(reference);
      const object = typeof path === 'string' ? await api.get(path) : undefined;
      return object === undefined ? undefined : parseObject(object);
    },
    async deleteObject(reference) {
      const path = await pathOf(reference);
      // A kind that is not served has no objects left.
      return typeof path === 'string' ? api.remove(path) : 'written';
    },
  };
}

function referenceTo({ apiVersion, kind, metadata }: KubernetesObject): ObjectReference {
  const { name, namespace } = metadata;
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** It came as JSON; what every object has is looked for. */
export function parseObject(value: unknown): KubernetesObject {
  if (!isKubernetesObject(value)) throw new TypeError('not a Kubernetes object: apiVersion, kind or name is missing');
  return value;
}

function isKubernetesObject(value: unknown): value is KubernetesObject {
  return (
    textAt(value, 'apiVersion') !== undefined &&
    textAt(value, 'kind') !== undefined &&
    textAt(value, 'metadata', 'name') !== undefined
  );
}
