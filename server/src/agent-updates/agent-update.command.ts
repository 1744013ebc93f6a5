/** A person says that an agent version may be offered again to a gateway that has taken it back, or gave it up. */

import { isSameAgent } from '@gatehouse/domain/agent-attempt';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { GatewayFacts } from '@gatehouse/domain/gateway-facts';
import { eventSubject, lockGateway } from '../gateways/gateway.store.ts';
import { loadGateway } from '../gateways/gateway-facts.store.ts';
import { toGatewayView } from '../gateways/gateway-view.ts';
import { done, refuse } from '../http/answer.ts';
import type { Commands } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import { upsertRetriedAgent } from './agent-update.store.ts';

export function agentUpdateCommands({ timings }: Services): Pick<Commands, 'retryAgentUpdate'> {
  return {
    async retryAgentUpdate({ params, query, body }, { work, access }) {
      const { tx, now } = work;
      const found = await access.gateway(tx, { ...params, tenant: query?.tenant });
      if (found.kind === 'refused') return found;
      const row = (await lockGateway(tx, found.reply.id)) ?? found.reply;
      const { facts } = await loadGateway(tx, row, { withProfiles: false });
      const agent = retriable(facts, body.version);
      if (agent === undefined) {
        const version = body.version ?? facts.release?.agent.version ?? 'of the platform';
        const detail = `Agent ${version} was not taken back on the gateway ${row.name}, so there is nothing to retry; \`gatehouse gateway explain ${row.name}\` says what it waits for.`;
        return refuse('not-taken-back', detail, { reasons: [{ code: 'not-taken-back', message: detail }] });
      }
      const { name: by } = access.principal;
      await upsertRetriedAgent(tx, { gatewayId: row.id, digest: agent.digest, by, now });
      const message = `Agent ${agent.version} may be tried again, said ${by}.`;
      work.event(eventSubject(row), { type: 'agent-update-retried', message, severity: 'normal' });
      work.changed({ kind: 'gateway', gatewayId: row.id });
      work.audit({
        actor: by,
        action: 'agent-update.retry',
        subjectKind: 'gateway',
        subjectName: row.name,
        tenantId: row.tenant_id,
        projectId: row.project_id ?? undefined,
        message,
      });
      return done(toGatewayView(await loadGateway(tx, row, { withProfiles: false }), now, timings));
    },
  };
}

/** The version that is named, or the platform's own: taken back, or held after its interruptions. */
function retriable({ observation, release }: GatewayFacts, version: string | undefined): AgentRelease | undefined {
  if (observation === undefined) return undefined;
  const { attempt, takenBack } = observation;
  const stuck = attempt?.phase === 'interrupted' ? [attempt.to] : [];
  const candidates = [...takenBack.map((entry) => entry.release), ...stuck];
  if (version !== undefined) return candidates.findLast((agent) => agent.version === version);
  return release && candidates.findLast((agent) => isSameAgent(agent, release.agent));
}
