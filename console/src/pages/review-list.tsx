/** Several gateways to review, one after another. Each is reviewed and confirmed as on its own page. */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { EmptyState, EmptyStateBody, PageSection, Title } from '@patternfly/react-core';
import { useQueries, useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { gatewayListQuery } from '../api/fleet-queries.ts';
import { codeOf } from '../api/problem.ts';
import { gatewayQuery, profileUpdateQuery } from '../api/queries.ts';
import { reviewListTexts as texts } from '../texts/fleet.ts';
import { updatesTexts } from '../texts/updates.ts';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { ButtonLink } from '../ui/router-links.tsx';
import '../ui/gateways.css';
import { ReviewUpdate } from './review-update.tsx';

/** The most that the control plane lists at once. */
const listedMax = 500;

/** Those that were chosen, also when nothing is left to confirm on them; else all that wait. */
function useGatewaysToReview(wanted: readonly string[] | undefined) {
  const list = useQuery({
    ...gatewayListQuery({ state: 'waiting-for-confirmation' }, listedMax),
    enabled: wanted === undefined,
  });
  const chosen = useQueries({
    queries: (wanted ?? []).map((gateway) => gatewayQuery({ gateway })),
    combine: (results) => ({
      gateways: results.flatMap(({ data }) => (data === undefined ? [] : [data])),
      isPending: results.some(({ isPending }) => isPending),
      error: results.find(({ error }) => error !== null)?.error ?? null,
    }),
  });
  if (wanted === undefined) return { gateways: list.data?.items, error: list.error };
  return { gateways: chosen.isPending ? undefined : chosen.gateways, error: chosen.error };
}

export function ReviewList() {
  const { gateways: wanted, at } = useSearch({ from: '/frame/review' });
  const { gateways, error } = useGatewaysToReview(wanted);
  const [confirmed, setConfirmed] = useState<ReadonlySet<string>>(new Set());
  const current = gateways?.find(({ id }) => id === at) ?? gateways?.[0];
  return (
    <PageSection>
      <PageTitle title={texts.title} />
      <Title headingLevel="h1" className="console-page-title">
        {texts.title}
      </Title>
      {error === null ? null : <ProblemAlert error={error} />}
      {gateways === undefined && error === null ? <Loading /> : null}
      {gateways !== undefined && current === undefined ? <NoneWaits /> : null}
      {gateways === undefined || current === undefined ? null : (
        <>
          <p>{texts.detail}</p>
          <Steps gateways={gateways} current={current} confirmed={confirmed} wanted={wanted} />
          <OneReview
            key={current.id}
            gateway={current}
            isConfirmed={confirmed.has(current.id)}
            onConfirmed={() => setConfirmed((now) => new Set([...now, current.id]))}
          />
          <Around gateways={gateways} current={current} wanted={wanted} />
        </>
      )}
    </PageSection>
  );
}

interface Place {
  readonly gateways: readonly Gateway[];
  readonly current: Gateway;
  readonly wanted: readonly string[] | undefined;
}

const searchOf = (wanted: readonly string[] | undefined, { id }: Gateway) => ({
  ...(wanted === undefined ? {} : { gateways: wanted }),
  at: id,
});

function Steps({ gateways, current, confirmed, wanted }: Place & { readonly confirmed: ReadonlySet<string> }) {
  const says = ({ id, updatesAvailable }: Gateway) =>
    confirmed.has(id) ? texts.confirmed : updatesAvailable ? texts.waits : texts.notWaiting;
  return (
    <nav aria-label={texts.list}>
      <ol className="console-review-list">
        {gateways.map((gateway) => (
          <li key={gateway.id}>
            <Link
              to="/review"
              search={searchOf(wanted, gateway)}
              className="console-review-link"
              aria-current={gateway.id === current.id ? 'step' : false}
              activeProps={{}}
            >
              {gateway.name} <span className="console-subtle">{says(gateway)}</span>
            </Link>
          </li>
        ))}
      </ol>
    </nav>
  );
}

function OneReview({
  gateway,
  isConfirmed,
  onConfirmed,
}: {
  readonly gateway: Gateway;
  readonly isConfirmed: boolean;
  readonly onConfirmed: () => void;
}) {
  const address = { gateway: gateway.name, tenant: gateway.tenant.name };
  const { data: update, error } = useQuery(profileUpdateQuery(address));
  const page = (text: string) => (
    <ButtonLink
      variant="secondary"
      to="/gateways/$gateway/updates"
      params={{ gateway: gateway.name }}
      search={{ tenant: gateway.tenant.name }}
    >
      {text}
    </ButtonLink>
  );
  const isThere = update !== undefined && error === null;
  const isToReview = isThere && update.phase === 'available' && !isConfirmed;
  return (
    <section aria-label={gateway.name}>
      <div className="console-title-row">
        <Title headingLevel="h2">
          {gateway.name}
          {isThere ? `: ${updatesTexts.versions(update.from.version, update.to.version)}` : ''}
        </Title>
        {isConfirmed ? page(texts.follow) : page(texts.page)}
      </div>
      {update === undefined && error === null ? <Loading /> : null}
      {error === null || codeOf(error) === undefined ? null : <ProblemAlert error={error} isRefusal />}
      {isThere && !isToReview ? <output>{isConfirmed ? texts.confirmedDetail : texts.nothing}</output> : null}
      {isToReview ? <ReviewUpdate address={address} update={update} onConfirmed={onConfirmed} /> : null}
    </section>
  );
}

function Around({ gateways, current, wanted }: Place) {
  const index = gateways.indexOf(current);
  const [before, after] = [gateways[index - 1], gateways[index + 1]];
  return (
    <nav aria-label={texts.around} className="console-pages">
      <span>{texts.place(index + 1, gateways.length)}</span>
      {before === undefined ? null : (
        <ButtonLink variant="secondary" to="/review" search={searchOf(wanted, before)}>
          {texts.previous}
        </ButtonLink>
      )}
      {after === undefined ? null : (
        <ButtonLink variant="secondary" to="/review" search={searchOf(wanted, after)}>
          {texts.next}
        </ButtonLink>
      )}
    </nav>
  );
}

function NoneWaits() {
  return (
    <EmptyState titleText={texts.none} headingLevel="h2">
      <EmptyStateBody>
        <p>{texts.noneDetail}</p>
        <ButtonLink variant="link" to="/gateways">
          {texts.toGateways}
        </ButtonLink>
      </EmptyStateBody>
    </EmptyState>
  );
}
