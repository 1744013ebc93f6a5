/** Asks once more, with what is about to happen in four lines. A paused gateway is confirmed only by who says to know. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import {
  Alert,
  Button,
  Checkbox,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
} from '@patternfly/react-core';
import { useState } from 'react';
import { downtimeText } from '../format/profile-update-phase.ts';
import { shownDuration } from '../format/time.ts';

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
    ['Gateway', gateway.name],
    ['Profile', `${from.version} → ${to.version}`],
    ['Nodes replaced', summary.repaves.length === 0 ? 'None' : String(summary.repaves.length)],
    ['Usually takes', `about ${shownDuration(summary.usualDurationSeconds)}`],
    ['Downtime', downtimeText[summary.downtime]],
  ] as const;
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="confirm-title" aria-describedby="confirm-body">
      <ModalHeader title="Confirm updates?" labelId="confirm-title" />
      <ModalBody id="confirm-body">
        <DescriptionList isHorizontal isCompact>
          {facts.map(([term, description]) => (
            <DescriptionListGroup key={term}>
              <DescriptionListTerm>{term}</DescriptionListTerm>
              <DescriptionListDescription>{description}</DescriptionListDescription>
            </DescriptionListGroup>
          ))}
        </DescriptionList>
        {asksAboutPause ? (
          <Alert variant="warning" isInline component="h2" title="This gateway is paused" className="console-above">
            <p>A pause holds agent updates only: this profile update would start all the same.</p>
            <Checkbox
              id="acknowledge-pause"
              label={`I know that ${gateway.name} is paused`}
              isChecked={knowsPause}
              onChange={(_event, isChecked) => setKnowsPause(isChecked)}
            />
          </Alert>
        ) : null}
      </ModalBody>
      <ModalFooter>
        <Button
          isLoading={isSending}
          isDisabled={isSending || (asksAboutPause && !knowsPause)}
          onClick={() => onConfirm({ acknowledgePause: knowsPause })}
        >
          Confirm
        </Button>
        <Button variant="link" onClick={onClose}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}
