import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Label } from '@patternfly/react-core';
import { updatesTexts } from '../texts/updates.ts';
import { Instant } from './instant.tsx';
import { Prose } from './prose.tsx';

const texts = updatesTexts.preflight;

const looks: Readonly<Record<string, { readonly text: string; readonly status: 'success' | 'danger' | 'warning' }>> = {
  passed: { text: texts.passed, status: 'success' },
  failed: { text: texts.failed, status: 'danger' },
  unknown: { text: texts.unknown, status: 'warning' },
};

/** Kept fresh by each observation while the plan waits, and checked again when the update starts. */
export function Preflight({ preflight }: { readonly preflight: ProfileUpdate['preflight'] }) {
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        {preflight.results.length === 0 ? (
          <p>{texts.none}</p>
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
                  <Prose text={message} />
                </li>
              );
            })}
          </ul>
        )}
        {preflight.at === undefined ? null : (
          <p className="console-subtle">
            {texts.asOf} <Instant at={preflight.at} />
            {texts.again}
          </p>
        )}
      </CardBody>
    </Card>
  );
}
