/** The platform's version, the next hop of its plan, and what holds that; the rest is on the platform's own page. */

import type { Platform } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { platformQuery } from '../api/queries.ts';
import { overviewTexts } from '../texts/fleet.ts';
import { Instant } from './instant.tsx';
import { Loading } from './loading.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { Reasons } from './reasons.tsx';
import { ButtonLink } from './router-links.tsx';

const texts = overviewTexts.platform;
const reasonsShown = 3;

export function PlatformCard() {
  const { data: platform, error } = useQuery(platformQuery());
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        {platform === undefined ? error === null ? <Loading /> : <ProblemAlert error={error} /> : null}
        {platform === undefined ? null : <Shown platform={platform} />}
      </CardBody>
    </Card>
  );
}

function Shown({ platform }: { readonly platform: Platform }) {
  const { version, channel, reachable, plan } = platform;
  const next = plan?.hops.find(({ number }) => number === plan.nextHop);
  const newest = reachable.at(-1);
  const isUnderWay = plan !== undefined && (plan.state === 'held' || plan.state === 'moving');
  const facts = [
    { term: texts.version, is: version ?? texts.noVersion },
    ...(channel === undefined ? [] : [{ term: texts.channel, is: channel }]),
    ...(isUnderWay && next !== undefined ? [{ term: texts.next, is: texts.to(next.from, next.to) }] : []),
    ...(isUnderWay && next === undefined ? [{ term: texts.plan, is: texts.to(plan.from, plan.to) }] : []),
    ...(isUnderWay || version === undefined
      ? []
      : [{ term: texts.reachable, is: reachable.length === 0 ? texts.nothingReachable : reachable.join(', ') }]),
  ];
  return (
    <>
      <dl className="console-key-facts">
        {facts.map(({ term, is }) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{is}</dd>
          </div>
        ))}
      </dl>
      {version === undefined ? <p>{texts.noVersionNext}</p> : null}
      {version !== undefined && !isUnderWay ? <p>{texts.noPlan}</p> : null}
      {newest === undefined || isUnderWay ? null : (
        <p className="console-below">
          <ButtonLink to="/platform" search={{ to: newest }} variant="primary">
            {texts.planTo(newest)}
          </ButtonLink>
        </p>
      )}
      {isUnderWay ? <Held plan={plan} /> : null}
      <p className="console-below">
        <Link to="/platform">{texts.open}</Link>
      </p>
    </>
  );
}

function Held({ plan: { reasons, opensAt } }: { readonly plan: NonNullable<Platform['plan']> }) {
  if (reasons.length === 0) return <p>{texts.moving}</p>;
  return (
    <>
      <h3 className="console-pack">{texts.heldBy}</h3>
      <Reasons reasons={reasons.slice(0, reasonsShown)} />
      {reasons.length > reasonsShown ? (
        <p className="console-subtle">{texts.more(reasons.length - reasonsShown)}</p>
      ) : null}
      {opensAt === undefined ? null : (
        <p className="console-below">
          {texts.opensAt} <Instant at={opensAt} />
        </p>
      )}
    </>
  );
}
