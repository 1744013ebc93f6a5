import { type NotificationKind, notificationKinds } from '@gatehouse/contract/notification-types';
import { Checkbox, FormGroup } from '@patternfly/react-core';
import { useId } from 'react';
import { allKindsText, kindTexts } from '../texts/notifications.ts';

interface KindsFieldProps {
  readonly label: string;
  readonly kinds: readonly NotificationKind[];
  readonly onChange: (kinds: readonly NotificationKind[]) => void;
}

export function KindsField({ label, kinds, onChange }: KindsFieldProps) {
  const id = useId();
  return (
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- By this role FormGroup makes its label that of the group.
    <FormGroup label={label} fieldId={id} role="group" isStack>
      {notificationKinds.map((kind) => (
        <Checkbox
          key={kind}
          id={`${id}-${kind}`}
          label={kindTexts[kind]}
          isChecked={kinds.includes(kind)}
          onChange={(_event, isChecked) =>
            onChange(notificationKinds.filter((one) => (one === kind ? isChecked : kinds.includes(one))))
          }
        />
      ))}
    </FormGroup>
  );
}

export const kindList = (kinds: readonly NotificationKind[]): string =>
  notificationKinds.every((kind) => kinds.includes(kind))
    ? allKindsText
    : kinds.map((kind) => kindTexts[kind]).join(', ');
