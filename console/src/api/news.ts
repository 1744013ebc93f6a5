/**
 * Looking again when there is news, one look at a time: a look that began before the news may not have it, so another
 * follows; and news that never rests does not cut off, over and over, the answers of a slow control plane.
 */

export interface NewsOptions {
  /** Resolves when every shown answer has been asked for anew. */
  readonly lookAgain: () => Promise<void>;
  /** Calls once, so many milliseconds later. Returns what prevents it. */
  readonly after: (milliseconds: number, act: () => void) => () => void;
}

/** A look that takes longer is not waited for: its answers may never come. */
const patience = 10_000;

/** Gives what is called at each news. */
export function createNews({ lookAgain, after }: NewsOptions): () => void {
  let current: symbol | undefined;
  let isMore = false;

  function look(): void {
    const own = Symbol('look');
    current = own;
    isMore = false;
    const ended = () => {
      cancel();
      if (current !== own) return;
      current = undefined;
      if (isMore) look();
    };
    const cancel = after(patience, ended);
    // What failed is shown where it is, and asked again at its interval.
    lookAgain().then(ended, ended);
  }

  return () => {
    if (current === undefined) look();
    else isMore = true;
  };
}
