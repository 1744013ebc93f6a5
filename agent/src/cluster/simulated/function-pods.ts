/**
 * Pods that are functions in this process, for tests with a virtual clock. A function is ended by a signal that it
 * obeys (SIGTERM) or by being cut off (SIGKILL): from then on it counts as ended, whatever it still does.
 */

import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { PodEnd, PodOrder, PodRuntime, RunningPod } from './pod-runtime.ts';

export interface PodContext extends PodOrder {
  /** Aborted at SIGTERM. */
  readonly terminated: AbortSignal;
  /** Aborted when the pod is no more, at SIGKILL or after its end. */
  readonly cutOff: AbortSignal;
  /** What the readiness probe is answered with from now on; false at the start. */
  probeWith(isReady: () => boolean): void;
  /** A line of its log. */
  print(line: string): void;
}

/** Resolves with its exit code, or its end as the kernel makes it; a rejection is exit code 1 with the error as its last line. */
export type PodProgram = (context: PodContext) => Promise<number | Pick<PodEnd, 'exitCode' | 'reason'>>;

/** `programs`: by digest. What is not there cannot be pulled. */
export function createFunctionPods(programs: (release: AgentRelease) => PodProgram | undefined): PodRuntime {
  return {
    async pull(release) {
      return programs(release) === undefined
        ? { error: `failed to resolve image ${release.digest}: not found` }
        : 'pulled';
    },
    start(order) {
      const program = programs(order.release);
      if (program === undefined) throw new Error(`${order.release.digest} was started without having been pulled`);
      return startFunction(program, order);
    },
  };
}

const killedBySignal = 137;
const linesMax = 80;

function startFunction(program: PodProgram, order: PodOrder): RunningPod {
  const terminated = new AbortController();
  const cutOff = new AbortController();
  const lines: string[] = [];
  let probe = (): boolean => false;
  const { promise: ended, resolve } = Promise.withResolvers<PodEnd>();
  const end = (how: number | Pick<PodEnd, 'exitCode' | 'reason'>): void => {
    if (cutOff.signal.aborted) return;
    cutOff.abort();
    resolve({ ...(typeof how === 'number' ? { exitCode: how } : how), lastLines: lines.slice(-linesMax).join('\n') });
  };
  void program({
    ...order,
    terminated: terminated.signal,
    cutOff: cutOff.signal,
    probeWith: (isReady) => {
      probe = isReady;
    },
    print: (line) => lines.push(line),
  }).then(end, (error: unknown) => {
    lines.push(String(error));
    end(1);
  });
  return {
    ended,
    isReady: async () => !cutOff.signal.aborted && probe(),
    terminate: () => terminated.abort(),
    kill: () => end(killedBySignal),
  };
}
