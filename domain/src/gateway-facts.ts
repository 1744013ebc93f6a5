/** Everything that is known of one gateway, as the server loads it for a decision: one shape for decide, plan and explain. */

import type { AgentAttempt, AgentRelease, TakenBack } from './agent-update-types.ts';
import type {
  GatewayIdentity,
  GatewaySettings,
  GatewayWalk,
  Known,
  ObservedClusterApi,
  ObservedNode,
  ReleaseFacts,
} from './gateway.ts';
import type { IdentityUse } from './identity-place.ts';
import type { Instant } from './instant.ts';
import type { Exemption, Pause } from './pause.ts';
import type { Profile, ProfileReference } from './profile.ts';
import type { PreflightResult, ProfileUpdatePlan, ProfileUpdateProgress } from './profile-update-types.ts';
import type { Reason } from './reason.ts';
import type { RecallFacts } from './recall-types.ts';
import type { KubernetesVersion } from './version.ts';

/** What the agent saw, as last stored. */
export interface ObservationFacts {
  /** By the server's clock. */
  readonly receivedAt: Instant;
  readonly agent: AgentRelease;
  readonly attempt?: AgentAttempt;
  readonly takenBack: readonly TakenBack[];
  /** What the agent itself waits for, such as a Deployment that its owner paused. */
  readonly agentHolds: readonly Reason[];
  readonly kubernetes: Known<KubernetesVersion>;
  readonly nodes: Known<readonly ObservedNode[]>;
  /** Absent on an existing cluster. */
  readonly clusterApi?: Known<ObservedClusterApi>;
  /** What was last applied; absent until the first profile is on the gateway, and always on an existing cluster. */
  readonly appliedProfile?: ProfileReference;
  readonly drift: readonly string[];
  /** Of the plan named in the target, if it is there. */
  readonly preflight?: { readonly planId: string; readonly results: readonly PreflightResult[] };
  readonly profileUpdate?: ProfileUpdateProgress;
}

export interface ConfirmedProfileUpdate {
  readonly plan: ProfileUpdatePlan;
  readonly confirmedAt: Instant;
  readonly confirmedBy: string;
  /** Raised by each retry. */
  readonly retry: number;
  readonly isCancelled: boolean;
}

export interface GatewayFacts {
  readonly identity: GatewayIdentity;
  readonly settings: GatewaySettings;
  /** `gateway install` has begun to make its cluster; only for the installation `cli`. */
  readonly provisioningBegunAt?: Instant;
  readonly enrolledAt?: Instant;
  /** Where its agent's identity was used from. */
  readonly identityUse?: IdentityUse;
  readonly deletionRequestedAt?: Instant;
  readonly deletedAt?: Instant;
  /** When the last poll came and when the next one is due, by the server's clock. */
  readonly lastPollAt?: Instant;
  readonly nextPollDueAt?: Instant;
  /** A running step announced silence until then. */
  readonly silenceExpectedUntil?: Instant;
  readonly observation?: ObservationFacts;
  readonly pauses: readonly Pause[];
  readonly exemption?: Exemption;
  /** Versions a person said may be offered again after they were taken back (agent digest). */
  readonly retriedAgentDigests: readonly string[];
  /** What the gateway is to be brought to next; absent until a release was imported. */
  readonly release?: ReleaseFacts;
  /** The release of the version the platform is on, where `release` is an earlier stop on the way to it. */
  readonly platformRelease?: ReleaseFacts;
  /** Absent where `release` is all that is left of the way. */
  readonly walk?: GatewayWalk;
  /** Absent while no release is recalled. */
  readonly recalls?: RecallFacts;
  /** What the target now names. */
  readonly generation: number;
  readonly targetAgent?: AgentRelease;
  /** Confirmed and neither completed nor cancelled. */
  readonly profileUpdate?: ConfirmedProfileUpdate;
  /** The profile documents a plan is made from; loaded only where they are needed. */
  readonly currentProfile?: Profile;
  readonly releaseProfile?: Profile;
}
