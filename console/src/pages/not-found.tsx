import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter, PageSection } from '@patternfly/react-core';
import { PageTitle } from '../ui/page-title.tsx';
import { ButtonLink } from '../ui/router-links.tsx';

export function NotFound({ detail }: { readonly detail?: string | undefined }) {
  return (
    <PageSection>
      <EmptyState titleText="There is no such page" headingLevel="h1">
        <PageTitle title="Not found" />
        <EmptyStateBody>
          <span className="console-text">
            {detail ?? 'The address may be mistyped, or what it showed may be gone.'}
          </span>
        </EmptyStateBody>
        <EmptyStateFooter>
          <EmptyStateActions>
            <ButtonLink to="/gateways" variant="primary">
              Go to the gateways
            </ButtonLink>
          </EmptyStateActions>
        </EmptyStateFooter>
      </EmptyState>
    </PageSection>
  );
}
