/** The objects of packs in a simulated cluster: stored as they are applied, and refused as an API server would. */

import { isDeepStrictEqual } from 'node:util';
import { formatInstant } from '@gatehouse/domain/instant';
import type { Json, KubernetesObject } from '@gatehouse/domain/profile';
import type { ObjectReference } from '@gatehouse/domain/profile-update-types';
import { type KubernetesVersion, versionParts } from '@gatehouse/domain/version';
import type { Clock } from '../../clock.ts';
import type { KeepResult, Refused } from '../cluster.ts';
import { removedApis } from '../cluster-api/removed-apis.ts';
import type { SimulatedState } from './state.ts';
import { countWrite } from './store.ts';

export function objectKey({ apiVersion, kind, namespace, name }: ObjectReference): string {
  return [apiVersion, kind, namespace ?? '', name].join('|');
}

const referenceOf = ({ apiVersion, kind, metadata }: KubernetesObject): ObjectReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
});

/** RFC 1123; names of roles may hold a colon besides. */
const namePattern = /^[a-z0-9]([-a-z0-9.:]*[a-z0-9])?$/;
const nameLengthMax = 253;

export function refusalOf({ kind, metadata: { name } }: KubernetesObject): Refused | undefined {
  if (namePattern.test(name) && name.length <= nameLengthMax) return undefined;
  const message = `${kind} ${JSON.stringify(name)} is invalid: metadata.name: Invalid value: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`;
  return { kind: 'refused', status: 422, message };
}

/** Server-side apply with force: what we applied before and no longer do goes, what others set stays. */
export function applyObject(state: SimulatedState, object: KubernetesObject, clock: Clock): SimulatedState {
  const key = objectKey(referenceOf(object));
  const before = state.objects[key];
  const last = state.applied?.[key];
  const merged = before === undefined ? object : toObject(mergeApplied(before, last?.object, object));
  if (before !== undefined && isDeepStrictEqual(merged, before)) {
    return { ...state, applied: { ...state.applied, [key]: { object } } };
  }
  const counted = countWrite(state);
  const stored: KubernetesObject = {
    ...merged,
    metadata: {
      ...merged.metadata,
      uid: before?.metadata['uid'] ?? clock.uuid(),
      creationTimestamp: before?.metadata['creationTimestamp'] ?? formatInstant(clock.wall()),
      resourceVersion: counted.resourceVersion,
    },
  };
  return {
    ...counted.state,
    objects: { ...counted.state.objects, [key]: stored },
    applied: { ...counted.state.applied, [key]: { object } },
  };
}

export function keepObject(
  state: SimulatedState,
  object: KubernetesObject,
  clock: Clock,
): { readonly state: SimulatedState; readonly answer: KeepResult } {
  const key = objectKey(referenceOf(object));
  const before = state.objects[key];
  const after = applyObject(state, object, clock);
  if (before === undefined) return { state: after, answer: { kind: 'made-again' } };
  const isSame = isDeepStrictEqual(withoutVersion(before), withoutVersion(after.objects[key]));
  const setBy = state.applied?.[key]?.setBy;
  return {
    state: after,
    answer: isSame ? { kind: 'same' } : { kind: 'repaired', by: setBy === undefined ? [] : [setBy] },
  };
}

function withoutVersion(object: KubernetesObject | undefined): unknown {
  return object === undefined ? undefined : { ...object, metadata: { ...object.metadata, resourceVersion: '' } };
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Field by field; a list is one field. */
function mergeApplied(now: unknown, last: unknown, next: unknown): unknown {
  if (!isFields(now) || !isFields(next)) return next;
  const before: Fields = isFields(last) ? last : {};
  const kept = Object.entries(now).filter(([name]) => Object.hasOwn(next, name) || !Object.hasOwn(before, name));
  const set = Object.entries(next).map(([name, value]): [string, unknown] => [
    name,
    mergeApplied(now[name], before[name], value),
  ]);
  return Object.fromEntries([...kept, ...set]);
}

function toObject(value: unknown): KubernetesObject {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Merged from two objects, of which each has what an object must have.
  return value as KubernetesObject;
}

function field(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

/** Budgets that can never allow a disruption; nothing but their own numbers is simulated. */
export function listBlockingBudgets(state: SimulatedState): readonly string[] {
  return Object.values(state.objects)
    .filter(({ kind, spec }) => {
      if (kind !== 'PodDisruptionBudget') return false;
      return field(spec, 'maxUnavailable') === 0 || field(spec, 'minAvailable') === '100%';
    })
    .map(({ metadata }) => `${metadata.namespace ?? 'default'}/${metadata.name}`)
    .toSorted();
}

/** The simulated registry has every image that is named by a digest, and no other. */
export function checkImage(image: string): {
  readonly image: string;
  readonly isReachable: boolean;
  readonly message: string;
} {
  const isReachable = /@sha256:[0-9a-f]{64}$/.test(image);
  return { image, isReachable, message: isReachable ? 'the registry has it' : 'the image is not named by a digest' };
}

/** As a real cluster tells it: by the API version with which an object was written. */
export function listRemovedApis(state: SimulatedState, target: KubernetesVersion): readonly string[] {
  const { minor } = versionParts(target);
  const gone = removedApis.filter((removed) => removed.minor <= minor);
  return Object.values(state.objects)
    .filter(({ apiVersion, kind }) =>
      gone.some((removed) => removed.apiVersion === apiVersion && removed.resources.includes(resourceOf(kind))),
    )
    .map(({ apiVersion, kind, metadata }) => `${apiVersion} ${resourceOf(kind)}: ${metadata.name}`)
    .toSorted();
}

/** `RuntimeClass` is `runtimeclasses`; good for every kind that Kubernetes itself ever removed a version of. */
function resourceOf(kind: string): string {
  const singular = kind.toLowerCase();
  if (singular.endsWith('y')) return `${singular.slice(0, -1)}ies`;
  return singular.endsWith('s') ? `${singular}es` : `${singular}s`;
}
