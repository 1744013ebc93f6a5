import { Bullseye, Spinner } from '@patternfly/react-core';

export function Loading() {
  return (
    <Bullseye className="console-loading">
      <Spinner size="lg" aria-label="Loading" />
    </Bullseye>
  );
}
