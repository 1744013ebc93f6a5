/** Shows a secret the one time that it is told. It stays until the reader says that they have it. */

import { Alert, Button, ClipboardCopy, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { useId } from 'react';
import { actTexts } from '../texts/acts.ts';

interface SecretDialogProps {
  readonly title: string;
  readonly detail: string;
  readonly label: string;
  readonly secret: string;
  readonly close: string;
  readonly onClose: () => void;
}

export function SecretDialog({ title, detail, label, secret, close, onClose }: SecretDialogProps) {
  const id = useId();
  return (
    <Modal isOpen variant="small" aria-labelledby={`${id}-title`} aria-describedby={`${id}-body`}>
      <ModalHeader title={title} labelId={`${id}-title`} />
      <ModalBody id={`${id}-body`}>
        <Alert variant="warning" isInline isPlain component="p" title={detail} />
        <ClipboardCopy
          isReadOnly
          className="console-command"
          hoverTip={actTexts.copy}
          clickTip={actTexts.copied}
          textAriaLabel={label}
        >
          {secret}
        </ClipboardCopy>
      </ModalBody>
      <ModalFooter>
        <Button onClick={onClose}>{close}</Button>
      </ModalFooter>
    </Modal>
  );
}
