/**
 * Runs the pods of a simulated cluster and writes what becomes of them: pulls, starts, probes, restarts with growing
 * pauses, ends on deletion with SIGTERM and, after the grace, SIGKILL. As a real one it shows a crash first as "not
 * ready" with the restart still uncounted (agent-protocol.md §2).
 */

import type { Milliseconds } from '@gatehouse/domain/instant';
import type { Clock } from '../../clock.ts';
import type { PodEnd, PodRuntime, RunningPod } from './pod-runtime.ts';
import type { PodState } from './state.ts';
import { type Store, without } from './store.ts';
import { changePod, unready } from './workload.ts';

export interface KubeletPace {
  /** From one readiness probe to the next. */
  readonly probeEvery: Milliseconds;
  /** From the first crash to its restart. */
  readonly firstRestartAfter: Milliseconds;
  /** The pause before the second restart and after the first pull error; doubles up to `backOffMax`. */
  readonly backOff: Milliseconds;
  readonly backOffMax: Milliseconds;
  /** From SIGTERM to SIGKILL. */
  readonly grace: Milliseconds;
}

/** As Kubernetes has them. */
export const kubernetesPace: KubeletPace = {
  probeEvery: 1_000,
  firstRestartAfter: 1_000,
  backOff: 10_000,
  backOffMax: 300_000,
  grace: 30_000,
};

export interface Kubelet {
  /** Starts pods that are new and ends pods that are being deleted. */
  look(): void;
  /** While it is stopped programs run on, and nothing starts, ends or is told of them. */
  setStopped(isStopped: boolean): void;
  /** Every program ends at once, as when the machine is switched off and on; the pods start again. */
  killAll(): void;
  /** Ends every program and leaves the pods written as they are, as a machine does that is switched off. */
  stop(): Promise<void>;
}

interface Task {
  readonly deletion: AbortController;
  readonly done: Promise<void>;
}

/** A run this long starts the pauses between restarts from the beginning. */
const backOffForgottenAfter: Milliseconds = 600_000;

