import { shownDuration } from '../format/time.ts';
import { useNow } from './use-now.ts';

/** How long it is since an instant, counting on; the exact instant on hover. */
export function Elapsed({ since }: { readonly since: string }) {
  const now = useNow();
  return (
    <time dateTime={since} title={since}>
      {shownDuration((now - Date.parse(since)) / 1000)}
    </time>
  );
}
