/**
 * The shapes of an agent update: what is kept in the gateway's cluster about attempts, and what was taken back. They
 * are only ever added to, since an old guard reads what a newer agent wrote.
 */

import type { Instant } from './instant.ts';
import type { PlatformVersion } from './version.ts';

/** One agent: its version and the digest of its image (in the sandbox, of its bundle). The digest is the identity. */
export interface AgentRelease {
  readonly version: PlatformVersion;
  readonly digest: string;
}

/**
 * - rehearsing: the new agent is tried beside the running one;
 * - swapping: recorded, the Deployment is about to be or has just been applied;
 * - watching: the new one runs, the old one still stands by;
 * - settled: the new one is the agent; - taken-back: the old one is again, the version is blamed;
 * - interrupted: taken back or given up, and the version is not to blame;
 * - rehearsal-failed: never swapped; the version is to blame.
 */
export type AttemptPhase =
  | 'rehearsing'
  | 'swapping'
  | 'watching'
  | 'settled'
  | 'taken-back'
  | 'interrupted'
  | 'rehearsal-failed';

export interface AttemptReason {
  readonly code: string;
  readonly message: string;
  readonly exitCode?: number;
  readonly lastLogLines?: string;
}

export interface AgentAttempt {
  readonly id: string;
  readonly from: AgentRelease;
  readonly to: AgentRelease;
  readonly phase: AttemptPhase;
  readonly startedAt: Instant;
  /** By the cluster's clock (API server stamps), never the local one. */
  readonly swappedAt?: Instant;
  /** How often this version was interrupted by what is nobody's fault; held after 3. */
  readonly interruptions: number;
  readonly endedAt?: Instant;
  readonly reason?: AttemptReason;
  /** Of the target under which it began: a later target that asks for the version again is a person's retry. */
  readonly generation?: number;
  /** When a pull error was first seen in the rehearsal; the second time fails it. */
  readonly pullErrorSince?: Instant;
  /** When the new agent was first Ready; from then on, not being Ready is a fault. */
  readonly readyAt?: Instant;
  /**
   * Ends of the new agent's containers, by their stamps, that were seen to be reboots. A pod goes on telling its last end
   * also to a watcher who was started later and could not know.
   */
  readonly excusedEnds?: readonly Instant[];
}

export interface TakenBack {
  readonly release: AgentRelease;
  readonly reason: AttemptReason;
  readonly at: Instant;
  /** Of the target under which it was tried. */
  readonly generation?: number;
}

/**
 * A take-back that is decided and not yet finished. It is recorded before the Deployment is touched, so that whoever
 * goes on after a crash, old agent or guard, still knows the reason.
 */
export interface TakingBack {
  /** What is taken back, and what takes its place again. */
  readonly release: AgentRelease;
  readonly to: AgentRelease;
  readonly reason: AttemptReason;
  /** False: what happened is nobody's fault, and the version may be tried again. */
  readonly isBlamed: boolean;
  readonly at: Instant;
}

/** Why the new agent's trial poll did not pass so far; written by the new agent. */
export interface TrialFailure {
  readonly attemptId: string;
  /** `unreachable`: no answer; `refused`: the server understood it and said no. */
  readonly kind: 'unreachable' | 'refused';
  readonly message: string;
}

/** The object `gatehouse-agent-state` as decisions read it. */
export interface AgentState {
  readonly attempt?: AgentAttempt;
  /** The last two that were good, newest first. */
  readonly good: readonly AgentRelease[];
  readonly takenBack: readonly TakenBack[];
  /** Raised at each taking of the Lease; polls carry it, the server refuses a lower one. Not dense: it may jump. */
  readonly handOverNumber: number;
  readonly takingBack?: TakingBack;
  readonly trialFailure?: TrialFailure;
}
