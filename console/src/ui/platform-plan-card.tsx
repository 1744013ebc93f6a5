/** A plan that was started: its hops as a line, what holds the next one, and the way to end it. */

import type { PlatformPlan } from '@gatehouse/contract/platform-types';
import {
  Card,
  CardBody,
  CardTitle,
  Content,
  Label,
  List,
  ListItem,
  ProgressStep,
  ProgressStepper,
} from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { platformPlanQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { type HopState, hopState, isUnderWay } from '../format/platform-hops.ts';
import { platformTexts } from '../texts/platform.ts';
import { ActButton } from './act-button.tsx';
import { AskDialog } from './ask-dialog.tsx';
import { HopRisks } from './hop-risks.tsx';
import { Instant } from './instant.tsx';
import { Reasons } from './reasons.tsx';

const texts = platformTexts.plan;

const stateLooks = {
  held: { status: 'warning' },
  moving: { status: 'info' },
  done: { status: 'success' },
  cancelled: { color: 'grey' },
  superseded: { color: 'grey' },
} as const;

export function PlatformPlanCard({ plan }: { readonly plan: PlatformPlan }) {
  return (
    <Card component="section" aria-label={texts.title(plan.to)}>
      <CardTitle component="h2">
        <span className="console-labels">
          {isUnderWay(plan) ? texts.title(plan.to) : `${texts.last}: ${texts.hop(plan.from, plan.to)}`}
          <Label {...stateLooks[plan.state]}>{texts.states[plan.state]}</Label>
        </span>
      </CardTitle>
      <CardBody>
        <HopLine plan={plan} />
        <Origin plan={plan} />
        {isUnderWay(plan) ? <UnderWay plan={plan} /> : null}
      </CardBody>
    </Card>
  );
}

const hopVariants = {
  taken: 'success',
  next: 'info',
  held: 'warning',
  later: 'pending',
  left: 'default',
} as const satisfies Readonly<Record<HopState, string>>;

function HopLine({ plan }: { readonly plan: PlatformPlan }) {
  return (
    <ProgressStepper aria-label={texts.hops} className="console-facts">
      {plan.hops.map((hop) => {
        const state = hopState(hop, plan);
        const id = `hop-${plan.id}-${hop.number}`;
        return (
          <ProgressStep
            key={hop.number}
            id={id}
            titleId={`${id}-title`}
            variant={hopVariants[state]}
            isCurrent={state === 'next' || state === 'held'}
            aria-label={`${texts.hop(hop.from, hop.to)}: ${texts.hopStates[state]}`}
            description={
              <span className="console-text">
                {texts.hopStates[state]}
                {hop.takenAt === undefined ? null : (
                  <>
                    {' '}
                    {texts.at} <Instant at={hop.takenAt} />
                  </>
                )}
                {hop.basis === 'edge' ? null : <span className="console-block">{texts.ruleOfThumb}</span>}
                {hop.floor === undefined ? null : <span className="console-block">{texts.floor(hop.floor)}</span>}
              </span>
            }
          >
            {texts.hop(hop.from, hop.to)}
          </ProgressStep>
        );
      })}
    </ProgressStepper>
  );
}

function Origin({ plan: { startedBy, startedAt, endedAt, endedBy } }: { readonly plan: PlatformPlan }) {
  return (
    <p className="console-subtle console-text">
      {texts.startedBy(startedBy)} {texts.at} <Instant at={startedAt} />
      {endedAt === undefined ? null : (
        <>
          , {endedBy === undefined ? texts.ended : texts.endedBy(endedBy)} {texts.at} <Instant at={endedAt} />
        </>
      )}
      .
    </p>
  );
}

function UnderWay({ plan }: { readonly plan: PlatformPlan }) {
  const [isAsking, setIsAsking] = useState(false);
  const roleReasons = useRoleReasons('platform.upgrade', texts.cancelAct);
  const cancel = useAct(
    () => client.cancelPlatformPlan({ body: {} }),
    () => setIsAsking(false),
  );
  const accept = useAct((name: string) =>
    client.upgradePlatform({ body: { to: plan.to, wait: true, acceptRisks: [name] } }),
  );
  const accepted = plan.acceptedRisks.map(({ name }) => name).join(',');
  const { data: preview } = useQuery(
    platformPlanQuery({ to: plan.to, ...(accepted === '' ? {} : { acceptRisks: accepted }) }),
  );
  return (
    <>
      {plan.reasons.length === 0 ? (
        <Content component="p">{texts.nothingHolds}</Content>
      ) : (
        <>
          <h3 className="console-pack">{texts.whatHolds}</h3>
          <Reasons reasons={plan.reasons} />
          <Content component="p">{texts.goesOn}</Content>
        </>
      )}
      {plan.opensAt === undefined ? null : (
        <p>
          {texts.opensAt} <Instant at={plan.opensAt} />.
        </p>
      )}
      <HopRisks
        risks={preview?.hops.flatMap((hop) => hop.risks) ?? []}
        onAccept={accept.mutate}
        isSending={accept.isPending}
        error={accept.error}
      />
      {plan.acceptedRisks.length === 0 ? null : (
        <>
          <h3 className="console-pack">{texts.accepted}</h3>
          <List>
            {plan.acceptedRisks.map(({ name, by, at }) => (
              <ListItem key={name}>
                {texts.acceptedBy(name, by)} {texts.at} <Instant at={at} />
              </ListItem>
            ))}
          </List>
        </>
      )}
      <div className="console-above">
        <ActButton
          variant="secondary"
          reasons={roleReasons}
          onClick={() => {
            cancel.reset();
            setIsAsking(true);
          }}
        >
          {texts.cancel}
        </ActButton>
      </div>
      {isAsking ? (
        <AskDialog
          title={texts.cancelTitle(plan.to)}
          submit={texts.cancel}
          variant="danger"
          isSending={cancel.isPending}
          error={cancel.error}
          onSubmit={() => cancel.mutate(undefined)}
          onClose={() => setIsAsking(false)}
        >
          <Content component="p">{texts.cancelDetail}</Content>
        </AskDialog>
      ) : null}
    </>
  );
}
