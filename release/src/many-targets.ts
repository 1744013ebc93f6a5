/**
 * Targets metadata that may name thousands of files. The models we use copy everything they have for each entry, both when
 * they read and when they write; a publication of 3,000 targets took a minute. The result is the same JSON.
 */

import { Metadata, MetadataKind, TargetFile, Targets } from '@tufjs/models';
import type { JSONObject } from '@tufjs/models/dist/utils/index.js';
import Type from 'typebox';
import { Value } from 'typebox/value';

const Signed = Type.Unsafe<JSONObject>(
  Type.Object({
    targets: Type.Record(Type.String(), Type.Object({ length: Type.Integer(), hashes: Type.Object({}) })),
  }),
);
const AnyObject = Type.Unsafe<JSONObject>(Type.Object({}));

// A class, since what signs and verifies asks the metadata itself for its JSON.
export class ManyTargets extends Targets {
  override toJSON(): JSONObject {
    const others = new Targets(withTargets(this, {})).toJSON();
    const targets = Object.entries(this.targets).map(([path, file]) => [path, file.toJSON()] as const);
    return { ...others, targets: Object.fromEntries(targets) };
  }
}

/** Throws when the JSON is something else. */
export function toTargetsMetadata(value: JSONObject): Metadata<Targets> {
  const { signed } = value;
  if (!Value.Check(Signed, signed)) throw new TypeError('targets metadata names targets');
  const { targets } = signed;
  const shell = Metadata.fromJSON(MetadataKind.Targets, { ...value, signed: { ...signed, targets: {} } });
  const files = Object.entries(Value.Check(AnyObject, targets) ? targets : {}).map(([path, file]) => {
    if (!Value.Check(AnyObject, file)) throw new TypeError(`${path} is no target`);
    return [path, TargetFile.fromJSON(path, file)] as const;
  });
  return new Metadata(
    new ManyTargets(withTargets(shell.signed, Object.fromEntries(files))),
    shell.signatures,
    shell.unrecognizedFields,
  );
}

function withTargets(from: Targets, targets: Targets['targets']) {
  const { specVersion, version, expires, unrecognizedFields, delegations } = from;
  return { specVersion, version, expires, unrecognizedFields, targets, ...(delegations ? { delegations } : {}) };
}
