/** What operators, the CLI and the console see. Replies may gain fields; none is renamed or taken away. */

import Type, { type Static } from 'typebox';
import { GatewayState } from './fleet-types.ts';
import { Channel, Gate, PlatformPlan, PreflightFinding, Waiver } from './platform-types.ts';
import { Digest, Id, Name, OperatorText, Reason, RegistryPrefix, Timestamp, Version } from './primitives.ts';
import { RecalledPartView, RecallView } from './recall-types.ts';

export const Installation = Type.Enum(['cli', 'existing-cluster']);
export const GatewayStatus = Type.Enum([
  'Pending',
  'Provisioning',
  'Running',
  'Updating',
  'Deleting',
  'Deleted',
  'Error',
]);
export const GatewayHealth = Type.Enum(['healthy', 'unhealthy', 'unknown']);
const NamedScope = Type.Object({ id: Id, name: Type.String() });

export const PauseScope = Type.Object({
  kind: Type.Enum(['tenant', 'project', 'gateway']),
  id: Id,
  name: Type.String(),
});

export const Pause = Type.Object(
  {
    id: Id,
    scope: PauseScope,
    by: Type.String(),
    reason: Type.String(),
    since: Timestamp,
    until: Type.Optional(Timestamp),
  },
  { $id: 'Pause' },
);
export type Pause = Static<typeof Pause>;

export const Exemption = Type.Object({ by: Type.String(), reason: Type.String(), since: Timestamp, until: Timestamp });

/** What was last heard about an agent update on the gateway. */
export const AgentUpdate = Type.Object({
  attemptId: Id,
  from: Version,
  to: Version,
  phase: Type.String(),
  startedAt: Timestamp,
  endedAt: Type.Optional(Timestamp),
  reason: Type.Optional(
    Type.Object({
      code: Type.String(),
      message: Type.String(),
      exitCode: Type.Optional(Type.Integer()),
      lastLogLines: Type.Optional(Type.String()),
    }),
  ),
});

export const Node = Type.Object({
  name: Type.String(),
  role: Type.String(),
  kubernetesVersion: Type.String({ description: 'A version, or `unknown`.' }),
  ready: Type.String({ description: '`true`, `false` or `unknown`.' }),
  createdAt: Timestamp,
});

export const Gateway = Type.Object(
  {
    id: Id,
    name: Type.String(),
    tenant: NamedScope,
    project: Type.Optional(NamedScope),
    installation: Installation,
    provider: Type.String(),
    isSandbox: Type.Boolean({ description: 'A real agent on a simulated cluster.' }),
    status: GatewayStatus,
    health: GatewayHealth,
    agentVersion: Type.Optional(Version),
    profileVersion: Type.Optional(Version),
    kubernetesVersion: Type.Optional(Version),
    /** A profile update waits for a person to confirm it. */
    updatesAvailable: Type.Boolean(),
    availableProfileVersion: Type.Optional(Version),
    isPaused: Type.Boolean(),
    pauses: Type.Array(Pause),
    exemption: Type.Optional(Exemption),
    /** How it counts in the overview. */
    states: Type.Array(GatewayState),
    /** Agent and profile are those of the platform's version. */
    isCurrent: Type.Boolean(),
    /** Why not yet: every reason that holds. Empty if and only if `isCurrent`. */
    reasons: Type.Array(Reason),
    generation: Type.Integer(),
    createdAt: Timestamp,
    lastPollAt: Type.Optional(Timestamp),
    nextPollDueAt: Type.Optional(Timestamp),
    agentUpdate: Type.Optional(AgentUpdate),
    /** Agent versions taken back on this gateway and not offered again by themselves. */
    takenBack: Type.Array(
      Type.Object({
        version: Version,
        digest: Digest,
        at: Timestamp,
        reason: Type.String(),
        isRetried: Type.Boolean({ description: 'A person has said that it may be tried again.' }),
      }),
    ),
    nodes: Type.Array(Node),
    controlPlanes: Type.Integer(),
    workers: Type.Integer(),
    hostClusters: Type.Optional(
      Type.Integer({ minimum: 0, description: 'How many were made through it; said in lists and of one gateway.' }),
    ),
    /** It pulls every image from here instead of from the registries that releases name. */
    registryPrefix: Type.Optional(Type.String()),
    /** Why the page shows no profile update button: on an existing cluster its owner keeps the profile. */
    profileKeptByOwner: Type.Boolean(),
    /** What runs there and was recalled; absent when nothing is. */
    recalled: Type.Optional(Type.Array(RecalledPartView)),
  },
  { $id: 'Gateway' },
);
export type Gateway = Static<typeof Gateway>;

