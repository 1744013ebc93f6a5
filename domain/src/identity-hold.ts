/** What an operator is told while an agent is held for its identity: in a refusal, an event and an explanation alike. */

import type { GatewayFacts } from './gateway-facts.ts';
import { formatInstant, type Instant } from './instant.ts';
import type { Reason } from './reason.ts';

const remedy = (gateway: string): string =>
  `Create new install commands for ${gateway} (\`gatehouse gateway install ${gateway}\`, or its page) and apply them on the ` +
  `cluster that is to keep it: its agent gets a new key, and the copy can do nothing any more.`;

export function identityShared(gateway: string): Reason {
  return {
    code: 'identity-shared',
    message:
      `Two agents use the identity of the gateway ${gateway} in turn, as after its Secret gatehouse-agent-identity was ` +
      `copied to another cluster or namespace. Both are held: neither is told anything, nothing new begins on either.`,
    nextStep: `Delete the agent that should not be there, and the other one goes on by itself. Or: ${remedy(gateway)}`,
  };
}

export function identityElsewhere(gateway: string, until: Instant): Reason {
  return {
    code: 'identity-elsewhere',
    message:
      `An agent uses the identity of the gateway ${gateway} from another place than the one heard before: the gateway was ` +
      `restored or moved, or its Secret was copied. It is held until ${formatInstant(until)}, in case the one before is still there.`,
    nextStep: `Wait, if the one before is gone. If not, delete the copy. To go on at once: ${remedy(gateway)}`,
  };
}

export function identityHolds({ identity, identityUse }: GatewayFacts): readonly Reason[] {
  if (identityUse?.sharedSince !== undefined) return [identityShared(identity.name)];
  if (identityUse?.waitsUntil !== undefined) return [identityElsewhere(identity.name, identityUse.waitsUntil)];
  return [];
}
