/** An operator marks a release bad, or takes that back; and the words about it to the gateways that are on it. */

import type { Release } from '@gatehouse/contract/operator-types';
import { decideRecall, decideWithdrawal } from '@gatehouse/domain/recall';
import { eventSubject } from '../gateways/gateway.store.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import type { CommandContext, Commands } from '../http/operator-routes.ts';
import { insertMilestoneOfMany } from '../polls/milestone.store.ts';
import { recalledEvent, recallMark } from '../polls/observed-events.ts';
import { lockPlatform, selectRecalls, selectReleaseDocument } from '../releases/release.store.ts';
import { viewRelease } from '../releases/release-view.ts';
import type { Work } from '../work/work.ts';
import {
  deleteOperatorRecall,
  insertOperatorRecall,
  insertRecallPermission,
  loadRecalledReleases,
  partsOn,
  selectGatewaysOn,
} from './recall.store.ts';

type Named = { readonly params: { readonly version: string } };

export const recallCommands: Pick<Commands, 'recallRelease' | 'withdrawRecall'> = {
  recallRelease: recall,
  withdrawRecall: withdraw,
};

async function recall(
  call: Named & {
    readonly query?: { readonly tenant?: string };
    readonly body: { readonly reason: string; readonly evenIfPaused?: readonly string[] };
  },
  { work, access }: CommandContext,
): Promise<Answer<Release>> {
  const { tx, now } = work;
  const allowed = access.platform();
  if (allowed.kind === 'refused') return allowed;
  const { version } = call.params;
  const { reason, evenIfPaused = [] } = call.body;
  const by = access.principal.name;
  // Nobody moves the platform to it, and no import brings a recall of it, in between.
  await lockPlatform(tx);
  const isKnown = (await selectReleaseDocument(tx, version)) !== undefined;
  const recalls = await selectRecalls(tx, version);
  const decision = decideRecall({ version: platformVersion(version), isKnown, recalls });
  if (decision.kind === 'refused') {
    return refuse(decision.code, decision.reasons[0].message, { reasons: decision.reasons });
  }
  if (decision.kind === 'recall') {
    await insertOperatorRecall(tx, { version, reason, by, now });
    const message = `Release ${version} was recalled by ${by}: ${reason}`;
    work.audit({ actor: by, action: 'release.recall', subjectKind: 'release', subjectName: version, message });
    await tellRecalled(work, [version]);
  }
  for (const gateway of new Set(evenIfPaused)) {
    const found = await access.gateway(tx, { gateway, tenant: call.query?.tenant });
    if (found.kind === 'refused') return found;
    const row = found.reply;
    if (!(await insertRecallPermission(tx, { version, gatewayId: row.id, by, reason, now }))) continue;
    const message = `The gateway gets the next good version after the recalled ${version} even if it is paused; said by ${by}: ${reason}`;
    work.event(eventSubject(row), { type: 'recall-even-if-paused', message, severity: 'normal' });
    work.audit({
      actor: by,
      action: 'release.recall-even-if-paused',
      subjectKind: 'gateway',
      subjectName: row.name,
      tenantId: row.tenant_id,
      projectId: row.project_id ?? undefined,
      message,
    });
  }
  work.changed({ kind: 'everything' });
  return viewOf(work, access.principal, version);
}

async function withdraw(
  call: Named & { readonly query?: { readonly reason?: string } },
  { work, access }: CommandContext,
): Promise<Answer<Release>> {
  const { tx } = work;
  const allowed = access.platform();
  if (allowed.kind === 'refused') return allowed;
  const { version } = call.params;
  const by = access.principal.name;
  await lockPlatform(tx);
  const isKnown = (await selectReleaseDocument(tx, version)) !== undefined;
  const recalls = await selectRecalls(tx, version);
  const decision = decideWithdrawal({ version: platformVersion(version), isKnown, recalls });
  if (decision.kind === 'refused') {
    return refuse(decision.code, decision.reasons[0].message, { reasons: decision.reasons });
  }
  const why = call.query?.reason === undefined ? '.' : `: ${call.query.reason}`;
  const message = `The recall of release ${version} was withdrawn by ${by}${why}`;
  for (const gateway of await gatewaysOn(work, [version])) {
    work.event(gateway, { type: 'release-recall-withdrawn', message, severity: 'normal' });
  }
  await deleteOperatorRecall(tx, version);
  work.audit({ actor: by, action: 'release.withdraw-recall', subjectKind: 'release', subjectName: version, message });
  work.changed({ kind: 'everything' });
  return viewOf(work, access.principal, version);
}

async function viewOf(
  { tx }: Work,
  principal: CommandContext['access']['principal'],
  version: string,
): Promise<Answer<Release>> {
  const view = await viewRelease(tx, principal, version);
  if (view !== undefined) return done(view);
  const detail = `No release ${version} was imported; it is recalled all the same.`;
  return refuse('release-unknown', detail, { reasons: [{ code: 'release-unknown', message: detail }] });
}

async function gatewaysOn({ tx }: Work, versions: readonly string[]) {
  const recalled = (await loadRecalledReleases(tx)).filter(({ recall: of }) => versions.includes(of.platformVersion));
  return selectGatewaysOn(
    tx,
    recalled.flatMap(({ agentDigests, profileDigests }) => [...agentDigests, ...profileDigests]),
  );
}

/** One event for each of the versions on each gateway that runs something of it, or has a profile of it confirmed. */
export async function tellRecalled(work: Work, versions: readonly string[]): Promise<void> {
  const { tx, now } = work;
  for (const { recall: of, agentDigests, profileDigests } of await loadRecalledReleases(tx)) {
    if (!versions.includes(of.platformVersion)) continue;
    const gateways = await selectGatewaysOn(tx, [...agentDigests, ...profileDigests]);
    const running = gateways.filter((gateway) => partsOn(gateway, { agentDigests, profileDigests }).length > 0);
    await insertMilestoneOfMany(
      tx,
      running.map(({ id }) => id),
      recallMark(of),
      now,
    );
    for (const gateway of gateways) {
      const runs = partsOn(gateway, { agentDigests, profileDigests }).map((part) => `its ${part}`);
      const isConfirmed = profileDigests.includes(gateway.confirmedDigest ?? '');
      const held = 'The confirmed update to its profile is held unless a node is being replaced already.';
      work.event(gateway, recalledEvent(of, runs, isConfirmed ? [held] : []));
    }
  }
}
