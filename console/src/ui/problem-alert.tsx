import { Alert } from '@patternfly/react-core';
import { toShownProblem } from '../api/problem.ts';
import { Prose } from './prose.tsx';
import { Reasons } from './reasons.tsx';

/** The control plane's answer whole: what, why, and what to do. */
export function ProblemAlert({ error, isRefusal = false }: { readonly error: unknown; readonly isRefusal?: boolean }) {
  const { title, detail, reasons } = toShownProblem(error);
  return (
    <Alert variant={isRefusal ? 'warning' : 'danger'} isInline component="h2" title={title} role="alert">
      {detail === undefined ? null : (
        <p>
          <Prose text={detail} />
        </p>
      )}
      {reasons.length === 0 ? null : <Reasons reasons={reasons} />}
    </Alert>
  );
}
