import { FormGroup, FormHelperText, HelperText, HelperTextItem, TextInput } from '@patternfly/react-core';
import { useId } from 'react';
import { settingsTexts as texts } from '../texts/settings.ts';

const namePattern = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const nameLengthMax = 63;

export const isName = (text: string): boolean => namePattern.test(text);

interface NameFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** It was asked for already. */
  readonly isAsked: boolean;
}

export function NameField({ value, onChange, isAsked }: NameFieldProps) {
  const id = useId();
  const isWrong = isAsked && !isName(value);
  return (
    <FormGroup label={texts.name} fieldId={id} isRequired>
      <TextInput
        id={id}
        isRequired
        autoComplete="off"
        maxLength={nameLengthMax}
        value={value}
        validated={isWrong ? 'error' : 'default'}
        onChange={(_event, text) => onChange(text.trim())}
      />
      <FormHelperText>
        <HelperText>
          <HelperTextItem {...(isWrong ? { variant: 'error' } : {})}>
            {isWrong ? texts.nameInvalid : texts.nameHint}
          </HelperTextItem>
        </HelperText>
      </FormHelperText>
    </FormGroup>
  );
}
