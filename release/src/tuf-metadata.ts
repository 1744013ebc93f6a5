/** TUF metadata from its bytes. All of these throw when the bytes are something else. */

import { Metadata, MetadataKind, type Root, type Snapshot, type Targets, type Timestamp } from '@tufjs/models';
import type { JSONObject } from '@tufjs/models/dist/utils/index.js';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { toTargetsMetadata } from './many-targets.ts';

const AnyObject = Type.Unsafe<JSONObject>(Type.Object({}));
const Signed = Type.Object({ signed: Type.Object({ version: Type.Integer({ minimum: 1 }) }) });

export function parseRoot(bytes: Uint8Array): Metadata<Root> {
  return Metadata.fromJSON(MetadataKind.Root, parseObject(bytes));
}

export function parseTimestamp(bytes: Uint8Array): Metadata<Timestamp> {
  return Metadata.fromJSON(MetadataKind.Timestamp, parseObject(bytes));
}

export function parseSnapshot(bytes: Uint8Array): Metadata<Snapshot> {
  return Metadata.fromJSON(MetadataKind.Snapshot, parseObject(bytes));
}

export function parseTargets(bytes: Uint8Array): Metadata<Targets> {
  return toTargetsMetadata(parseObject(bytes));
}

/** The version of metadata of any role. */
export function metadataVersion(bytes: Uint8Array): number {
  const value: unknown = parseObject(bytes);
  if (!Value.Check(Signed, value)) throw new TypeError('metadata without a version');
  return value.signed.version;
}

function parseObject(bytes: Uint8Array): JSONObject {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  if (!Value.Check(AnyObject, value)) throw new TypeError('metadata is a JSON object');
  return value;
}
