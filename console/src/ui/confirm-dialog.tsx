/** Asks once more, with what is about to happen in four lines. A paused gateway is confirmed only by who says to know. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import {
  Alert,
  Checkbox,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
} from '@patternfly/react-core';
import { useState } from 'react';
import { downtimeText } from '../format/profile-update-phase.ts';
import { shownDuration } from '../format/time.ts';
import { updatesTexts } from '../texts/updates.ts';
import { AskDialog } from './ask-dialog.tsx';

const { confirm, dialog: texts, words } = updatesTexts;

export interface ConfirmDialogProps {
  readonly update: ProfileUpdate;
  readonly asksAboutPause: boolean;
  readonly isSending: boolean;
  readonly onConfirm: (answer: { readonly acknowledgePause: boolean }) => void;
  readonly onClose: () => void;
}

export function ConfirmDialog({ update, asksAboutPause, isSending, onConfirm, onClose }: ConfirmDialogProps) {
  const [knowsPause, setKnowsPause] = useState(false);
  const { gateway, from, to, summary } = update;
  const facts = [
    [texts.gateway, gateway.name],
    [texts.profile, `${from.version} → ${to.version}`],
    [words.replaced, summary.repaves.length === 0 ? texts.none : String(summary.repaves.length)],
    [words.takes, words.about(shownDuration(summary.usualDurationSeconds))],
    [words.downtime, downtimeText[summary.downtime]],
  ] as const;
  return (
    <AskDialog
      title={texts.title}
      submit={texts.confirm}
      isSending={isSending}
      isIncomplete={asksAboutPause && !knowsPause}
      error={null}
      onSubmit={() => onConfirm({ acknowledgePause: knowsPause })}
      onClose={onClose}
    >
      <DescriptionList isHorizontal isCompact>
        {facts.map(([term, description]) => (
          <DescriptionListGroup key={term}>
            <DescriptionListTerm>{term}</DescriptionListTerm>
            <DescriptionListDescription>{description}</DescriptionListDescription>
          </DescriptionListGroup>
        ))}
      </DescriptionList>
      {update.supersedes === undefined ? null : <p>{texts.supersedes(update.supersedes.to.version)}</p>}
      {asksAboutPause ? (
        <Alert variant="warning" isInline component="h2" title={confirm.paused} className="console-above">
          <p>{texts.pausedDetail}</p>
          <Checkbox
            id="acknowledge-pause"
            label={texts.knows(gateway.name)}
            isChecked={knowsPause}
            onChange={(_event, isChecked) => setKnowsPause(isChecked)}
          />
        </Alert>
      ) : null}
    </AskDialog>
  );
}
