/** The plan that holds now for a gateway, with its id; or why there is none. */

import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { isProfileUpdateAvailable } from '@gatehouse/domain/profile-availability';
import { canonicalPlan, planProfileUpdate, type UnidentifiedPlan } from '@gatehouse/domain/profile-plan';
import type { ProfileUpdatePlan } from '@gatehouse/domain/profile-update-types';
import type { Reason } from '@gatehouse/domain/reason';
import { proposalHolds } from '@gatehouse/domain/recall';
import { sha256Digest } from '@gatehouse/release/canonical-json';

export type CurrentPlan = ProfileUpdatePlan | { readonly reasons: readonly Reason[] };

/**
 * From facts loaded with their profiles. What is confirmed is left out of the question: a newer plan may supersede an
 * update that has stopped.
 */
export function currentPlan(facts: GatewayFacts): CurrentPlan {
  const { profileUpdate: _confirmed, ...withoutConfirmed } = facts;
  const { observation, currentProfile, releaseProfile } = facts;
  if (facts.walk?.kind === 'held') return { reasons: facts.walk.reasons };
  if (observation === undefined || !isProfileUpdateAvailable(withoutConfirmed)) {
    const [recalled, ...others] = proposalHolds(withoutConfirmed);
    if (recalled !== undefined && observation?.appliedProfile?.digest !== facts.release?.profile?.digest) {
      return { reasons: [recalled, ...others] };
    }
    return {
      reasons: [
        {
          code: 'no-profile-update',
          message: `The gateway ${facts.identity.name} has the profile of the platform's version.`,
        },
      ],
    };
  }
  if (currentProfile === undefined || releaseProfile === undefined) {
    const missing = currentProfile === undefined ? observation.appliedProfile : facts.release?.profile;
    return {
      reasons: [
        {
          code: 'profile-unknown',
          message: `No imported release has the profile ${missing?.version} (${missing?.digest}), so there is nothing to compare.`,
          nextStep: 'Import the release that brought it with `gatehouse release import`.',
        },
      ],
    };
  }
  const decision = planProfileUpdate({
    gatewayId: facts.identity.id,
    installation: facts.identity.installation,
    settings: facts.settings,
    current: currentProfile,
    target: releaseProfile,
    nodes: observation.nodes,
    ...(observation.clusterApi === undefined ? {} : { clusterApi: observation.clusterApi }),
  });
  return decision.kind === 'plan' ? identify(decision.plan) : { reasons: decision.reasons };
}

const identify = (plan: UnidentifiedPlan): ProfileUpdatePlan => ({
  ...plan,
  planId: sha256Digest(canonicalPlan(plan)),
});
