/** Asks for the reason of an act, and until when it holds where it has an end. Nothing is sent before both are there. */

import {
  type ButtonProps,
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  TextArea,
  TextInput,
} from '@patternfly/react-core';
import { type ReactNode, useId, useState } from 'react';
import { isUntilChoice, toUntil, type UntilChoice, untilChoices } from '../format/until.ts';
import { actTexts, untilChoiceTexts } from '../texts/acts.ts';
import { FormDialog } from './form-dialog.tsx';

export interface GivenReason {
  readonly reason: string;
  /** Absent: it has no end. */
  readonly until?: string;
}

interface ReasonDialogProps {
  readonly title: string;
  readonly submit: string;
  readonly variant?: ButtonProps['variant'];
  /** `none`: it has no end to choose. */
  readonly ends: 'none' | 'optional' | 'required';
  readonly isSending: boolean;
  readonly error: unknown;
  readonly onSubmit: (given: GivenReason) => void;
  readonly onClose: () => void;
  /** Above the fields: what the act does. */
  readonly children?: ReactNode;
  /** Below the fields. */
  readonly more?: ReactNode;
}

const reasonLengthMax = 1000;

export function ReasonDialog(props: ReasonDialogProps) {
  const { title, submit, variant = 'primary', ends, isSending, error, onSubmit, onClose, children, more } = props;
  const id = useId();
  const [reason, setReason] = useState('');
  const [choice, setChoice] = useState<UntilChoice>(ends === 'optional' ? 'none' : '8h');
  const [at, setAt] = useState('');
  const [isAsked, setIsAsked] = useState(false);
  const [isAtInvalid, setIsAtInvalid] = useState(false);
  const send = () => {
    const until = ends === 'none' ? ({ kind: 'none' } as const) : toUntil(choice, at, Date.now());
    setIsAsked(true);
    setIsAtInvalid(until.kind === 'invalid');
    if (reason.trim() === '' || until.kind === 'invalid') return;
    onSubmit({ reason: reason.trim(), ...(until.kind === 'at' ? { until: until.instant } : {}) });
  };
  return (
    <FormDialog
      title={title}
      submit={submit}
      variant={variant}
      isSending={isSending}
      error={error}
      before={children}
      onSubmit={send}
      onClose={onClose}
    >
      <FormGroup label={actTexts.reason} fieldId={`${id}-reason`} isRequired>
        <TextArea
          id={`${id}-reason`}
          isRequired
          maxLength={reasonLengthMax}
          rows={2}
          resizeOrientation="vertical"
          value={reason}
          validated={isAsked && reason.trim() === '' ? 'error' : 'default'}
          onChange={(_event, value) => setReason(value)}
        />
        <FormHelperText>
          <HelperText>
            <HelperTextItem {...(isAsked && reason.trim() === '' ? { variant: 'error' } : {})}>
              {actTexts.reasonHint}
            </HelperTextItem>
          </HelperText>
        </FormHelperText>
      </FormGroup>
      {ends === 'none' ? null : (
        <FormGroup label={actTexts.until} fieldId={`${id}-until`}>
          <FormSelect
            id={`${id}-until`}
            value={choice}
            onChange={(_event, value) => {
              if (isUntilChoice(value)) setChoice(value);
            }}
          >
            {untilChoices
              .filter((one) => ends === 'optional' || one !== 'none')
              .map((one) => (
                <FormSelectOption key={one} value={one} label={untilChoiceTexts[one]} />
              ))}
          </FormSelect>
        </FormGroup>
      )}
      {ends === 'none' || choice !== 'at' ? null : (
        <FormGroup label={actTexts.untilAt} fieldId={`${id}-at`} isRequired>
          <TextInput
            id={`${id}-at`}
            type="datetime-local"
            value={at}
            validated={isAtInvalid ? 'error' : 'default'}
            onChange={(_event, value) => setAt(value)}
          />
          {isAtInvalid ? (
            <FormHelperText>
              <HelperText>
                <HelperTextItem variant="error">{actTexts.untilInvalid}</HelperTextItem>
              </HelperText>
            </FormHelperText>
          ) : null}
        </FormGroup>
      )}
      {more}
    </FormDialog>
  );
}
