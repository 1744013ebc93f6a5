/** A confirmed update on its way: its steps, the nodes, the events, and where it stopped if it did. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import {
  Alert,
  Button,
  Card,
  CardBody,
  CardTitle,
  ExpandableSection,
  Grid,
  GridItem,
  ProgressStep,
  ProgressStepper,
} from '@patternfly/react-core';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/client.ts';
import {
  type GatewayAddress,
  gatewayCall,
  gatewayEventsQuery,
  gatewayQuery,
  liveKey,
  meQuery,
} from '../api/queries.ts';
import { clockTime, shownDuration } from '../format/time.ts';
import { Difference } from '../ui/difference.tsx';
import { EventTable } from '../ui/event-table.tsx';
import { Instant } from '../ui/instant.tsx';
import { NodeTable } from '../ui/node-table.tsx';
import { Preflight } from '../ui/preflight.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { Reasons } from '../ui/reasons.tsx';

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
  return (
    <>
      <div className="console-act">
        <Standing address={address} update={update} isJustConfirmed={isJustConfirmed} />
      </div>
      <Grid hasGutter>
        <GridItem lg={5}>
          <Steps update={update} />
        </GridItem>
        <GridItem lg={7}>
          {update.phase === 'confirmed' || update.phase === 'preflight' ? (
            <Preflight preflight={update.preflight} />
          ) : gateway === undefined ? null : (
            <NodeTable gateway={gateway} />
          )}
        </GridItem>
        <GridItem>
          <Card>
            <CardTitle component="h2">Events</CardTitle>
            <CardBody>{recent.length === 0 ? <p>No events yet.</p> : <EventTable events={recent} />}</CardBody>
          </Card>
        </GridItem>
      </Grid>
      <ExpandableSection
        toggleText={showsDifference ? 'Hide what was confirmed' : 'Show what was confirmed'}
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
function Standing({ address, update, isJustConfirmed }: FollowProps) {
  const { phase, to, completedAt, stopped } = update;
  switch (phase) {
    case 'confirmed':
      return <Confirmed update={update} />;
    case 'preflight':
    case 'running':
      return (
        <>
          {isJustConfirmed ? <Confirmed update={update} /> : null}
          <Alert
            variant="info"
            isInline
            component="h2"
            title={
              phase === 'preflight'
                ? 'The gateway checks whether it can begin'
                : `The roll to ${to.version} is on its way`
            }
          >
            {isJustConfirmed ? null : <ConfirmedBy update={update} />}
          </Alert>
        </>
      );
    case 'stopped':
      return (
        <Alert variant="danger" isInline component="h2" isLiveRegion title="The update has stopped">
          <p>What works was left alone. The reason:</p>
          {stopped === undefined ? null : <Reasons reasons={[stopped]} />}
          <Retry address={address} />
        </Alert>
      );
    case 'completed':
      return (
        <Alert variant="success" isInline component="h2" isLiveRegion title={`Profile ${to.version} is applied`}>
          {completedAt === undefined ? null : (
            <>
              Completed <Instant at={completedAt} />.{' '}
            </>
          )}
          <ConfirmedBy update={update} />
        </Alert>
      );
    case 'cancelled':
    case 'superseded':
      return (
        <Alert variant="info" isInline component="h2" title={`The update to profile ${to.version} was ${phase}`}>
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
  const by = update.startsBy === undefined ? '' : `, by ${clockTime(update.startsBy)}`;
  return (
    <Alert variant="success" isInline component="h2" isLiveRegion title={`Confirmed. Starts with the next poll${by}`}>
      <ConfirmedBy update={update} />
    </Alert>
  );
}

function ConfirmedBy({ update: { confirmedBy, confirmedAt } }: { readonly update: ProfileUpdate }) {
  if (confirmedBy === undefined) return null;
  return (
    <span className="console-text">
      Confirmed by {confirmedBy}
      {confirmedAt === undefined ? null : (
        <>
          {' '}
          at <Instant at={confirmedAt} />
        </>
      )}
      .
    </span>
  );
}

function Retry({ address }: { readonly address: GatewayAddress }) {
  const queryClient = useQueryClient();
  const me = useQuery(meQuery()).data;
  const mayRetry = me?.permissions.includes('profile-update.confirm') ?? true;
  const retry = useMutation({
    mutationFn: () => client.retryProfileUpdate({ ...gatewayCall(address), body: {} }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: liveKey }),
  });
  return (
    <div className="console-act">
      {mayRetry ? null : (
        <p id="why-not-retry">
          Your role {me?.role} does not permit retrying it. Ask an operator or an admin of this gateway.
        </p>
      )}
      <Button
        isAriaDisabled={!mayRetry || retry.isPending}
        {...(mayRetry ? {} : { 'aria-describedby': 'why-not-retry' })}
        onClick={() => retry.mutate()}
      >
        Retry
      </Button>
      {retry.isError ? <ProblemAlert error={retry.error} isRefusal /> : null}
    </div>
  );
}

const stepLooks = {
  waiting: { variant: 'pending', says: 'waiting' },
  running: { variant: 'info', says: 'running' },
  done: { variant: 'success', says: 'done' },
  failed: { variant: 'danger', says: 'failed' },
} as const;

function Steps({ update }: { readonly update: ProfileUpdate }) {
  return (
    <Card isFullHeight>
      <CardTitle component="h2">Steps</CardTitle>
      <CardBody>
        <ProgressStepper isVertical aria-label="Steps">
          {update.steps.map((step) => {
            const look = stepLooks[step.state];
            const id = `step-${step.id.replaceAll(/[^a-zA-Z0-9-]/g, '-')}`;
            return (
              <ProgressStep
                key={step.id}
                id={id}
                titleId={`${id}-title`}
                variant={look.variant}
                isCurrent={step.state === 'running'}
                aria-label={`${step.title}: ${look.says}`}
                description={<StepDetail step={step} />}
              >
                {step.title}
              </ProgressStep>
            );
          })}
        </ProgressStepper>
      </CardBody>
    </Card>
  );
}

function StepDetail({ step }: { readonly step: ProfileUpdate['steps'][number] }) {
  const { state, startedAt, finishedAt, message } = step;
  const took =
    startedAt !== undefined && finishedAt !== undefined
      ? ` in ${shownDuration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)}`
      : '';
  return (
    <span className="console-text">
      {stepLooks[state].says}
      {took}
      {state === 'running' && startedAt !== undefined ? (
        <>
          {' '}
          since <Instant at={startedAt} />
        </>
      ) : null}
      {message === undefined ? null : <span className="console-block">{message}</span>}
    </span>
  );
}
