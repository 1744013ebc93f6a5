/** The profile update of a gateway on one page: reviewed, confirmed, and followed to its end. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { Breadcrumb, BreadcrumbItem, EmptyState, EmptyStateBody, PageSection, Title } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { codeOf, toShownProblem } from '../api/problem.ts';
import { type GatewayAddress, profileUpdateQuery } from '../api/queries.ts';
import { useGatewayAddress } from '../api/use-gateway-address.ts';
import { phaseText } from '../format/profile-update-phase.ts';
import { Loading } from '../ui/loading.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
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
  const { data: update, error } = useQuery(profileUpdateQuery(address));
  if (codeOf(error) === 'not-found') return <NotFound detail={toShownProblem(error).detail} />;
  const isRefused = nothingToReview.has(codeOf(error));
  return (
    <PageSection>
      <PageTitle title={`Updates of ${address.gateway}`} />
      <Breadcrumb>
        <BreadcrumbItem
          render={({ className }) => (
            <Link to="/gateways" className={className}>
              Gateways
            </Link>
          )}
        />
        <BreadcrumbItem
          render={({ className }) => (
            <Link
              to="/gateways/$gateway"
              params={{ gateway: address.gateway }}
              search={address.tenant === undefined ? {} : { tenant: address.tenant }}
              className={className}
            >
              {address.gateway}
            </Link>
          )}
        />
        <BreadcrumbItem isActive>Updates</BreadcrumbItem>
      </Breadcrumb>
      <div className="console-title-row">
        <Title headingLevel="h1">
          {update === undefined || isRefused
            ? `Updates of ${address.gateway}`
            : `Profile ${update.from.version} → ${update.to.version}`}
        </Title>
        {update === undefined || isRefused ? null : (
          <span className="console-subtle">
            {update.gateway.name}: {phaseText[update.phase]}
          </span>
        )}
      </div>
      <Body address={address} update={isRefused ? undefined : update} error={error} isRefused={isRefused} />
    </PageSection>
  );
}

function Body({
  address,
  update,
  error,
  isRefused,
}: {
  readonly address: GatewayAddress;
  readonly update: ProfileUpdate | undefined;
  readonly error: Error | null;
  readonly isRefused: boolean;
}) {
  if (isRefused) {
    const { detail, reasons } = toShownProblem(error);
    return (
      <EmptyState titleText="Nothing to review" headingLevel="h2">
        <EmptyStateBody>
          <p className="console-text">{detail}</p>
          {reasons.length === 0 ? null : <Reasons reasons={reasons} />}
        </EmptyStateBody>
      </EmptyState>
    );
  }
  if (update === undefined) return error === null ? <Loading /> : <ProblemAlert error={error} />;
  return update.phase === 'available' ? (
    <ReviewUpdate address={address} update={update} />
  ) : (
    <FollowUpdate address={address} update={update} />
  );
}
