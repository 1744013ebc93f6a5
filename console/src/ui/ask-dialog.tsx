/** Asks once more before an act; what it does stands in it. */

import { Button, type ButtonProps, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { type ReactNode, useId } from 'react';
import { actTexts } from '../texts/acts.ts';
import { ProblemAlert } from './problem-alert.tsx';

export interface AskDialogProps {
  readonly title: string;
  readonly submit: string;
  readonly variant?: ButtonProps['variant'];
  readonly isSending: boolean;
  readonly error: unknown;
  /** Something in the dialog has still to be filled in. */
  readonly isIncomplete?: boolean;
  /** By the button, where it is not that of a form. */
  readonly onSubmit?: () => void;
  /** Id of the form in it that the button sends. */
  readonly formId?: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function AskDialog(props: AskDialogProps) {
  const {
    title,
    submit,
    variant = 'primary',
    isSending,
    error,
    isIncomplete = false,
    onSubmit,
    formId,
    onClose,
  } = props;
  const id = useId();
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby={`${id}-title`} aria-describedby={`${id}-body`}>
      <ModalHeader title={title} labelId={`${id}-title`} />
      <ModalBody id={`${id}-body`}>
        {error === null || error === undefined ? null : <ProblemAlert error={error} isRefusal />}
        {props.children}
      </ModalBody>
      <ModalFooter>
        <Button
          variant={variant}
          isLoading={isSending}
          isDisabled={isSending || isIncomplete}
          {...(formId === undefined ? {} : ({ type: 'submit', form: formId } as const))}
          {...(onSubmit === undefined ? {} : { onClick: onSubmit })}
        >
          {submit}
        </Button>
        <Button variant="link" onClick={onClose}>
          {actTexts.cancel}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
