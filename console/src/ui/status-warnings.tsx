/** What is wrong with the control plane itself, on every page for as long as it is so, with what can be done about it. */

import type { StatusWarning } from '@gatehouse/contract/status-types';
import { Alert, PageSection } from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { statusQuery } from '../api/queries.ts';
import { frameTexts } from '../texts/frame.ts';
import { Prose } from './prose.tsx';

const texts = frameTexts.status;

export function StatusWarnings() {
  // An error shows on the page itself, which the same control plane answers.
  const warnings = useQuery(statusQuery()).data?.warnings ?? [];
  const [first, ...others] = warnings;
  return (
    // Always there, so that what is put into it later is announced.
    <output className="console-status-place">
      {first === undefined ? null : (
        <PageSection className="console-status" hasBodyWrapper={false}>
          {others.length === 0 ? (
            <Alert variant="warning" isInline component="h2" title={<Prose text={first.message} />}>
              <WhatToDo warning={first} />
            </Alert>
          ) : (
            <Alert variant="warning" isInline component="h2" title={texts.several(warnings.length)}>
              <ul className="console-status-list">
                {warnings.map((warning) => (
                  <li key={`${warning.code} ${warning.message}`}>
                    <strong>
                      <Prose text={warning.message} />
                    </strong>
                    <WhatToDo warning={warning} />
                  </li>
                ))}
              </ul>
            </Alert>
          )}
        </PageSection>
      )}
    </output>
  );
}

function WhatToDo({ warning: { nextStep, gateways = [] } }: { readonly warning: StatusWarning }) {
  return (
    <>
      <p>
        <Prose text={nextStep} />
      </p>
      {gateways.length === 0 ? null : (
        <p>
          {texts.gateways}{' '}
          {gateways.map((name, index) => (
            <span key={name}>
              {index === 0 ? '' : ', '}
              <Link to="/gateways" search={{ search: name }}>
                {name}
              </Link>
            </span>
          ))}
        </p>
      )}
    </>
  );
}
