import type { Reason } from '@gatehouse/contract/primitives';
import { List, ListItem } from '@patternfly/react-core';
import { Prose } from './prose.tsx';

/** Every reason, each with what can be done about it. They come from agents too: text, never markup. */
export function Reasons({ reasons, id }: { readonly reasons: readonly Reason[]; readonly id?: string }) {
  return (
    <List className="console-reasons" {...(id === undefined ? {} : { id })}>
      {reasons.map((reason) => (
        <ListItem key={`${reason.code} ${reason.message}`}>
          <Prose text={reason.message} />
          {reason.nextStep === undefined ? null : (
            <div className="console-next-step">
              <Prose text={reason.nextStep} />
            </div>
          )}
        </ListItem>
      ))}
    </List>
  );
}
