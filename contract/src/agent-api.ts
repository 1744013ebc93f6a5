/**
 * What an agent and the control plane say to each other. Agents in the field are older than the server and newer than
 * it: a message is only ever added to, unknown fields are ignored on both sides. `recorded/` keeps real messages of
 * shipped agents; they must parse for ever.
 *
 * Everything an agent reports is untrusted text: bounded here, shown as text.
 */

import Type, { type Static } from 'typebox';
import { Digest, Id, Reason, Timestamp, Version } from './primitives.ts';

const Text = (maxLength: number) => Type.String({ maxLength });
const Known = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Literal('unknown')]);

/** POST /v1/agent/enrol: the one-time token becomes the agent's own key. */
export const EnrolRequest = Type.Object({
  token: Text(200),
  /** Ed25519 public key, raw 32 bytes, base64url. The private key never leaves the gateway. */
  publicKey: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  agent: Type.Object({ version: Version, digest: Digest }),
});
export type EnrolRequest = Static<typeof EnrolRequest>;
export const EnrolReply = Type.Object({ gatewayId: Id });
export type EnrolReply = Static<typeof EnrolReply>;

/** POST /v1/agent/challenge, then POST /v1/agent/session: proof of the key, for a short-lived token. */
export const ChallengeRequest = Type.Object({ gatewayId: Id });
export const ChallengeReply = Type.Object({ challenge: Text(500) });
export const SessionRequest = Type.Object({
  gatewayId: Id,
  challenge: Text(500),
  /** Ed25519 over the UTF-8 bytes of `gatehouse-agent-session:<gatewayId>:<challenge>`, base64url. */
  signature: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
});
export const SessionReply = Type.Object({
  sessionToken: Text(500),
  /** Seconds, so that the agent's clock does not matter. */
  expiresInSeconds: Type.Integer(),
  /** Another agent uses the key too: one that has a registration token is to enrol with a new key. */
  isIdentityShared: Type.Optional(Type.Boolean()),
});

export const AgentReleaseMessage = Type.Object({ version: Version, digest: Digest });

export const AttemptReasonMessage = Type.Object({
  code: Text(100),
  message: Text(2000),
  exitCode: Type.Optional(Type.Integer()),
  lastLogLines: Type.Optional(Text(8000)),
});

export const AttemptMessage = Type.Object({
  id: Id,
  from: AgentReleaseMessage,
  to: AgentReleaseMessage,
  phase: Type.Enum(['rehearsing', 'swapping', 'watching', 'settled', 'taken-back', 'interrupted', 'rehearsal-failed']),
  startedAt: Timestamp,
  swappedAt: Type.Optional(Timestamp),
  interruptions: Type.Integer({ minimum: 0, maximum: 1000 }),
  endedAt: Type.Optional(Timestamp),
  reason: Type.Optional(AttemptReasonMessage),
});

export const TakenBackMessage = Type.Object({
  release: AgentReleaseMessage,
  reason: AttemptReasonMessage,
  at: Timestamp,
});

export const NodeMessage = Type.Object({
  name: Text(253),
  role: Type.Enum(['control-plane', 'worker']),
  kubernetesVersion: Known(Version),
  ready: Known(Type.Boolean()),
  createdAt: Timestamp,
});

const ReplicasMessage = Type.Object({
  name: Text(253),
  wanted: Type.Integer(),
  replicas: Type.Integer(),
  ready: Type.Integer(),
  available: Type.Integer(),
  upToDate: Type.Integer(),
  isObserved: Type.Boolean(),
  isRollingOut: Known(Type.Boolean()),
  specVersion: Version,
  statusVersion: Type.Optional(Version),
  specOs: Type.Optional(Text(500)),
});

export const ClusterApiMessage = Type.Object({
  clusterName: Text(253),
  topologyVersion: Version,
  topologyVariables: Type.Record(Text(100), Text(500)),
  controlPlaneOverrides: Type.Record(Text(100), Text(500)),
  isTopologyReconciled: Type.Boolean(),
  isObserved: Type.Boolean(),
  isPaused: Type.Boolean(),
  controlPlane: ReplicasMessage,
  isControlPlaneAvailable: Known(Type.Boolean()),
  isEtcdHealthy: Known(Type.Boolean()),
  workers: Type.Array(ReplicasMessage, { maxItems: 50 }),
  machines: Type.Array(
    Type.Object({
      name: Text(253),
      role: Type.Enum(['control-plane', 'worker']),
      phase: Text(60),
      version: Version,
      nodeName: Type.Optional(Text(253)),
      isDeleting: Type.Boolean(),
      isUpToDate: Known(Type.Boolean()),
      createdAt: Timestamp,
      message: Type.Optional(Text(2000)),
    }),
    { maxItems: 500 },
  ),
});

export const ProfileReferenceMessage = Type.Object({ version: Version, digest: Digest });

export const PreflightMessage = Type.Object({
  check: Text(100),
  outcome: Type.Enum(['passed', 'failed', 'unknown']),
  message: Text(2000),
});

export const ProfileUpdateProgressMessage = Type.Object({
  planId: Digest,
  phase: Type.Enum(['preflight', 'running', 'stopped', 'completed', 'cancelled']),
  startedAt: Timestamp,
  steps: Type.Array(
    Type.Object({
      id: Text(300),
      state: Type.Enum(['waiting', 'running', 'done', 'failed']),
      startedAt: Type.Optional(Timestamp),
      finishedAt: Type.Optional(Timestamp),
      movedMark: Type.Optional(Text(500)),
      movedAt: Type.Optional(Timestamp),
      message: Type.Optional(Text(2000)),
    }),
    { maxItems: 300 },
  ),
  stopped: Type.Optional(Reason),
  retry: Type.Integer({ minimum: 0 }),
  controlPlanesUpdatedAt: Type.Optional(Timestamp),
  completedAt: Type.Optional(Timestamp),
  /** What somebody else changed or deleted in the middle, and was put right: the newest ones. */
  repairs: Type.Optional(Type.Array(Type.Object({ at: Timestamp, what: Text(1000) }), { maxItems: 50 })),
});

