/** What a walk makes of a gateway's facts: the release it is brought to next, and the way from there. */

import type { ReleaseFacts } from './gateway.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import type { WalkDecision, WalkGateway } from './gateway-walk.ts';
import { unreachable } from './unreachable.ts';

export type WalkSubject = Pick<GatewayFacts, 'identity' | 'settings' | 'observation'>;
export type WalkedFacts = Pick<GatewayFacts, 'release' | 'platformRelease' | 'walk'>;

/** `decide` is asked only where the gateway is not on the platform's release already. */
export function walkFacts(
  subject: WalkSubject,
  platformRelease: ReleaseFacts,
  decide: (gateway: WalkGateway) => WalkDecision,
): WalkedFacts {
  const gateway = toWalkGateway(subject);
  if (gateway === undefined || hasArrived(subject, platformRelease)) return { release: platformRelease };
  const decision = decide(gateway);
  switch (decision.kind) {
    case 'arrived':
    case 'beyond':
      return { release: platformRelease };
    case 'hold':
      return { release: platformRelease, walk: { kind: 'held', reasons: decision.reasons } };
    case 'walk': {
      const { from, stops, next } = decision;
      if (next.platformVersion === platformRelease.platformVersion) return { release: next };
      return { release: next, platformRelease, ...(stops.length > 1 ? { walk: { kind: 'on-way', from, stops } } : {}) };
    }
    default:
      return unreachable(decision);
  }
}

/** Also where nothing was observed yet, so that nobody knows where the gateway is. */
export function hasArrived({ identity, observation }: WalkSubject, { agent, profile }: ReleaseFacts): boolean {
  if (observation === undefined) return true;
  const { appliedProfile } = observation;
  const isProfileThere =
    identity.installation === 'existing-cluster' ||
    profile === undefined ||
    appliedProfile === undefined ||
    appliedProfile.digest === profile.digest;
  return observation.agent.digest === agent.digest && isProfileThere;
}

function toWalkGateway({ identity, settings, observation }: WalkSubject): WalkGateway | undefined {
  if (observation === undefined) return undefined;
  const { agent, appliedProfile, kubernetes } = observation;
  return {
    name: identity.name,
    installation: identity.installation,
    agent,
    ...(appliedProfile === undefined ? {} : { profile: appliedProfile }),
    kubernetes,
    controlPlanes: settings.controlPlanes,
  };
}
