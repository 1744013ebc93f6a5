import { ClipboardCopy, EmptyState, EmptyStateBody, PageSection, Title } from '@patternfly/react-core';
import { PageTitle } from './page-title.tsx';

/** A page that shows nothing yet says which command does. */
export function CommandInstead({ title, command }: { readonly title: string; readonly command: string }) {
  return (
    <PageSection>
      <PageTitle title={title} />
      <Title headingLevel="h1" className="console-page-title">
        {title}
      </Title>
      <EmptyState titleText="On the command line" headingLevel="h2">
        <EmptyStateBody>
          <ClipboardCopy isReadOnly hoverTip="Copy" clickTip="Copied" textAriaLabel="Command">
            {command}
          </ClipboardCopy>
        </EmptyStateBody>
      </EmptyState>
    </PageSection>
  );
}
