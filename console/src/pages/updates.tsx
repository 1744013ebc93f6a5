/** The profile update of a gateway on one page: reviewed, confirmed, and followed to its end. */

import { EmptyState, EmptyStateBody, PageSection, Title } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { codeOf, isNoSuchPage, toShownProblem } from '../api/problem.ts';
import { profileUpdateQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { phaseText } from '../format/profile-update-phase.ts';
import { updatesTexts as texts } from '../texts/updates.ts';
import { GatewayBreadcrumb } from '../ui/gateway-breadcrumb.tsx';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { Prose } from '../ui/prose.tsx';
import { Reasons } from '../ui/reasons.tsx';
import { FollowUpdate } from './follow-update.tsx';
import { NotFound } from './not-found.tsx';
import { ReviewUpdate } from './review-update.tsx';

/** There is nothing to review, and the control plane says why. */
const nothingToReview: ReadonlySet<string | undefined> = new Set([
  'no-profile-update',
  'existing-cluster',
  'gateway-provisioning',
]);

export function Updates() {
  const address = useGatewayAddress();
  /** What was confirmed from this page: said until it is at its end, however soon the gateway takes it up. */
  const [confirmedPlan, setConfirmedPlan] = useState<string>();
  const { data: update, error } = useQuery(profileUpdateQuery(address));
  if (isNoSuchPage(error)) return <NotFound detail={error?.message} />;
  const isRefused = nothingToReview.has(codeOf(error));
  return (
    <PageSection>
      <PageTitle title={texts.title(address.gateway)} />
      <GatewayBreadcrumb address={address} page={texts.page} />
      <div className="console-title-row">
        <Title headingLevel="h1">
          {update === undefined || isRefused
            ? texts.title(address.gateway)
            : texts.versions(update.from.version, update.to.version)}
        </Title>
        {update === undefined || isRefused ? null : (
          <span className="console-subtle">
            {update.gateway.name}: {phaseText[update.phase]}
          </span>
        )}
      </div>
      {update === undefined || isRefused ? (
        <Instead error={error} isRefused={isRefused} />
      ) : update.phase === 'available' ? (
        <ReviewUpdate address={address} update={update} onConfirmed={setConfirmedPlan} />
      ) : (
        <FollowUpdate address={address} update={update} isJustConfirmed={confirmedPlan === update.planId} />
      )}
    </PageSection>
  );
}

function Instead({ error, isRefused }: { readonly error: Error | null; readonly isRefused: boolean }) {
  if (error === null) return <Loading />;
  if (!isRefused) return <ProblemAlert error={error} />;
  const { detail, reasons } = toShownProblem(error);
  return (
    <EmptyState titleText={texts.nothing} headingLevel="h2">
      <EmptyStateBody>
        {detail === undefined ? null : (
          <p>
            <Prose text={detail} />
          </p>
        )}
        {reasons.length === 0 ? null : <Reasons reasons={reasons} />}
      </EmptyStateBody>
    </EmptyState>
  );
}
