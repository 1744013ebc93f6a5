/** Looks at a gateway's nodes and packs each second while they are replaced, with Kubernetes' own words. */

import { setTimeout as pause } from 'node:timers/promises';
import { type ClusterView, condition, kinds } from './cluster-view.ts';
import { isControlPlane, readyNodes } from './host-clusters.ts';
import { member, number, text } from './json.ts';

export interface Sample {
  readonly controlPlaneNames: readonly string[];
  readonly workerNames: readonly string[];
  /** Machines of the control plane, and how many of them have a node that is ready. */
  readonly controlPlanes: number;
  readonly readyControlPlanes: number;
  /** What KubeadmControlPlane says, which it can say only while it reaches etcd on every control plane. */
  readonly readyReplicas: number;
  readonly isCounted: boolean;
  /** By ConfigMap of the packs' namespace: its one value. */
  readonly packs: Readonly<Record<string, string>>;
}

export function sampleRoll(
  view: ClusterView,
  namespaces: { readonly cluster: string; readonly packs: string },
): { stop: () => Promise<readonly Sample[]> } {
  const samples: Sample[] = [];
  const stopped = new AbortController();
  const sampling = (async () => {
    while (!stopped.signal.aborted) {
      samples.push(await sample(view, namespaces));
      await pause(1000);
    }
  })();
  // Seen by whoever stops it.
  sampling.catch(() => {});
  return {
    stop: async () => {
      stopped.abort();
      await sampling;
      return samples;
    },
  };
}

async function sample(
  view: ClusterView,
  namespaces: { readonly cluster: string; readonly packs: string },
): Promise<Sample> {
  const namespace = namespaces.cluster;
  const [machines, [controlPlane], packs] = await Promise.all([
    view.list(kinds.machine, { namespace }),
    view.list(kinds.controlPlane, { namespace }),
    view.list(kinds.configMap, { namespace: namespaces.packs }),
  ]);
  const controlPlanes = machines.filter(isControlPlane);
  const names = (some: typeof machines) => some.map((machine) => machine.metadata.name);
  return {
    controlPlaneNames: names(controlPlanes),
    workerNames: names(machines.filter((machine) => !isControlPlane(machine))),
    controlPlanes: controlPlanes.length,
    readyControlPlanes: readyNodes(controlPlanes),
    readyReplicas: number(controlPlane, 'status', 'readyReplicas'),
    isCounted: condition(controlPlane, 'EtcdClusterHealthy') !== 'Unknown',
    packs: Object.fromEntries(
      packs.flatMap((one) => {
        const value = Object.values(member(one, 'data') ?? {})[0];
        return typeof value === 'string' ? [[text(one, 'metadata', 'name') ?? '', value]] : [];
      }),
    ),
  };
}
