/** The shapes of a recall, which decisions and facts share. What follows from one is decided in `recall.ts`. */

import type { Instant } from './instant.ts';
import type { PlatformVersion } from './version.ts';

/** A release marked bad. */
export interface Recall {
  readonly platformVersion: PlatformVersion;
  readonly reason: string;
  readonly at: Instant;
  /** It stands in the publisher's signed list, and no operator can take it back. */
  readonly isSigned: boolean;
  /** The publisher, or the operator whose act it was. */
  readonly by: string;
}

/** What a recalled release has put on gateways. What a release that is good has too is not in it. */
export interface RecalledRelease {
  readonly recall: Recall;
  readonly agentDigests: readonly string[];
  readonly profileDigests: readonly string[];
}

/** What recalls mean for one gateway; absent in its facts while nothing is recalled. */
export interface RecallFacts {
  readonly releases: readonly RecalledRelease[];
  /** Recalled versions for which a person has said, of this gateway by name, that a pause does not keep it on them. */
  readonly evenIfPaused: readonly PlatformVersion[];
  /** While the platform's own release is recalled: a good one that a supported step leads to. */
  readonly next?: PlatformVersion;
}
