/** Which Kubernetes object it is, whatever version of its API it is written in. */

import type { KubernetesObject } from './profile.ts';
import type { ObjectReference } from './profile-update-types.ts';

export function referenceOf(object: KubernetesObject): ObjectReference {
  const { name, namespace } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
  };
}

/**
 * The identity of an object: API group, kind, namespace and name. The API's version is left out: an object that moves
 * from `v1beta1` to `v1` stays the same object, and deleting "the old one" would delete it.
 */
export function objectKey(object: ObjectReference): string {
  const slash = object.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
  return [group, object.kind, object.namespace ?? '', object.name].join('/');
}

/** `Deployment kube-system/cilium-operator`, for people. */
export function objectText(object: ObjectReference): string {
  return `${object.kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`;
}

/**
 * Pruning never deletes these: with them would go what people and host clusters keep there. By kind alone, so that no
 * other API group's namesake is deleted either.
 */
const keptKinds: readonly string[] = [
  'CustomResourceDefinition',
  'Namespace',
  'PersistentVolume',
  'PersistentVolumeClaim',
];

export function isNeverDeleted(object: Pick<ObjectReference, 'kind'>): boolean {
  return keptKinds.includes(object.kind);
}
