import type { Connection } from '../api/live-events.ts';
import { frameTexts } from '../texts/frame.ts';

/** Whether what is shown is kept true by the control plane. Its form says it too, not its colour alone. */
export function LiveMark({ connection }: { readonly connection: Connection }) {
  return (
    <span className={`console-live console-live-${connection.kind}`}>
      <span className="console-live-dot" aria-hidden="true" />
      <span className="console-live-text">{frameTexts.live[connection.kind]}</span>
    </span>
  );
}