/** What the agent saw. Its digest is sha256 over the canonical JSON of this object. */
export const Observation = Type.Object({
  agent: AgentReleaseMessage,
  attempt: Type.Optional(AttemptMessage),
  takenBack: Type.Array(TakenBackMessage, { maxItems: 50 }),
  agentHolds: Type.Array(Reason, { maxItems: 20 }),
  kubernetes: Known(Version),
  nodes: Known(Type.Array(NodeMessage, { maxItems: 500 })),
  clusterApi: Type.Optional(Known(ClusterApiMessage)),
  appliedProfile: Type.Optional(ProfileReferenceMessage),
  drift: Type.Array(Text(500), { maxItems: 100 }),
  preflight: Type.Optional(Type.Object({ planId: Digest, results: Type.Array(PreflightMessage, { maxItems: 50 }) })),
  profileUpdate: Type.Optional(ProfileUpdateProgressMessage),
});
export type Observation = Static<typeof Observation>;

const StepMessage = Type.Object({
  id: Text(300),
  kind: Type.Enum(['pack', 'control-planes', 'workers']),
  layer: Type.Optional(Text(40)),
  pack: Type.Optional(Text(100)),
  deletes: Type.Optional(
    Type.Array(
      Type.Object({ apiVersion: Text(200), kind: Text(100), namespace: Type.Optional(Text(253)), name: Text(253) }),
    ),
  ),
  keeps: Type.Optional(
    Type.Array(
      Type.Object({ apiVersion: Text(200), kind: Text(100), namespace: Type.Optional(Text(253)), name: Text(253) }),
    ),
  ),
  move: Type.Optional(Type.Enum(['version', 'os'])),
  to: Type.Optional(Type.Object({ kubernetes: Version, os: Text(500) })),
  nodes: Type.Optional(Type.Array(Text(253))),
});

/** The profile update a target orders, or (as `proposed`) the one for which preflight results are wanted. */
export const ProfileUpdateOrder = Type.Object({
  planId: Digest,
  /** The release whose profile it is; the agent verifies it and its profile itself. */
  release: Version,
  from: ProfileReferenceMessage,
  to: ProfileReferenceMessage,
  steps: Type.Array(StepMessage, { maxItems: 300 }),
  retry: Type.Integer({ minimum: 0 }),
  isCancelled: Type.Boolean(),
  /** Why no further step may begin, as long as none that replaces nodes has begun; such as a recall. */
  held: Type.Optional(Type.Array(Reason, { minItems: 1, maxItems: 20 })),
});
export type ProfileUpdateOrder = Static<typeof ProfileUpdateOrder>;

/** What the gateway should be. Immutable; a later one has a higher generation. */
export const Target = Type.Object({
  generation: Type.Integer({ minimum: 1 }),
  /** The agent that should run, chosen among signed releases by version; the agent verifies the release itself. */
  agent: Type.Optional(Type.Object({ release: Version, version: Version, digest: Digest, isRetried: Type.Boolean() })),
  /** An agent that was recalled after an attempt to become it had begun: given up, unless it was swapped already. */
  recalledAgent: Type.Optional(Digest),
  /**
   * The profile a new gateway was installed with and has to report as applied once its packs are on it: the first
   * profile needs no confirmation, since it belongs to the installation.
   */
  initialProfile: Type.Optional(Type.Object({ release: Version, digest: Digest })),
  profileUpdate: Type.Optional(ProfileUpdateOrder),
  proposed: Type.Optional(ProfileUpdateOrder),
  settings: Type.Object({ controlPlanes: Type.Integer(), workers: Type.Integer() }),
});
export type Target = Static<typeof Target>;

/** POST /v1/agent/poll, with the session token as bearer. */
export const PollRequest = Type.Object({
  /** Of the target the agent has; 0 before the first. */
  generation: Type.Integer({ minimum: 0 }),
  /**
   * sha256 over the canonical JSON of that target. By it the server notices that the number is the same and the contents
   * are not its own, as after a database was set back, or after somebody else spoke in its name.
   */
  targetDigest: Type.Optional(Digest),
  /** Seconds of some clock, or a little more; the limit is 36,000 years away, and far from what a database can count to. */
  handOverNumber: Type.Integer({ minimum: 0, maximum: 2 ** 40 }),
  /** The gateway's clock when this was sent, RFC 3339. Whatever it says, the poll counts. */
  clock: Type.Optional(Text(40)),
  agent: AgentReleaseMessage,
  /** Of the Secret that keeps the agent's key. No copy of the Secret has it, so by it two agents with one key are found. */
  identityUid: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  /** While an attempt runs; a trial poll names it and starts nothing. */
  attemptId: Type.Optional(Id),
  isTrial: Type.Optional(Type.Boolean()),
  observationDigest: Digest,
  /** Sent when it changed since the last accepted poll, and when the last reply asked for it. */
  observation: Type.Optional(Observation),
});
export type PollRequest = Static<typeof PollRequest>;

export const PollReply = Type.Object({
  /** Absent: nothing new. */
  target: Type.Optional(Target),
  /** The server does not have the observation of that digest: send it with the next poll, at once. */
  isObservationWanted: Type.Boolean(),
  /** Between the end of this poll and the next; the agent adds its own ±10 % jitter. */
  pollAgainSeconds: Type.Number({ minimum: 0.1 }),
});
export type PollReply = Static<typeof PollReply>;
