/**
 * Any object, by its `apiVersion` and kind: what packs are made of. Where a kind is served and whether it has a namespace
 * is asked from the API server, and asked again when a kind is missing, since a pack may have just brought it.
 */

import type { KubernetesObject } from '@gatehouse/domain/profile';
import type { ObjectReference } from '@gatehouse/domain/profile-update-types';
import { fieldManager } from '@gatehouse/release/object-names';
import type { ProfileCluster, Refused } from '../cluster.ts';
import { isObject, type JsonObject, objectsAt, textAt } from './json.ts';
import type { KubernetesApi } from './kubernetes-api.ts';

type Kind = { readonly apiVersion: string; readonly kind: string };
type Resource = { readonly plural: string; readonly isNamespaced: boolean };

export type ObjectStore = Pick<ProfileCluster, 'applyObject' | 'keepObject' | 'readObject' | 'deleteObject'>;

export function createObjectStore(api: KubernetesApi): ObjectStore {
  const found = new Map<string, Resource>();
  /** Resource versions, by path, at which objects were as they should be. */
  const keptAt = new Map<string, string>();

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
    async keepObject(object) {
      const path = await pathOf(referenceTo(object));
      if (typeof path !== 'string') return path;
      const before = await api.get(path);
      const version = textAt(before, 'metadata', 'resourceVersion');
      if (version !== undefined && keptAt.get(path) === version) return { kind: 'same' };
      // An apply that changes nothing is no write: the object keeps its version.
      const after = await api.applied(path, object, { force: true });
      if (after === 'conflict' || isRefused(after)) return after;
      const now = textAt(after, 'metadata', 'resourceVersion');
      if (now !== undefined) keptAt.set(path, now);
      if (before === undefined) return { kind: 'made-again' };
      return now === version ? { kind: 'same' } : { kind: 'repaired', by: othersWhoOwn(before, object) };
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

/** No Kubernetes kind begins with a small letter. */
function isRefused(value: JsonObject | Refused): value is Refused {
  return value['kind'] === 'refused';
}

/** Field managers other than ours that own a field of the object as we apply it. */
function othersWhoOwn(before: JsonObject, object: KubernetesObject): readonly string[] {
  const { apiVersion: _version, kind: _kind, metadata, ...content } = object;
  const { name: _name, namespace: _namespace, ...rest } = metadata;
  const applied = { ...content, metadata: rest };
  const owners = objectsAt(before, 'metadata', 'managedFields').filter(
    (entry) => textAt(entry, 'manager') !== fieldManager && isSharing(entry['fieldsV1'], applied),
  );
  return [...new Set(owners.map((entry) => textAt(entry, 'manager') ?? 'unknown'))];
}

/** Whether owned fields and an object as applied have a field in common. Lists count as one field. */
function isSharing(owned: unknown, applied: unknown): boolean {
  if (!isObject(owned)) return false;
  if (!isObject(applied)) return true;
  return Object.entries(applied).some(
    ([name, value]) => owned[`f:${name}`] !== undefined && isSharing(owned[`f:${name}`], value),
  );
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
