/** Notes what only one agent may do at a time, with the holder of the Lease at that moment. */

import type { Cluster, ProfileCluster } from '../cluster/cluster.ts';
import type { ControlPlane } from '../poll/control-plane.ts';

export interface Act {
  readonly at: number;
  readonly podName: string;
  /** A poll that is no trial, or a write to the gateway's cluster. */
  readonly what: string;
  /** Of the Lease at that moment; undefined when nobody held it. */
  readonly holder: string | undefined;
}

const soleActs: readonly PropertyKey[] = [
  'startRehearsal',
  'patchTopology',
  'deleteMachine',
  'applyObject',
  'deleteObject',
] satisfies readonly (keyof Cluster | keyof ProfileCluster)[];

/** The name of a call of the cluster if it is such an act. A take-back is for whoever watches, and a swap names its attempt. */
export function soleActOf(property: PropertyKey, [order]: readonly unknown[]): string | undefined {
  const isSwap = property === 'applyDeployment' && typeof order === 'object' && order !== null && 'attemptId' in order;
  return isSwap || soleActs.includes(property) ? String(property) : undefined;
}

export function notingPolls(controlPlane: ControlPlane, note: (what: string) => void): ControlPlane {
  return {
    ...controlPlane,
    poll(token, request) {
      if (request.isTrial !== true) note('poll');
      return controlPlane.poll(token, request);
    },
  };
}
