/**
 * How a rehearsal ends: the exit codes of `agent rehearse`, which the running agent reads from the pod. They never change
 * their meaning, since the two agents are of different versions. Any other code is the version's own failure.
 */

export const rehearsalExitCodes = {
  passed: 0,
  /** The control plane did not answer. It says nothing against the version. */
  controlPlaneUnreachable: 75,
  /** The API server did not answer. It says nothing against the version either. */
  clusterUnreachable: 76,
  /** A check failed; the termination message says which. */
  checkFailed: 77,
} as const;

export type RehearsalExitCode = (typeof rehearsalExitCodes)[keyof typeof rehearsalExitCodes];
