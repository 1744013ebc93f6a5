/**
 * A one-time registration token becomes the agent's own key. The same agent may ask again when the reply was lost; any
 * other use of a used token is refused, and no answer says why exactly.
 */

import type { EnrolReply, EnrolRequest } from '@gatehouse/contract/agent-api';
import { clockMargin } from '@gatehouse/domain/steady-time';
import { eventSubject, lockGateway, updateGateway } from '../gateways/gateway.store.ts';
import { registrationTokenLife } from '../gateways/install.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import { hashSecret } from '../identity/secret.ts';
import { newId, type Work } from '../work/work.ts';
import {
  lockRegistrationToken,
  markRegistrationTokenUsed,
  replaceAgentIdentity,
  selectAgentIdentity,
} from './agent.store.ts';

const refused = () =>
  refuse(
    'token-invalid',
    'The registration token is unknown, used or expired; get a fresh one with `gatehouse gateway install`, or from the install commands of the gateway.',
  );

export async function enrol(request: EnrolRequest, work: Work): Promise<Answer<EnrolReply>> {
  const { tx, now } = work;
  const token = await lockRegistrationToken(tx, hashSecret(request.token));
  if (token === undefined || token.withdrawn_at !== null) return refused();
  const left = token.expires_at.getTime() - now;
  // One that would be good for longer than any is was made by a clock that was ahead.
  if (left <= 0 || left > registrationTokenLife + clockMargin) return refused();
  const gateway = await lockGateway(tx, token.gateway_id);
  if (gateway === undefined || gateway.deletion_requested_at !== null || gateway.deleted_at !== null) return refused();
  const identity = await selectAgentIdentity(tx, gateway.id);
  if (token.used_at !== null) {
    const isRepeated = identity?.registrationTokenId === token.id && identity.publicKey === request.publicKey;
    return isRepeated ? done({ gatewayId: gateway.id }) : refused();
  }
  await markRegistrationTokenUsed(tx, token.id, now);
  await replaceAgentIdentity(
    tx,
    { id: newId(), gatewayId: gateway.id, publicKey: request.publicKey, registrationTokenId: token.id },
    now,
  );
  // Of the agent before, which may have said anything; its sessions have ended with its identity.
  await updateGateway(tx, gateway.id, { hand_over_number: 0 });
  work.changed({ kind: 'gateway', gatewayId: gateway.id });
  work.event(eventSubject(gateway), {
    type: 'agent-enrolled',
    message: `Agent ${request.agent.version} has enrolled${identity === undefined ? '' : ', in place of the one before'}.`,
    severity: 'normal',
  });
  return done({ gatewayId: gateway.id });
}
