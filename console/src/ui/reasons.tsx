import type { Reason } from '@gatehouse/contract/primitives';
import { List, ListItem } from '@patternfly/react-core';

/** Every reason, each with what can be done about it. They come from agents too: text, never markup. */
export function Reasons({ reasons, id }: { readonly reasons: readonly Reason[]; readonly id?: string }) {
  return (
    <List className="console-reasons" {...(id === undefined ? {} : { id })}>
      {reasons.map((reason) => (
        <ListItem key={`${reason.code} ${reason.message}`}>
          <span className="console-text">{reason.message}</span>
          {reason.nextStep === undefined ? null : <div className="console-next-step">{reason.nextStep}</div>}
        </ListItem>
      ))}
    </List>
  );
}