/** How a gateway that is several releases behind comes to the platform's version: agent first, then profile, at each stop. */
export const GatewayWay = Type.Object({
  from: Version,
  to: Version,
  /** What is still to come, in order; the first is what the gateway is brought to next. */
  stops: Type.Array(Type.Object({ release: Version, bringsAgent: Type.Boolean(), bringsProfile: Type.Boolean() })),
});

export const Explanation = Type.Object(
  {
    gateway: Type.String(),
    isCurrent: Type.Boolean(),
    /** What runs there. */
    runs: Type.Object({ agentVersion: Type.Optional(Version), profileVersion: Type.Optional(Version) }),
    /** The platform's version where it was recalled: nobody should run it. */
    recalledVersion: Type.Optional(Version),
    /** What should run there; absent while there is no platform version, and while that is a recalled one. */
    shouldRun: Type.Optional(Type.Object({ agentVersion: Version, profileVersion: Type.Optional(Version) })),
    /** Present while the way there has several stops. */
    way: Type.Optional(GatewayWay),
    /** Why not yet. */
    reasons: Type.Array(Reason),
  },
  { $id: 'Explanation' },
);
export type Explanation = Static<typeof Explanation>;

/** The two `kubectl` commands, in order, and the fingerprint of the root of trust that the manifest carries. */
export const InstallInstructions = Type.Object({
  commands: Type.Array(Type.String(), { minItems: 2, maxItems: 2 }),
  rootFingerprint: Type.String(),
  registrationTokenExpiresAt: Timestamp,
  /** Where the images of the last imported bundle were pushed; absent when none were. */
  imagesAt: Type.Optional(RegistryPrefix),
});
export type InstallInstructions = Static<typeof InstallInstructions>;

/** For `gateway install`, which makes the Kubernetes writes itself. */
export const InstallBundle = Type.Object({
  /** The install manifest as Kubernetes objects, in the order to apply them. */
  objects: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  registrationToken: Type.String(),
  /** Whose guard, agent and profile it is; control planes before 0.2.0 do not say. */
  release: Type.Optional(Version),
  /** What the Cluster is made with: the release's profile for the provider. */
  cluster: Type.Object({
    kubernetesVersion: Version,
    os: Type.String(),
    profile: Type.Object({ version: Version, digest: Digest }),
  }),
  rootFingerprint: Type.String(),
});
export type InstallBundle = Static<typeof InstallBundle>;

export const CreateGateway = Type.Object(
  {
    /** At most 39 characters: namespaces are named after the gateway, with a prefix and a suffix. */
    name: Type.String({ ...Name, maxLength: 39 }),
    installation: Installation,
    provider: Type.String({ minLength: 1, maxLength: 40, pattern: '^[a-z0-9-]+$' }),
    project: Type.Optional(Name),
    controlPlanes: Type.Optional(Type.Union([Type.Literal(1), Type.Literal(3)])),
    workers: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
    registryPrefix: Type.Optional(RegistryPrefix),
  },
  { additionalProperties: false },
);
export type CreateGateway = Static<typeof CreateGateway>;

/** An event on a gateway. `sequence` orders them within the control plane and resumes a followed stream. */
export const GatewayEvent = Type.Object(
  {
    id: Id,
    sequence: Type.Integer(),
    gateway: NamedScope,
    time: Timestamp,
    type: Type.String(),
    message: Type.String(),
    severity: Type.Enum(['normal', 'warning']),
  },
  { $id: 'Event' },
);
export type GatewayEvent = Static<typeof GatewayEvent>;

