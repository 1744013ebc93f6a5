import type { ReactNode } from 'react';
import { Loading } from './loading.tsx';
import { ProblemAlert } from './problem-alert.tsx';

interface ShownAnswerProps<Data> {
  readonly data: Data | undefined;
  readonly error: Error | null;
  /** Nothing is shown, nor asked, of what the reader's role does not permit. */
  readonly isPermitted?: boolean;
  readonly children: (data: Data) => ReactNode;
}

/** The answer to a question once it is there; until then that it is awaited, or why there is none. */
export function ShownAnswer<Data>({ data, error, isPermitted = true, children }: ShownAnswerProps<Data>) {
  if (!isPermitted) return null;
  if (data !== undefined) return children(data);
  return error === null ? <Loading /> : <ProblemAlert error={error} />;
}
