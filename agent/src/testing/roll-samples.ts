/** Looks at a real gateway's Machines each second while they are replaced, in Cluster API's own words. */

import { setTimeout as pause } from 'node:timers/promises';
import { at, conditionOf, countAt, textAt, textsAt } from '../cluster/kubernetes/json.ts';
import type { Lab } from '../cluster/kubernetes/lab-gateway.ts';

export interface RollSample {
  readonly controlPlanes: number;
  /** With a node that is ready, by Cluster API. */
  readonly ready: number;
  readonly leaving: readonly string[];
  /** What KubeadmControlPlane says; undefined while it cannot count. */
  readonly readyReplicas: number | undefined;
}

export interface RollSamples {
  taken(): readonly RollSample[];
  /** Names of all Machines that were ever there. */
  machinesSeen(): ReadonlySet<string>;
  stop(): Promise<void>;
}

export function sampleRoll(lab: Lab, own: { readonly name: string; readonly namespace: string }): RollSamples {
  const samples: RollSample[] = [];
  const seen = new Set<string>();
  const stopped = new AbortController();
  const group = `/apis/cluster.x-k8s.io/v1beta2/namespaces/${own.namespace}`;
  const labels = { 'cluster.x-k8s.io/cluster-name': own.name };
  const sample = async (): Promise<void> => {
    const machines = await lab.api.list(`${group}/machines`, labels);
    const [kcp] = await lab.api.list(
      `/apis/controlplane.cluster.x-k8s.io/v1beta2/namespaces/${own.namespace}/kubeadmcontrolplanes`,
      labels,
    );
    for (const machine of machines) seen.add(textAt(machine, 'metadata', 'name') ?? '');
    const controlPlanes = machines.filter(
      (machine) => 'cluster.x-k8s.io/control-plane' in textsAt(machine, 'metadata', 'labels'),
    );
    const isCounted = conditionOf(kcp ?? {}, 'EtcdClusterHealthy')?.['status'] !== 'Unknown';
    samples.push({
      controlPlanes: controlPlanes.length,
      ready: controlPlanes.filter((machine) => conditionOf(machine, 'NodeReady')?.['status'] === 'True').length,
      leaving: controlPlanes
        .filter((machine) => at(machine, 'metadata', 'deletionTimestamp') !== undefined)
        .map((machine) => textAt(machine, 'metadata', 'name') ?? ''),
      readyReplicas: isCounted ? countAt(kcp, 'status', 'readyReplicas') : undefined,
    });
  };
  const sampling = (async () => {
    while (!stopped.signal.aborted) {
      await sample();
      await pause(1_000);
    }
  })();
  // Seen by whoever stops it.
  sampling.catch(() => {});
  return {
    taken: () => samples,
    machinesSeen: () => seen,
    async stop() {
      stopped.abort();
      await sampling;
    },
  };
}
