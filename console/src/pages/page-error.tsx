import { Button, PageSection } from '@patternfly/react-core';
import { ProblemAlert } from '../ui/problem-alert.tsx';

/** A page's code could not be loaded, or it met an error of its own. */
export function PageError({ error, reset }: { readonly error: unknown; readonly reset: () => void }) {
  return (
    <PageSection aria-label="Error">
      <ProblemAlert error={error} />
      <Button variant="link" onClick={reset}>
        Try again
      </Button>
    </PageSection>
  );
}
