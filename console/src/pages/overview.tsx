/** How the whole fleet stands, counted. Each number leads to the gateways that it counts. */

import type { Overview } from '@gatehouse/contract/fleet-types';
import type { Gateway } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Grid, GridItem, PageSection, Title } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { overviewQuery } from '../api/fleet-queries.ts';
import { reasonCodeText, stateTexts, overviewTexts as texts } from '../texts/fleet.ts';
import { Loading } from '../ui/loading.tsx';
import { NoGateways } from '../ui/no-gateways.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { PlatformCard } from '../ui/platform-card.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { type Share, ShareBar, shareColor } from '../ui/share-bar.tsx';

export function OverviewPage() {
  const { data: overview, error } = useQuery(overviewQuery());
  return (
    <PageSection>
      <PageTitle title={texts.title} />
      <div className="console-overview-title console-page-title">
        <Title headingLevel="h1">{texts.title}</Title>
        {overview === undefined ? null : <Link to="/gateways">{texts.gatewayCount(overview.gateways.total)}</Link>}
      </div>
      {overview === undefined ? error === null ? <Loading /> : <ProblemAlert error={error} /> : null}
      {overview === undefined ? null : <Counted overview={overview} />}
    </PageSection>
  );
}

function Counted({ overview }: { readonly overview: Overview }) {
  const isEmpty = overview.gateways.total === 0;
  return (
    <>
      {isEmpty ? <NoGateways isSandbox={overview.platform.isSandbox} /> : <States gateways={overview.gateways} />}
      <Grid hasGutter className="console-above">
        <GridItem lg={6}>
          <PlatformCard />
        </GridItem>
        {isEmpty ? null : (
          <GridItem lg={6}>
            <AgentVersions overview={overview} />
          </GridItem>
        )}
        {isEmpty ? null : (
          <GridItem>
            <HeldBy overview={overview} />
          </GridItem>
        )}
      </Grid>
    </>
  );
}

function States({ gateways }: { readonly gateways: Overview['gateways'] }) {
  const counts: Readonly<Record<Gateway['states'][number], number>> = {
    current: gateways.current,
    updating: gateways.updating,
    'waiting-for-confirmation': gateways.waitingForConfirmation,
    held: gateways.held,
    paused: gateways.paused,
    unhealthy: gateways.unhealthy,
  };
  const states = ['current', 'updating', 'waiting-for-confirmation', 'held', 'paused', 'unhealthy'] as const;
  return (
    <section aria-label={texts.gateways}>
      <ul className="console-states">
        {states.map((state) => (
          <li key={state}>
            <Link
              to="/gateways"
              search={{ state }}
              className={`console-state-link ${counts[state] === 0 ? 'console-state-none' : `console-state-${state}`}`}
            >
              <span className="console-state-count">{counts[state].toLocaleString('en')}</span>{' '}
              <span className="console-state-name">{stateTexts[state]}</span>{' '}
              <span className="console-subtle">{texts.stateDetail[state]}</span>
            </Link>
          </li>
        ))}
      </ul>
      <p className="console-subtle console-below">{texts.several}</p>
    </section>
  );
}

function AgentVersions({ overview: { agentVersions, gateways } }: { readonly overview: Overview }) {
  const shares: readonly Share[] = agentVersions.map(({ version, count }) => ({
    label: version ?? texts.noAgent,
    count,
    search: { agentVersion: version ?? 'none' },
  }));
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{texts.agentVersions}</CardTitle>
      <CardBody>
        <ShareBar shares={shares} />
        <ul className="console-shares" aria-label={texts.agentVersions}>
          {shares.map(({ label, count, search }, index) => (
            <li key={label}>
              <span className={`console-share-key ${shareColor(index)}`} aria-hidden="true" />
              <Link to="/gateways" search={search}>
                {label}
              </Link>
              <span>{count.toLocaleString('en')}</span>
              <span className="console-subtle">{texts.share(count, gateways.total)}</span>
            </li>
          ))}
        </ul>
      </CardBody>
    </Card>
  );
}

function HeldBy({ overview: { heldBy } }: { readonly overview: Overview }) {
  return (
    <Card>
      <CardTitle component="h2">{texts.heldBy}</CardTitle>
      <CardBody>
        {heldBy.length === 0 ? (
          <p>{texts.nothingHeld}</p>
        ) : (
          <ul className="console-shares console-shares-plain" aria-label={texts.heldBy}>
            {heldBy.map(({ code, count }) => (
              <li key={code}>
                <Link to="/gateways" search={{ state: 'held', reason: code }} className="console-text">
                  {reasonCodeText(code)}
                </Link>
                <span>{count.toLocaleString('en')}</span>
              </li>
            ))}
          </ul>
        )}
      </CardBody>
    </Card>
  );
}
