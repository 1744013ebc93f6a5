/** A confirmed update on its way: its steps, the nodes, the events, and where it stopped if it did. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { Alert, Card, CardBody, CardTitle, ExpandableSection, Grid, GridItem } from '@patternfly/react-core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type GatewayAddress, gatewayEventsQuery, gatewayQuery } from '../api/queries.ts';
import { isOnItsWay } from '../format/profile-update-phase.ts';
import { clockTime, shownDuration } from '../format/time.ts';
import { gatewayTexts } from '../texts/gateway.ts';
import { updatesTexts } from '../texts/updates.ts';
import { Difference } from '../ui/difference.tsx';
import { Elapsed } from '../ui/elapsed.tsx';
import { EventTable } from '../ui/event-table.tsx';
import { Instant } from '../ui/instant.tsx';
import { Preflight } from '../ui/preflight.tsx';
import { Reasons } from '../ui/reasons.tsx';
import { UpdateActs } from '../ui/update-acts.tsx';
import { UpdateSteps } from '../ui/update-steps.tsx';
import { NodeTable } from './gateway-nodes.tsx';

const texts = updatesTexts.follow;

interface FollowProps {
  readonly address: GatewayAddress;
  readonly update: ProfileUpdate;
  readonly isJustConfirmed: boolean;
}

const eventsShown = 20;

export function FollowUpdate({ address, update, isJustConfirmed }: FollowProps) {
  const { data: gateway } = useQuery(gatewayQuery(address));
  const { data: events } = useInfiniteQuery(gatewayEventsQuery(address));
  const [showsDifference, setShowsDifference] = useState(false);
  const recent = events?.pages.flatMap((page) => page.items).slice(0, eventsShown) ?? [];
  const nodes = gateway?.nodes ?? [];
  const isChecking = update.phase === 'confirmed' || update.phase === 'preflight';
  return (
    <>
      <div className="console-act">
        <Standing update={update} isJustConfirmed={isJustConfirmed} />
        {update.held === undefined ? null : (
          <Alert variant="warning" isInline component="h2" title={texts.held}>
            <Reasons reasons={update.held} />
          </Alert>
        )}
      </div>
      <Grid hasGutter>
        <GridItem lg={5}>
          <UpdateSteps update={update} nodes={nodes} />
        </GridItem>
        <GridItem lg={7}>
          <div className="console-stack">
            {isOnItsWay(update.phase) ? (
              <Card>
                <CardTitle component="h2">{updatesTexts.acts.title}</CardTitle>
                <CardBody>
                  <UpdateActs address={address} update={update} of={update.to.version} />
                </CardBody>
              </Card>
            ) : null}
            {isChecking ? <Preflight preflight={update.preflight} /> : null}
            {isChecking || nodes.length === 0 ? null : (
              <Card>
                <CardTitle component="h2">{gatewayTexts.tabs.nodes}</CardTitle>
                <CardBody>
                  <NodeTable
                    title={gatewayTexts.tabs.nodes}
                    nodes={nodes}
                    update={isOnItsWay(update.phase) ? update : undefined}
                  />
                </CardBody>
              </Card>
            )}
          </div>
        </GridItem>
        <GridItem>
          <Card>
            <CardTitle component="h2">{texts.events}</CardTitle>
            <CardBody>{recent.length === 0 ? <p>{texts.noEvents}</p> : <EventTable events={recent} />}</CardBody>
          </Card>
        </GridItem>
      </Grid>
      <ExpandableSection
        toggleText={showsDifference ? texts.hideDifference : texts.showDifference}
        isExpanded={showsDifference}
        onToggle={(_event, isExpanded) => setShowsDifference(isExpanded)}
        className="console-above"
      >
        {showsDifference ? <Difference layers={update.layers} /> : null}
      </ExpandableSection>
    </>
  );
}

/** One sentence on where it is. */
function Standing({ update, isJustConfirmed }: Omit<FollowProps, 'address'>) {
  const { phase, to, completedAt, stopped } = update;
  switch (phase) {
    case 'confirmed':
      return <Confirmed update={update} />;
    case 'preflight':
    case 'running':
      return (
        <Alert
          variant="info"
          isInline
          component="h2"
          isLiveRegion={isJustConfirmed}
          title={phase === 'preflight' ? texts.preflight(isJustConfirmed) : texts.running(to.version, isJustConfirmed)}
        >
          <OnItsWay update={update} />
        </Alert>
      );
    case 'stopped':
      return (
        <Alert variant="danger" isInline component="h2" isLiveRegion title={texts.stopped}>
          <p>{texts.stoppedDetail}</p>
          {stopped === undefined ? null : <Reasons reasons={[stopped]} />}
        </Alert>
      );
    case 'completed':
      return (
        <Alert variant="success" isInline component="h2" isLiveRegion title={texts.completed(to.version)}>
          {completedAt === undefined ? null : (
            <>
              {texts.completedAt} <Instant at={completedAt} />.{' '}
            </>
          )}
          <ConfirmedBy update={update} />
        </Alert>
      );
    case 'cancelled':
    case 'superseded':
      return (
        <Alert variant="info" isInline component="h2" title={texts.ended(to.version, phase)}>
          <ConfirmedBy update={update} />
        </Alert>
      );
    case 'available':
      return null;
    default:
      return phase satisfies never;
  }
}

function Confirmed({ update }: { readonly update: ProfileUpdate }) {
  const by = update.startsBy === undefined ? '' : texts.by(clockTime(update.startsBy));
  return (
    <Alert variant="success" isInline component="h2" isLiveRegion title={texts.confirmed(by)}>
      <ConfirmedBy update={update} />
    </Alert>
  );
}

function OnItsWay({ update }: { readonly update: ProfileUpdate }) {
  const begun = update.steps.find(({ startedAt }) => startedAt !== undefined)?.startedAt ?? update.confirmedAt;
  return (
    <>
      <ConfirmedBy update={update} />{' '}
      {begun === undefined ? null : (
        <span>
          {texts.elapsed} <Elapsed since={begun} />
          {texts.usually(shownDuration(update.summary.usualDurationSeconds))}.
        </span>
      )}
    </>
  );
}

function ConfirmedBy({ update: { confirmedBy, confirmedAt } }: { readonly update: ProfileUpdate }) {
  if (confirmedBy === undefined) return null;
  return (
    <span className="console-text">
      {texts.confirmedBy(confirmedBy)}
      {confirmedAt === undefined ? null : (
        <>
          {' '}
          {texts.at} <Instant at={confirmedAt} />
        </>
      )}
      .
    </span>
  );
}
