import type { Reason } from '@gatehouse/contract/primitives';
import { List, ListItem } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { Prose } from './prose.tsx';

interface ReasonsProps {
  readonly reasons: readonly Reason[];
  readonly id?: string;
  /** Below one reason, such as the way to where something can be done about it. */
  readonly after?: (reason: Reason) => ReactNode;
}

/** Every reason, each with what can be done about it. They come from agents too: text, never markup. */
export function Reasons({ reasons, id, after }: ReasonsProps) {
  return (
    <List isPlain={reasons.length === 1} className="console-reasons" {...(id === undefined ? {} : { id })}>
      {reasons.map((reason) => (
        <ListItem key={`${reason.code} ${reason.message}`}>
          <Prose text={reason.message} />
          {reason.nextStep === undefined ? null : (
            <div className="console-next-step">
              <Prose text={reason.nextStep} />
            </div>
          )}
          {after?.(reason)}
        </ListItem>
      ))}
    </List>
  );
}
