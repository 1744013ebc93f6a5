/** The one poll with which a new agent proves that it reaches the control plane: answered, and changes nothing. */

import type { PollReply, PollRequest } from '@gatehouse/contract/agent-api';
import { selectAgentIdentity } from '../agents/agent.store.ts';
import { type AgentSession, identityRefused } from '../agents/session.command.ts';
import { selectGateway } from '../gateways/gateway.store.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import type { Services } from '../http/services.ts';

export async function trialPoll(
  request: PollRequest,
  session: AgentSession,
  { db, timings }: Services,
): Promise<Answer<PollReply>> {
  if (request.attemptId === undefined) {
    const message = 'body.attemptId is needed in a trial poll; it names the attempt the agent is tried in.';
    return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
  }
  const row = await selectGateway(db, session.gatewayId);
  const identity = await selectAgentIdentity(db, session.gatewayId);
  if (row === undefined || identity?.id !== session.identityId || row.deleted_at !== null) return identityRefused();
  return done({ isObservationWanted: false, pollAgainSeconds: timings.poll.interval / 1000 });
}
