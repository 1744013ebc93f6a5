/** What a person should know about the control plane itself; what of it is worth saying is decided in the domain. */

import type { SystemStatus } from '@gatehouse/contract/status-types';
import { addMilliseconds, formatInstant, hours, type Instant } from '@gatehouse/domain/instant';
import { type StatusFacts, type StatusWarning, statusWarnings } from '@gatehouse/domain/status-warnings';
import { compareVersions } from '@gatehouse/domain/version';
import type { Queryable } from '../database/connection.ts';
import { countAgentVersions, selectNamesByAgent } from '../gateways/gateway-summary.store.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { done } from '../http/answer.ts';
import type { Queries } from '../http/operator-routes.ts';
import { plainText } from '../http/plain-text.ts';
import type { Services } from '../http/services.ts';
import { visiblePart } from '../identity/principal.ts';
import { preflight } from '../platform/preflight.query.ts';
import { selectPlatform, selectReleaseDocument } from '../releases/release.store.ts';
import { type GatewayPart, selectClockDifferences, selectSetBack } from './status.store.ts';

/** So long after it was last noticed. */
const setBackShownFor = hours(7 * 24);
const namesMax = 20;

export function statusQueries(services: Services): Pick<Queries, 'getStatus'> {
  return {
    async getStatus(_call, { db, now, access }) {
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      const part = visiblePart(access.principal);
      const isWhole = access.principal.grant.scope.kind === 'platform';
      const warnings = await findWarnings(db, { part, isWhole, now }, services);
      return done<SystemStatus>({
        time: formatInstant(now),
        programVersion: services.programVersion,
        ...(isWhole ? { replica: services.replicaName } : {}),
        warnings: warnings.map(({ code, message, nextStep, gateways }) => ({
          code,
          message: plainText(message, 4000),
          nextStep,
          ...(gateways === undefined ? {} : { gateways: [...gateways] }),
        })),
      });
    },
  };
}

export interface StatusQuestion {
  readonly part: GatewayPart;
  /** Asked by whoever sees the whole platform. */
  readonly isWhole: boolean;
  readonly now: Instant;
}

export async function findWarnings(
  db: Queryable,
  { part, isWhole, now }: StatusQuestion,
  { watch, clock }: Pick<Services, 'watch' | 'clock'>,
): Promise<readonly StatusWarning[]> {
  const trouble = watch.trouble();
  const jumpedBy = clock.jumpedBy();
  const databaseTime = watch.time();
  const facts: StatusFacts = {
    ...(trouble === undefined ? {} : { trouble }),
    preflight: isWhole ? await preflight(db, {}) : [],
    clock: isWhole
      ? {
          ...(jumpedBy === undefined ? {} : { jumpedBy }),
          ...(databaseTime === undefined || clock.isGiven ? {} : { aheadOfDatabase: now - databaseTime }),
        }
      : {},
    setBack: await selectSetBack(db, part, { since: addMilliseconds(now, -setBackShownFor), namesMax }),
    ahead: await findAhead(db, part),
    clocks: await selectClockDifferences(db, part, namesMax),
  };
  return statusWarnings(facts);
}

async function findAhead(db: Queryable, part: GatewayPart): Promise<StatusFacts['ahead']> {
  const { version } = await selectPlatform(db);
  const release = version === undefined ? undefined : await selectReleaseDocument(db, version);
  if (version === undefined || release === undefined) return { total: 0, names: [], agentVersions: [] };
  const own = platformVersion(release.agent.version);
  const newer = (await countAgentVersions(db, part)).flatMap(({ version: agent, count }) =>
    agent !== null && compareVersions(platformVersion(agent), own) > 0 ? [{ agent, count }] : [],
  );
  const versions = newer.map(({ agent }) => agent);
  return {
    total: newer.reduce((sum, { count }) => sum + count, 0),
    names: await selectNamesByAgent(db, part, { versions, limit: namesMax }),
    agentVersions: versions.toSorted().slice(0, 5),
    platformVersion: version,
  };
}
