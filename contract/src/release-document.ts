/**
 * The signed documents of a release. They are TUF targets: `releases/<version>.json` and `profiles/<hex digest>.json`.
 * Formats are only ever added to, since agents in the field read newer releases.
 */

import Type, { type Static } from 'typebox';
import { Digest, Name, Timestamp, Version } from './primitives.ts';

export const AgentImage = Type.Object({
  version: Version,
  /** Registry, repository, no tag: `registry.example/gatehouse/agent`. A gateway's registry prefix replaces the registry. */
  repository: Type.String({ maxLength: 300, pattern: '^[a-z0-9.:-]+(/[a-z0-9._-]+)+$' }),
  digest: Digest,
  /** Only in sandbox releases: the agent as one file, a target of the same repository, whose sha256 is `digest`. */
  bundle: Type.Optional(Type.String({ maxLength: 300 })),
  kubernetes: Type.Object({ min: Version, max: Version }),
});

export const ProfilePointer = Type.Object({ version: Version, digest: Digest });

export const UpgradeEdge = Type.Object({
  from: Type.String({ maxLength: 20, description: 'A version, or a wildcard such as 4.1.x.' }),
});

export const ReleaseDocument = Type.Object({
  schema: Type.Literal(1),
  platformVersion: Version,
  publishedAt: Timestamp,
  channels: Type.Array(Type.String({ maxLength: 40 }), { maxItems: 20 }),
  /** The least server program that can serve it. */
  serverMinimum: Version,
  agent: AgentImage,
  profileNeedsAgent: Version,
  /** By provider. */
  profiles: Type.Record(Type.String({ maxLength: 40 }), ProfilePointer),
  /** Present: they alone count. Empty: new installations only. Absent: the rule of thumb. */
  upgradeFrom: Type.Optional(Type.Array(UpgradeEdge, { maxItems: 1000 })),
  notes: Type.String({ maxLength: 20000 }),
});
export type ReleaseDocument = Static<typeof ReleaseDocument>;

const JsonObject = Type.Record(Type.String(), Type.Unknown());

export const PackDocument = Type.Object({
  name: Name,
  version: Type.String({ maxLength: 60 }),
  values: JsonObject,
  secretPaths: Type.Array(Type.String({ maxLength: 300 }), { maxItems: 200 }),
  objects: Type.Array(JsonObject, { maxItems: 2000 }),
  beforeNodes: Type.Boolean(),
});

/**
 * A profile as published. Its digest is that of the target's bytes: canonical JSON of this document. The os pack's
 * `values.image` is what the gateway's Cluster gets as OS variable; the kubernetes pack's `version` is the Kubernetes version.
 */
export const ProfileDocument = Type.Object({
  schema: Type.Literal(1),
  provider: Type.String({ maxLength: 40 }),
  version: Version,
  layers: Type.Array(
    Type.Object({
      kind: Type.Enum(['os', 'kubernetes', 'network', 'storage', 'add-ons']),
      packs: Type.Array(PackDocument, { maxItems: 100 }),
    }),
    { maxItems: 5 },
  ),
});
export type ProfileDocument = Static<typeof ProfileDocument>;
