/** The profile update of a gateway: the one on its way, else the one available, else the last. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { confirmReasons } from '@gatehouse/domain/confirm';
import { gatewayStatus } from '@gatehouse/domain/gateway-status';
import type { Instant } from '@gatehouse/domain/instant';
import type { Queryable } from '../database/connection.ts';
import { type LoadedGateway, loadGateway } from '../gateways/gateway-facts.store.ts';
import { toReasonView } from '../gateways/gateway-view.ts';
import { toProgress } from '../gateways/observation-facts.ts';
import { type Answer, done, refuse } from '../http/answer.ts';
import type { Queries } from '../http/operator-routes.ts';
import type { Attention } from '../polls/attention.ts';
import { selectProfileDocuments, toProfile } from '../releases/release.store.ts';
import { currentPlan } from './current-plan.ts';
import { keptByOwner, queryGatewayProfile } from './gateway-profile.query.ts';
import { selectNewestProfileUpdate } from './profile-update.store.ts';
import { toProfileUpdateView } from './profile-update-view.ts';

export function profileUpdateQueries(attention: Attention): Pick<Queries, 'getProfileUpdate' | 'getGatewayProfile'> {
  return {
    getGatewayProfile: queryGatewayProfile,

    async getProfileUpdate({ params, query }, { db, now, access }) {
      const row = await access.gateway(db, { ...params, tenant: query?.tenant });
      if (row.kind === 'refused') return row;
      attention.look(row.reply.id, now);
      return viewProfileUpdate(db, await loadGateway(db, row.reply, { withProfiles: true }), now);
    },
  };
}

async function viewProfileUpdate(db: Queryable, loaded: LoadedGateway, now: Instant): Promise<Answer<ProfileUpdate>> {
  const { facts, row } = loaded;
  if (row.installation === 'existing-cluster') {
    return keptByOwner(row.name);
  }
  const newest = await selectNewestProfileUpdate(db, { gatewayId: row.id });
  const plan = currentPlan(facts);
  const isOpen = newest !== undefined && newest.ended_at === null;
  // A stopped update gives way to a newer profile, which supersedes it when confirmed.
  const isSuperseding =
    isOpen &&
    !('reasons' in plan) &&
    plan.to.digest !== newest.plan.to.digest &&
    facts.observation?.profileUpdate?.phase === 'stopped';
  if (!('reasons' in plan) && (!isOpen || isSuperseding)) {
    const supersedes = isSuperseding ? { supersedes: newest } : {};
    return done(toProfileUpdateView({ facts, plan, ...supersedes, ...(await profilesOf(db, plan)), now }));
  }
  if (newest !== undefined) {
    const update = { ...newest, ...(newest.progress === null ? {} : { lastProgress: toProgress(newest.progress) }) };
    return done(toProfileUpdateView({ facts, plan: newest.plan, update, ...(await profilesOf(db, newest.plan)), now }));
  }
  const status = gatewayStatus(facts, now);
  if (status === 'Provisioning') {
    const detail = `The gateway ${row.name} is Provisioning; there is a profile update only once it is Running.`;
    return refuse('gateway-provisioning', detail, { reasons: [{ code: 'gateway-provisioning', message: detail }] });
  }
  const reasons = 'reasons' in plan ? plan.reasons : confirmReasons({ facts, plan, now });
  return refuse('no-profile-update', `There is no profile update for the gateway ${row.name}.`, {
    reasons: reasons.map(toReasonView),
  });
}

async function profilesOf(db: Queryable, plan: { from: { digest: string }; to: { digest: string } }) {
  const documents = await selectProfileDocuments(db, [plan.from.digest, plan.to.digest]);
  const profile = (digest: string) => {
    const document = documents.get(digest);
    return document && toProfile(document, digest);
  };
  const from = profile(plan.from.digest);
  const to = profile(plan.to.digest);
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
