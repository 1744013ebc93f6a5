/** Named dangers of hops. One that applies is taken only by who accepts it by its name. */

import type { HopRisk } from '@gatehouse/contract/platform-types';
import { Button, Content, Label } from '@patternfly/react-core';
import { useState } from 'react';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { platformTexts } from '../texts/platform.ts';
import { ActButton } from './act-button.tsx';
import { AskDialog } from './ask-dialog.tsx';
import { ProblemAlert } from './problem-alert.tsx';

const texts = platformTexts.risks;

const verdictLooks = {
  applies: { status: 'danger' },
  'does-not-apply': { color: 'grey' },
  'cannot-be-judged': { status: 'warning' },
} as const;

interface HopRisksProps {
  readonly risks: readonly HopRisk[];
  readonly onAccept: (name: string) => void;
  readonly isSending: boolean;
  readonly error: unknown;
}

export function HopRisks({ risks, onAccept, isSending, error }: HopRisksProps) {
  const roleReasons = useRoleReasons('platform.upgrade', texts.act);
  const [asked, setAsked] = useState<HopRisk>();
  if (risks.length === 0) return null;
  return (
    <>
      <h3 className="console-pack">{texts.title}</h3>
      {error === null || error === undefined ? null : <ProblemAlert error={error} isRefusal />}
      <ul className="console-risks" aria-label={texts.title}>
        {risks.map((risk) => (
          <li key={risk.name}>
            <span className="console-labels">
              <strong>{risk.name}</strong>
              <Label isCompact {...verdictLooks[risk.verdict]}>
                {texts.verdicts[risk.verdict]}
              </Label>
              {risk.isAccepted ? (
                <Label isCompact status="success">
                  {texts.accepted}
                </Label>
              ) : null}
            </span>
            <RiskText risk={risk} />
            {risk.isAccepted || risk.verdict === 'does-not-apply' ? null : (
              <ActButton variant="secondary" size="sm" reasons={roleReasons} onClick={() => setAsked(risk)}>
                {texts.accept(risk.name)}
              </ActButton>
            )}
          </li>
        ))}
      </ul>
      {asked === undefined ? null : (
        <AskDialog
          title={texts.acceptTitle(asked.name)}
          submit={texts.acceptSubmit}
          variant="warning"
          isSending={isSending}
          error={undefined}
          onSubmit={() => {
            onAccept(asked.name);
            setAsked(undefined);
          }}
          onClose={() => setAsked(undefined)}
        >
          <Content component="p">
            <RiskText risk={asked} />
          </Content>
        </AskDialog>
      )}
    </>
  );
}

/** Written by the publisher: text, and an address only where it is one of the web. */
function RiskText({ risk: { message, gateways, fixedIn, url } }: { readonly risk: HopRisk }) {
  return (
    <span className="console-text">
      {message}
      {fixedIn === undefined ? null : ` ${texts.fixedIn(fixedIn)}.`}
      {gateways.length === 0 ? null : ` ${texts.gateways(gateways.join(', '))}.`}
      {url?.startsWith('https://') === true ? (
        <>
          {' '}
          <Button component="a" variant="link" isInline href={url} target="_blank" rel="noreferrer">
            {texts.more}
          </Button>
        </>
      ) : null}
    </span>
  );
}
