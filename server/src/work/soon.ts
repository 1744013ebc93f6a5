/** A task that is run every so often, and soon after somebody asks for it; one run at a time, and never run in vain twice. */

export interface Soon {
  /** Runs it shortly. Asked again before then, it runs once; asked during a run, it runs once more. */
  soon(): void;
  stop(): Promise<void>;
}

/** Many changes come together; one look serves them all. */
const gatherMilliseconds = 200;

export function createSoon(
  task: () => Promise<void>,
  options: { readonly everyMilliseconds: number; readonly onError: (error: unknown) => void },
): Soon {
  let isStopped = false;
  let isRunning = false;
  let isAskedAgain = false;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;

  const run = async (): Promise<void> => {
    isRunning = true;
    isAskedAgain = false;
    try {
      await task();
    } catch (error) {
      options.onError(error);
    }
    isRunning = false;
    schedule(isAskedAgain ? gatherMilliseconds : options.everyMilliseconds);
  };
  const schedule = (milliseconds: number): void => {
    if (isStopped) return;
    clearTimeout(timer);
    dueAt = performance.now() + milliseconds;
    timer = setTimeout(() => {
      running = run();
    }, milliseconds);
    timer.unref();
  };
  schedule(options.everyMilliseconds);
  return {
    soon() {
      if (isRunning) isAskedAgain = true;
      else if (dueAt > performance.now() + gatherMilliseconds) schedule(gatherMilliseconds);
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