export function createKubelet(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly runtime: PodRuntime;
  readonly pace: KubeletPace;
}): Kubelet {
  const { store, clock, runtime, pace } = parts;
  const tasks = new Map<string, Task>();
  const running = new Map<string, RunningPod>();
  const power = new AbortController();
  let stopped: { readonly over: Promise<void>; readonly end: () => void } | undefined;

  const find = (name: string): PodState | undefined => store.read().pods.find((pod) => pod.name === name);
  const change = (name: string, to: (pod: PodState) => PodState): void => {
    // What a program does while the power goes is not written any more.
    if (!power.signal.aborted) store.write((state) => changePod(state, name, to));
  };
  const wait = (span: Milliseconds, signal: AbortSignal): Promise<void> =>
    clock.sleep(span, AbortSignal.any([signal, power.signal]));
  const isOver = (signal: AbortSignal): boolean => signal.aborted || power.signal.aborted;
  const pause = (failures: number): Milliseconds => Math.min(pace.backOffMax, pace.backOff * 2 ** (failures - 1));

  /** Once the kubelet runs. */
  const awake = async (): Promise<void> => {
    for (let now = stopped; now !== undefined && !power.signal.aborted; now = stopped) await now.over;
  };

  async function pull(pod: PodState, deletion: AbortSignal): Promise<void> {
    change(pod.name, (now) => ({ ...now, waiting: { reason: 'ContainerCreating' } }));
    for (let failures = 1; !isOver(deletion); failures += 1) {
      const result = await runtime.pull(pod.release);
      if (result === 'pulled' || isOver(deletion)) return;
      const message = result.error;
      change(pod.name, (now) => ({ ...now, waiting: { reason: 'ErrImagePull', message } }));
      await wait(pace.probeEvery, deletion);
      const backOff = { reason: 'ImagePullBackOff', message: `Back-off pulling image: ${message}` };
      if (!isOver(deletion)) change(pod.name, (now) => ({ ...now, waiting: backOff }));
      await wait(pause(failures), deletion);
    }
  }

  async function probe(name: string, program: RunningPod, over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      const isReady = await program.isReady();
      if (over.aborted) return;
      const pod = stopped === undefined ? find(name) : undefined;
      if (pod !== undefined && (pod.isReady !== isReady || pod.nodeSilentSince !== undefined)) {
        change(name, (now) => {
          const heard = without(now, 'nodeSilentSince');
          return isReady ? { ...heard, isReady, readySince: clock.wall() } : unready(heard);
        });
      }
      await clock.sleep(pace.probeEvery, over);
    }
  }

  /** One run of the program, to its end. */
  async function run(pod: PodState, deletion: AbortSignal): Promise<PodEnd> {
    const program = runtime.start({ ...pod, podName: pod.name });
    running.set(pod.name, program);
    change(pod.name, (now) => without({ ...now, runningSince: clock.wall() }, 'waiting'));
    const over = new AbortController();
    const probing = pod.owner.kind === 'rehearsal' ? undefined : probe(pod.name, program, over.signal);
    const stopping = AbortSignal.any([deletion, power.signal]);
    const end = await Promise.race([program.ended, aborted(stopping)]);
    if (end === 'aborted') {
      program.terminate();
      const isGone = await Promise.race([program.ended, clock.sleep(pace.grace, over.signal)]);
      if (isGone === undefined) program.kill();
    }
    const ended = await program.ended;
    over.abort();
    running.delete(pod.name);
    await probing;
    await awake();
    return ended;
  }

  function writeEnd(name: string, end: PodEnd): void {
    const lastEnd = {
      exitCode: end.exitCode,
      reason: end.reason ?? (end.exitCode === 0 ? 'Completed' : 'Error'),
      finishedAt: clock.wall(),
      // Kubernetes falls back to the log only on an error.
      ...(end.exitCode === 0 || end.lastLines === undefined ? {} : { message: end.lastLines }),
    };
    change(name, (now) => without({ ...unready(now), lastEnd }, 'runningSince'));
  }

  async function keepRunning(pod: PodState, deletion: AbortSignal): Promise<void> {
    let failures = 0;
    while (!isOver(deletion)) {
      const startedAt = clock.monotonic();
      const end = await run(find(pod.name) ?? pod, deletion);
      writeEnd(pod.name, end);
      if (isOver(deletion)) return;
      if (pod.owner.kind === 'rehearsal') {
        change(pod.name, (now) => ({ ...now, phase: end.exitCode === 0 ? 'succeeded' : 'failed' }));
        return;
      }
      failures = clock.monotonic() - startedAt >= backOffForgottenAfter ? 1 : failures + 1;
      if (failures === 1) {
        await wait(pace.firstRestartAfter, deletion);
      } else {
        const span = pause(failures - 1);
        const message = `back-off ${Math.round(span / 1_000)}s restarting failed container`;
        change(pod.name, (now) => ({ ...now, waiting: { reason: 'CrashLoopBackOff', message } }));
        await wait(span, deletion);
      }
      await awake();
      if (!isOver(deletion)) change(pod.name, (now) => ({ ...now, restarts: now.restarts + 1 }));
    }
  }

  async function live(pod: PodState, deletion: AbortSignal): Promise<void> {
    if (pod.phase === 'running' && !isOver(deletion)) {
      // A pod that ran before this kubelet did starts over; that is no restart, and nothing to blame it for.
      change(pod.name, (now) => without(unready(now), 'runningSince'));
      await pull(pod, deletion);
      await keepRunning(pod, deletion);
    }
    await aborted(AbortSignal.any([deletion, power.signal]));
    if (power.signal.aborted) return;
    store.write((state) => ({ ...state, pods: state.pods.filter((one) => one.name !== pod.name) }));
  }

  return {
    setStopped(isStopped) {
      if (isStopped && stopped === undefined) {
        const { promise: over, resolve: end } = Promise.withResolvers<void>();
        stopped = { over, end };
      } else if (!isStopped && stopped !== undefined) {
        const { end } = stopped;
        stopped = undefined;
        end();
        this.look();
      }
    },
    killAll() {
      for (const program of running.values()) program.kill();
    },
    look() {
      if (power.signal.aborted || stopped !== undefined) return;
      for (const pod of store.read().pods) {
        let task = tasks.get(pod.name);
        if (task === undefined) {
          const deletion = new AbortController();
          if (pod.isDeleting) deletion.abort();
          // Not before the task is known: what it writes makes the kubelet look again.
          const done = Promise.resolve().then(() => live(pod, deletion.signal));
          task = { deletion, done: done.finally(() => tasks.delete(pod.name)) };
          tasks.set(pod.name, task);
        }
        if (pod.isDeleting) task.deletion.abort();
      }
    },
    async stop() {
      power.abort();
      stopped?.end();
      await Promise.all([...tasks.values()].map((task) => task.done));
    },
  };
}

function aborted(signal: AbortSignal): Promise<'aborted'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('aborted');
    else signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
}
