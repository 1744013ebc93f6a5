/** Whether a gateway has a profile to move to. What exactly would be done is the plan's matter. */

import type { GatewayFacts } from './gateway-facts.ts';
import { recallOfOffer } from './recall.ts';

/**
 * The release brings another profile, by digest, than the one that was last applied, and nothing is confirmed yet.
 * Never on an existing cluster, not before the first profile is on the gateway, not from a recalled release, and not
 * where no way leads on to the platform's version.
 */
export function isProfileUpdateAvailable(facts: GatewayFacts): boolean {
  const applied = facts.observation?.appliedProfile;
  const offered = facts.release?.profile;
  return (
    facts.identity.installation === 'cli' &&
    applied !== undefined &&
    offered !== undefined &&
    applied.digest !== offered.digest &&
    recallOfOffer(facts) === undefined &&
    facts.walk?.kind !== 'held' &&
    facts.profileUpdate === undefined &&
    facts.deletionRequestedAt === undefined
  );
}
