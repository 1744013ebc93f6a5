/** Moving the platform one supported step. What follows on the gateways follows with their polls. */

import { decidePlatformUpgrade } from '@gatehouse/domain/platform-upgrade';
import { toReasonView } from '../gateways/gateway-view.ts';
import { platformVersion } from '../gateways/observation-facts.ts';
import { done, refuse } from '../http/answer.ts';
import type { Commands } from '../http/operator-routes.ts';
import type { Services } from '../http/services.ts';
import { lockPlatform, selectReleaseDocuments, updatePlatform } from '../releases/release.store.ts';
import { explainGateways, toEdges, viewPlatform } from './platform.query.ts';

export function platformCommands(services: Services): Pick<Commands, 'upgradePlatform'> {
  return {
    async upgradePlatform({ body }, { work, access }) {
      const { tx, now } = work;
      const allowed = access.platform();
      if (allowed.kind === 'refused') return allowed;
      const { version: from } = await lockPlatform(tx);
      if (from === undefined) {
        const detail =
          'No release was imported yet, so there is nothing to upgrade; import one with `gatehouse release import`.';
        return refuse('no-platform-version', detail, { reasons: [{ code: 'no-platform-version', message: detail }] });
      }
      const decision = decidePlatformUpgrade({
        from: platformVersion(from),
        to: platformVersion(body.to),
        releases: (await selectReleaseDocuments(tx)).map(toEdges),
        gateways: await explainGateways(tx, {}, now, services),
      });
      if (decision.kind === 'refused') {
        const [first] = decision.reasons;
        const code = first.code === 'release-unknown' ? 'release-unknown' : 'upgrade-refused';
        return refuse(code, `The platform stays on ${from}. ${first.message}`, {
          reasons: decision.reasons.map(toReasonView),
        });
      }
      await updatePlatform(tx, { version: body.to, now });
      work.changed({ kind: 'everything' });
      const basis = decision.basis === 'edge' ? 'a step the release names' : 'a step by the rule of thumb';
      work.audit({
        actor: access.principal.name,
        action: 'platform.upgrade',
        subjectKind: 'platform',
        subjectName: body.to,
        message: `The platform was moved from ${from} to ${body.to} by ${access.principal.name} (${basis}).`,
      });
      return done(await viewPlatform(tx, access.principal, now, services));
    },
  };
}
