import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Label } from '@patternfly/react-core';
import { Instant } from './instant.tsx';

const looks: Readonly<Record<string, { readonly text: string; readonly status: 'success' | 'danger' | 'warning' }>> = {
  passed: { text: 'Passed', status: 'success' },
  failed: { text: 'Failed', status: 'danger' },
  unknown: { text: 'Unknown', status: 'warning' },
};

/** Kept fresh by each observation while the plan waits, and checked again when the update starts. */
export function Preflight({ preflight }: { readonly preflight: ProfileUpdate['preflight'] }) {
  return (
    <Card isFullHeight>
      <CardTitle component="h2">Preflight</CardTitle>
      <CardBody>
        {preflight.results.length === 0 ? (
          <p>The gateway has not checked this plan yet; it does with one of its next polls.</p>
        ) : (
          <ul className="console-checks">
            {preflight.results.map(({ check, outcome, message }) => {
              const look = looks[outcome] ?? { text: outcome, status: 'warning' as const };
              return (
                <li key={check}>
                  <div>
                    <Label isCompact status={look.status}>
                      {look.text}
                    </Label>
                  </div>
                  <span className="console-text">{message}</span>
                </li>
              );
            })}
          </ul>
        )}
        {preflight.at === undefined ? null : (
          <p className="console-subtle">
            As of <Instant at={preflight.at} />; checked again when the update starts.
          </p>
        )}
      </CardBody>
    </Card>
  );
}
