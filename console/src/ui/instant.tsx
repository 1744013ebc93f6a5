import { shownTime } from '../format/time.ts';
import { useToday } from './use-today.ts';

/** In the reader's zone; the exact instant on hover. */
export function Instant({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={at}>
      {shownTime(at, useToday())}
    </time>
  );
}
