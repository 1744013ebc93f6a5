/** Asks for what an act needs. Enter sends it as the button does; what is missing is said by the fields themselves. */

import { Form } from '@patternfly/react-core';
import { type ReactNode, useId } from 'react';
import { AskDialog, type AskDialogProps } from './ask-dialog.tsx';

interface FormDialogProps extends Omit<AskDialogProps, 'formId'> {
  readonly onSubmit: () => void;
  /** Above the fields: what the act does. */
  readonly before?: ReactNode;
}

export function FormDialog({ before, children, onSubmit, ...dialog }: FormDialogProps) {
  const id = useId();
  return (
    <AskDialog {...dialog} formId={id}>
      {before}
      <Form
        id={id}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (dialog.isIncomplete !== true && !dialog.isSending) onSubmit();
        }}
      >
        {children}
      </Form>
    </AskDialog>
  );
}
