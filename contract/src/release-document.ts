/**
 * The signed documents of a release. They are TUF targets: `releases/<version>.json` and `profiles/<hex digest>.json`.
 * Formats are only ever added to, since agents in the field read newer releases.
 */

import Type, { type Static } from 'typebox';
import { Digest, FreeText, Name, Timestamp, Version } from './primitives.ts';

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

const VersionPattern = Type.String({ maxLength: 20, description: 'A version, or a wildcard such as 4.1.x.' });
const Range = Type.Object({ min: Type.Optional(Version), max: Type.Optional(Version) });

/**
 * What a gateway must be for a risk to apply to it: every test that is there holds. Both ends of a range are within it.
 * A test this program does not know, or whose fact is unknown, cannot be judged, and then the risk counts as applying.
 */
export const RiskTests = Type.Object({
  provider: Type.Optional(Type.Array(Type.String({ maxLength: 40 }), { minItems: 1, maxItems: 50 })),
  installation: Type.Optional(Type.Array(Type.Enum(['cli', 'existing-cluster']), { minItems: 1, maxItems: 2 })),
  kubernetes: Type.Optional(Range),
  agent: Type.Optional(Range),
  /** Version of the profile that was last applied. */
  profile: Type.Optional(Range),
  /** How many there are. */
  controlPlanes: Type.Optional(Type.Array(Type.Integer({ minimum: 1, maximum: 9 }), { minItems: 1, maxItems: 5 })),
});
export type RiskTests = Static<typeof RiskTests>;

/** A named, conditional danger of the edges that lead to a release. Its name stands for one text in all releases. */
export const UpgradeRisk = Type.Object({
  name: Name,
  message: FreeText,
  url: Type.Optional(Type.String({ maxLength: 1000, pattern: '^https://' })),
  /** The edges it is on, by where they begin; absent: every edge to this release. */
  from: Type.Optional(Type.Array(VersionPattern, { minItems: 1, maxItems: 1000 })),
  /** It applies to the fleet when one gateway passes all tests of one entry; absent: it applies always. */
  appliesTo: Type.Optional(Type.Array(RiskTests, { minItems: 1, maxItems: 20 })),
  /** The first release without it. */
  fixedIn: Type.Optional(Version),
});
export type UpgradeRisk = Static<typeof UpgradeRisk>;

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
  /** What it mends, each in one line. */
  fixes: Type.Optional(Type.Array(FreeText, { maxItems: 200 })),
  risks: Type.Optional(Type.Array(UpgradeRisk, { maxItems: 50 })),
  /** Present: nobody passes this version without stopping at it. */
  floor: Type.Optional(Type.Object({ reason: FreeText })),
});
export type ReleaseDocument = Static<typeof ReleaseDocument>;

/**
 * The target `recalls.json`: releases that are bad. The one document that is published again with other contents; what
 * was recalled stays recalled.
 */
export const RecallDocument = Type.Object({
  schema: Type.Literal(1),
  recalls: Type.Array(Type.Object({ platformVersion: Version, reason: FreeText, recalledAt: Timestamp }), {
    maxItems: 1000,
  }),
});
export type RecallDocument = Static<typeof RecallDocument>;

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
