/** A verified profile document as the decisions know a profile. */

import type { ProfileDocument } from '@gatehouse/contract/release-document';
import { isJsonObject } from '@gatehouse/domain/json';
import type { Json, KubernetesObject, Pack, Profile } from '@gatehouse/domain/profile';
import { parsePlatformVersion } from '@gatehouse/domain/version';

/** Throws a `TypeError` that names what a signed profile should not hold: then its publisher made a mistake. */
export function toProfile(document: ProfileDocument, digest: string): Profile {
  const version = parsePlatformVersion(document.version);
  if (version === undefined) throw new TypeError(`the profile's version ${document.version} is none`);
  return {
    provider: document.provider,
    version,
    digest,
    layers: document.layers.map(({ kind, packs }) => ({ kind, packs: packs.map(toPack) })),
  };
}

type PackDocument = ProfileDocument['layers'][number]['packs'][number];

function toPack(pack: PackDocument): Pack {
  return {
    name: pack.name,
    version: pack.version,
    values: toRecord(pack.values, `the values of pack ${pack.name}`),
    secretPaths: pack.secretPaths,
    objects: pack.objects.map((object, index) => toObject(object, `object ${index} of pack ${pack.name}`)),
    beforeNodes: pack.beforeNodes,
  };
}

function toObject(value: Readonly<Record<string, unknown>>, what: string): KubernetesObject {
  const object = toRecord(value, what);
  const { apiVersion, kind, metadata } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || !isJsonObject(metadata)) {
    throw new TypeError(`${what} has no apiVersion, kind or metadata`);
  }
  const { name, namespace, ...rest } = metadata;
  if (typeof name !== 'string') throw new TypeError(`${what} has no name`);
  if (namespace !== undefined && typeof namespace !== 'string')
    throw new TypeError(`${what} has a namespace that is no text`);
  return {
    ...object,
    apiVersion,
    kind,
    metadata: { ...rest, name, ...(namespace === undefined ? {} : { namespace }) },
  };
}

function toRecord(value: Readonly<Record<string, unknown>>, what: string): { readonly [key: string]: Json } {
  const entries = Object.entries(value).map(([key, member]) => [key, toJson(member, what)] as const);
  return Object.fromEntries(entries);
}

/** It came from JSON, so this only tells the compiler; a value that JSON cannot say is a bug of ours. */
function toJson(value: unknown, what: string): Json {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (Array.isArray(value)) return value.map((item: unknown) => toJson(item, what));
  if (typeof value === 'object') return toRecord(Object.fromEntries(Object.entries(value)), what);
  throw new TypeError(`${what} holds what JSON cannot say`);
}
