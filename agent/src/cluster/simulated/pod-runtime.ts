/**
 * What runs a pod's program: in the sandbox a process for each, in tests a function. A runtime starts and ends what it
 * is told to; which pods there are, when they restart and what is written about them is the kubelet's.
 */

import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { PodOwner } from './state.ts';

export interface PodOrder {
  readonly podName: string;
  readonly owner: PodOwner;
  readonly release: AgentRelease;
  readonly repository?: string;
  /** How often it was started before in the same pod. */
  readonly restarts: number;
}

export interface PodEnd {
  readonly exitCode: number;
  /** Other than `Completed` and `Error`, such as `OOMKilled`. */
  readonly reason?: string;
  /** The last lines of its log, as `FallbackToLogsOnError` keeps them. */
  readonly lastLines?: string;
}

export interface RunningPod {
  /** Resolves once, when nothing of it runs any more; never rejects. */
  readonly ended: Promise<PodEnd>;
  /** The readiness probe; false also when it cannot be asked. */
  isReady(): Promise<boolean>;
  /** SIGTERM. */
  terminate(): void;
  /** SIGKILL. */
  kill(): void;
}

export interface PodRuntime {
  /** Gets the program by its digest. Answers why it cannot be had, as the container runtime would say it. */
  pull(release: AgentRelease): Promise<'pulled' | { readonly error: string }>;
  start(order: PodOrder): RunningPod;
}
