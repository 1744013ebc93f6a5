/** The way to a chosen release, hop by hop, what would hold it, and the button that starts it. */

import type { UpgradePlan } from '@gatehouse/contract/platform-types';
import {
  Alert,
  Card,
  CardBody,
  CardTitle,
  Checkbox,
  Content,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
  Label,
} from '@patternfly/react-core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { type PlanQuestion, platformPlanQuery, releasesQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import type { PlanSearch } from '../format/plan-search.ts';
import { releasesAhead } from '../format/platform-hops.ts';
import { platformTexts } from '../texts/platform.ts';
import { ActButton } from './act-button.tsx';
import { AskDialog } from './ask-dialog.tsx';
import { ForecastView } from './forecast-view.tsx';
import { HopRisks } from './hop-risks.tsx';
import { Loading } from './loading.tsx';
import { PlannedHops } from './planned-hops.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { Reasons } from './reasons.tsx';

const texts = platformTexts.preview;

export function PlanPreviewCard() {
  const search = useSearch({ from: '/frame/platform/' });
  const navigate = useNavigate({ from: '/platform' });
  const releases = useQuery(releasesQuery()).data?.items;
  if (releases === undefined) return <Loading />;
  const ahead = releasesAhead(releases);
  return (
    <Card component="section" aria-label={texts.title}>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        {ahead.length === 0 && search.to === undefined ? (
          <p>{texts.newest}</p>
        ) : (
          <>
            <Content component="p">{texts.detail}</Content>
            <Form className="console-form-card" onSubmit={(event) => event.preventDefault()}>
              <FormGroup label={texts.to} fieldId="plan-to">
                <FormSelect
                  id="plan-to"
                  value={search.to ?? ''}
                  onChange={(_event, to) =>
                    void navigate({ search: { ...without(search, 'to', 'accept'), ...(to === '' ? {} : { to }) } })
                  }
                >
                  <FormSelectOption value="" label={texts.choose} />
                  {ahead.map(({ version, recalled }) => (
                    <FormSelectOption
                      key={version}
                      value={version}
                      label={recalled === undefined ? version : texts.recalled(version)}
                    />
                  ))}
                </FormSelect>
              </FormGroup>
            </Form>
            {search.to === undefined ? null : <Preview to={search.to} />}
          </>
        )}
      </CardBody>
    </Card>
  );
}

function without(search: PlanSearch, ...keys: readonly (keyof PlanSearch)[]): PlanSearch {
  return Object.fromEntries(Object.entries(search).filter(([key]) => !keys.some((one) => one === key)));
}

function Preview({ to }: { readonly to: string }) {
  const search = useSearch({ from: '/frame/platform/' });
  const navigate = useNavigate({ from: '/platform' });
  const { accept, forecast, confirmAfter } = search;
  const question: PlanQuestion = {
    to,
    ...(accept === undefined ? {} : { acceptRisks: accept }),
    ...(forecast === true ? { forecast } : {}),
    ...(forecast === true && confirmAfter !== undefined ? { confirmAfterSeconds: confirmAfter } : {}),
  };
  const { data: plan, error } = useQuery({ ...platformPlanQuery(question), placeholderData: keepPreviousData });
  if (plan === undefined) return error === null ? <Loading /> : <ProblemAlert error={error} isRefusal />;
  if (!plan.isPossible) return <NoWay plan={plan} />;
  const acceptRisk = (name: string) =>
    void navigate({ search: { ...search, accept: [...(accept?.split(',') ?? []), name].join(',') } });
  return (
    <div className="console-stack console-above">
      <PlannedHops hops={plan.hops} />
      <div>
        <HopRisks
          risks={plan.hops.flatMap((hop) => hop.risks)}
          onAccept={acceptRisk}
          isSending={false}
          error={undefined}
        />
      </div>
      <HeldBy plan={plan} />
      <Start plan={plan} acceptRisks={accept?.split(',') ?? []} />
      <Checkbox
        id="forecast"
        label={platformTexts.forecast.show}
        isChecked={forecast === true}
        onChange={(_event, isChecked) =>
          void navigate({ search: { ...without(search, 'forecast'), ...(isChecked ? { forecast: true } : {}) } })
        }
      />
      {forecast === true ? (
        <ForecastView
          forecast={plan.forecast}
          confirmAfter={confirmAfter}
          onConfirmAfter={(seconds) =>
            void navigate({
              search: {
                ...without(search, 'confirmAfter'),
                ...(seconds === undefined ? {} : { confirmAfter: seconds }),
              },
            })
          }
        />
      ) : null}
    </div>
  );
}

function NoWay({ plan }: { readonly plan: UpgradePlan }) {
  return (
    <Alert variant="warning" isInline component="h3" title={texts.noWay(plan.to)} className="console-above">
      <Reasons reasons={plan.reasons} />
      {plan.nearest === undefined ? null : <p>{texts.nearest(plan.nearest)}</p>}
      {plan.deadEnd === undefined ? null : <p>{texts.deadEnd(plan.deadEnd)}</p>}
    </Alert>
  );
}

function HeldBy({ plan: { heldBy, hops } }: { readonly plan: UpgradePlan }) {
  if (heldBy === undefined || hops.length === 0) return null;
  if (heldBy.length === 0) {
    return (
      <div>
        <Label status="success" variant="outline">
          {texts.notHeld}
        </Label>
      </div>
    );
  }
  return (
    <Alert variant="warning" isInline component="h3" title={texts.heldBy}>
      <Reasons reasons={heldBy} />
    </Alert>
  );
}

function Start({ plan, acceptRisks }: { readonly plan: UpgradePlan; readonly acceptRisks: readonly string[] }) {
  const [isAsking, setIsAsking] = useState(false);
  const roleReasons = useRoleReasons('platform.upgrade', texts.act);
  const isHeld = plan.heldBy !== undefined && plan.heldBy.length > 0;
  const start = useAct(
    (wait: boolean) =>
      client.upgradePlatform({
        body: {
          to: plan.to,
          ...(wait ? { wait } : {}),
          ...(acceptRisks.length === 0 ? {} : { acceptRisks: [...acceptRisks] }),
        },
      }),
    () => setIsAsking(false),
  );
  return (
    <>
      <ActButton
        reasons={roleReasons}
        onClick={() => {
          start.reset();
          setIsAsking(true);
        }}
      >
        {texts.start(plan.to)}
      </ActButton>
      {isAsking ? (
        <AskDialog
          title={texts.startTitle(plan.to)}
          submit={texts.startSubmit}
          isSending={start.isPending}
          error={start.error}
          onSubmit={() => start.mutate(isHeld)}
          onClose={() => setIsAsking(false)}
        >
          <Content component="p">
            {texts.way}: {[plan.from, ...plan.hops.map((hop) => hop.to)].join(' → ')}
          </Content>
          <Content component="p">{isHeld ? texts.startHeld : texts.startNow}</Content>
          <Content component="p">{texts.noBack}</Content>
        </AskDialog>
      ) : null}
    </>
  );
}