export const AuditRecord = Type.Object(
  {
    id: Id,
    sequence: Type.Integer(),
    time: Timestamp,
    actor: Type.String(),
    action: Type.String(),
    subjectKind: Type.String(),
    subjectName: Type.String(),
    message: Type.String(),
  },
  { $id: 'AuditRecord' },
);
export type AuditRecord = Static<typeof AuditRecord>;

/** One line of a side-by-side difference. `changed` carries both sides; `added` only the right, `removed` only the left. */
export const DiffLine = Type.Object({
  kind: Type.Enum(['same', 'changed', 'added', 'removed']),
  left: Type.Optional(Type.Object({ number: Type.Integer(), text: Type.String() })),
  right: Type.Optional(Type.Object({ number: Type.Integer(), text: Type.String() })),
});

export const PackDiff = Type.Object({
  name: Type.String(),
  change: Type.Enum(['same', 'changed', 'added', 'removed']),
  fromVersion: Type.Optional(Type.String()),
  toVersion: Type.Optional(Type.String()),
  /** The pack as YAML (version and values), secrets masked: left is current, right is pending. */
  current: Type.Optional(Type.String()),
  pending: Type.Optional(Type.String()),
  lines: Type.Array(DiffLine),
  deletes: Type.Array(Type.String()),
});

export const LayerDiff = Type.Object({ layer: Type.String(), isMoved: Type.Boolean(), packs: Type.Array(PackDiff) });

export const StepView = Type.Object({
  id: Type.String(),
  title: Type.String(),
  nodes: Type.Array(Type.String()),
  state: Type.Enum(['waiting', 'running', 'done', 'failed']),
  startedAt: Type.Optional(Timestamp),
  finishedAt: Type.Optional(Timestamp),
  message: Type.Optional(Type.String()),
});

/** A profile update: proposed (`phase` `available`), or confirmed and on its way. */
export const ProfileUpdate = Type.Object(
  {
    planId: Digest,
    gateway: NamedScope,
    phase: Type.Enum([
      'available',
      'confirmed',
      'preflight',
      'running',
      'stopped',
      'completed',
      'cancelled',
      'superseded',
    ]),
    from: Type.Object({ version: Version, digest: Digest }),
    to: Type.Object({ version: Version, digest: Digest }),
    summary: Type.Object({
      sentences: Type.Array(Type.String()),
      layersMoved: Type.Array(Type.String()),
      deletes: Type.Array(Type.String()),
      repaves: Type.Array(Type.String()),
      usualDurationSeconds: Type.Integer(),
      downtime: Type.Enum(['yes', 'possible', 'not-expected']),
    }),
    layers: Type.Array(LayerDiff),
    drift: Type.Array(Type.String()),
    preflight: Type.Object({
      at: Type.Optional(Timestamp),
      results: Type.Array(Type.Object({ check: Type.String(), outcome: Type.String(), message: Type.String() })),
    }),
    /** What would hold or refuse a confirmation now; empty when it may be confirmed. */
    confirmReasons: Type.Array(Reason),
    /** Why a retry would be refused now; empty when it may be retried. Of `supersedes` where that is present. */
    retryReasons: Type.Array(Reason),
    /** Why it would be refused to cancel now; empty when it may be cancelled. Of `supersedes` where that is present. */
    cancelReasons: Type.Array(Reason),
    /** With a proposal: the update that has stopped, whose place it takes when it is confirmed. */
    supersedes: Type.Optional(
      Type.Object({
        planId: Digest,
        to: Type.Object({ version: Version, digest: Digest }),
        confirmedBy: Type.String(),
        confirmedAt: Timestamp,
        stopped: Type.Optional(Reason),
      }),
    ),
    /** True when the gateway is paused: the confirmation has to acknowledge it. */
    isPaused: Type.Boolean(),
    /** Present where this update is one of several on the way to the platform's version. */
    way: Type.Optional(GatewayWay),
    steps: Type.Array(StepView),
    confirmedAt: Type.Optional(Timestamp),
    confirmedBy: Type.Optional(Type.String()),
    /** When the next poll picks it up, at the latest. */
    startsBy: Type.Optional(Timestamp),
    completedAt: Type.Optional(Timestamp),
    stopped: Type.Optional(Reason),
    /** Why no further step of a confirmed update begins, such as a recall; absent when nothing holds it. */
    held: Type.Optional(Type.Array(Reason)),
  },
  { $id: 'ProfileUpdate' },
);
export type ProfileUpdate = Static<typeof ProfileUpdate>;

