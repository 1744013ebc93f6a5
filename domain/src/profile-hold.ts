/** Why a profile update may not begin on a gateway although there is one: the agent goes first. */

import { isAttemptRunning } from './agent-attempt.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import type { Reason } from './reason.ts';
import { recalledAgentHolds } from './recall.ts';
import { compareVersions } from './version.ts';

export type ProfileHoldCode = 'agent-not-accepted' | 'agent-update-in-progress' | 'release-recalled';

export function profileAgentHolds(facts: GatewayFacts): readonly Reason<ProfileHoldCode>[] {
  const { observation, release } = facts;
  if (observation === undefined || release === undefined) return [];
  const holds: Reason<ProfileHoldCode>[] = [];
  if (compareVersions(observation.agent.version, release.profileNeedsAgent) < 0) {
    holds.push({
      code: 'agent-not-accepted',
      message:
        `The profile of platform version ${release.platformVersion} needs agent ${release.profileNeedsAgent} or newer; ` +
        `the gateway ${facts.identity.name} runs ${observation.agent.version}.`,
      nextStep: `Let the agent update first; \`gatehouse gateway explain ${facts.identity.name}\` says what it waits for.`,
    });
  }
  if (isAttemptRunning(observation.attempt)) {
    holds.push({
      code: 'agent-update-in-progress',
      message:
        `The agent of the gateway ${facts.identity.name} is being updated to ${observation.attempt.to.version}; ` +
        'only one update runs on a gateway at a time.',
      nextStep: 'Wait until the agent update has ended, some minutes at most.',
    });
  }
  return [...holds, ...recalledAgentHolds(facts)];
}
