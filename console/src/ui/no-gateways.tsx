/** There are none yet: the next step. */

import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from '@patternfly/react-core';
import { noGatewaysTexts as texts } from '../texts/fleet.ts';
import { Prose } from './prose.tsx';
import { ButtonLink } from './router-links.tsx';

export function NoGateways({ isSandbox }: { readonly isSandbox: boolean }) {
  return (
    <EmptyState titleText={texts.title} headingLevel="h2">
      <EmptyStateBody>
        <Prose text={isSandbox ? texts.sandbox : texts.detail} />
      </EmptyStateBody>
      {isSandbox ? null : (
        <EmptyStateFooter>
          <EmptyStateActions>
            <ButtonLink to="/create-gateway" variant="primary">
              {texts.create}
            </ButtonLink>
          </EmptyStateActions>
        </EmptyStateFooter>
      )}
    </EmptyState>
  );
}