export const ConfirmRequest = Type.Object(
  { planId: Digest, acknowledgePause: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);
export const ConfirmReply = Type.Object({
  planId: Digest,
  generation: Type.Integer(),
  startsBy: Type.Optional(Timestamp),
  message: Type.String({ description: '`Confirmed. Starts with the next poll, by 10:42`' }),
});
export type ConfirmReply = Static<typeof ConfirmReply>;

export const Platform = Type.Object(
  {
    version: Type.Optional(Version),
    programVersion: Version,
    isSandbox: Type.Boolean(),
    rootFingerprint: Type.Optional(Type.String()),
    /** Releases that may be taken next, newest last. */
    reachable: Type.Array(Version),
    gateways: Type.Object({ total: Type.Integer(), current: Type.Integer() }),
    /** Gateways that are not current, with their reasons; at most 100. */
    waitingFor: Type.Array(Type.Object({ gateway: Type.String(), reasons: Type.Array(Reason) })),
    /** Only its releases are offered; absent: all that were imported. */
    channel: Type.Optional(Channel),
    /** The plan under way; else the last one. */
    plan: Type.Optional(PlatformPlan),
    /** Gateways whose gates are closed or waived; at most 100. */
    gates: Type.Array(Gate),
    waivers: Type.Array(Waiver),
    /** Why no gateway can be created here now, such as in a sandbox; empty when one can. */
    createReasons: Type.Array(Reason),
    /** Of the control plane itself; for whoever sees the whole platform. */
    preflight: Type.Array(PreflightFinding),
  },
  { $id: 'Platform' },
);
export type Platform = Static<typeof Platform>;

export const Release = Type.Object(
  {
    version: Version,
    publishedAt: Timestamp,
    channels: Type.Array(Type.String()),
    agentVersion: Version,
    agentDigest: Digest,
    profiles: Type.Record(Type.String(), Type.Object({ version: Version, digest: Digest })),
    upgradeFrom: Type.Optional(Type.Array(Type.String())),
    notes: Type.String(),
    isPlatformVersion: Type.Boolean(),
    /** Marked bad: offered to nobody. */
    recalled: Type.Optional(RecallView),
  },
  { $id: 'Release' },
);
export type Release = Static<typeof Release>;

export const HostCluster = Type.Object(
  { id: Id, name: Type.String(), namespace: Type.String(), gateway: NamedScope, createdAt: Timestamp },
  { $id: 'HostCluster' },
);
export type HostCluster = Static<typeof HostCluster>;

export const Role = Type.Enum(['Platform Admin', 'Tenant Admin', 'Project Admin', 'Operator', 'Viewer', 'Auditor']);

export const TokenInfo = Type.Object(
  {
    id: Id,
    name: Type.String(),
    role: Role,
    tenant: Type.Optional(Type.String()),
    project: Type.Optional(Type.String()),
    createdAt: Timestamp,
    expiresAt: Type.Optional(Timestamp),
  },
  { $id: 'Token' },
);
export type TokenInfo = Static<typeof TokenInfo>;

export const SetPause = Type.Object(
  {
    scope: Type.Enum(['tenant', 'project', 'gateway']),
    /** Name of the tenant, project or gateway. */
    name: Name,
    reason: OperatorText,
    until: Type.Optional(Timestamp),
  },
  { additionalProperties: false },
);
