/**
 * The Cluster object of a gateway that is installed through Cluster API: `gatehouse gateway install` applies it once,
 * and from then on only the agent's profile roller patches its topology. The namespace is made by the install manifest.
 */

import type { KubernetesManifest } from './kubernetes-object.ts';
import { gatewayNamespaces, keys } from './object-names.ts';

/** The ClusterClass variable that carries the OS image, unless the settings name another. */
export const defaultOsVariable = 'osImage';

/** The class of the one set of workers in a gateway's ClusterClass, and the name of that set. */
export const workerClass = 'worker';
export const workerSetName = 'md-0';

export interface GatewayClusterInput {
  readonly gatewayName: string;
  /** Without a leading `v`. */
  readonly kubernetesVersion: string;
  readonly os: string;
  readonly controlPlanes: number;
  readonly workers: number;
  /** Where the ClusterClass is; the gateway's own class, which no host cluster uses. */
  readonly clusterClass: { readonly name: string; readonly namespace: string };
  readonly osVariable?: string | undefined;
  readonly podCidrs?: readonly string[] | undefined;
  readonly serviceCidrs?: readonly string[] | undefined;
}

/** The Cluster has the gateway's name and stands in `gatehouse-<gateway>-cluster`. */
export function renderGatewayCluster(input: GatewayClusterInput): KubernetesManifest {
  return {
    apiVersion: 'cluster.x-k8s.io/v1beta2',
    kind: 'Cluster',
    metadata: {
      name: input.gatewayName,
      namespace: gatewayNamespaces(input.gatewayName).cluster,
      labels: { [keys.gateway]: input.gatewayName },
    },
    spec: {
      clusterNetwork: {
        pods: { cidrBlocks: input.podCidrs ?? ['192.168.0.0/16'] },
        services: { cidrBlocks: input.serviceCidrs ?? ['10.128.0.0/12'] },
        serviceDomain: 'cluster.local',
      },
      topology: {
        classRef: { name: input.clusterClass.name, namespace: input.clusterClass.namespace },
        version: `v${input.kubernetesVersion}`,
        controlPlane: { replicas: input.controlPlanes },
        variables: [{ name: input.osVariable ?? defaultOsVariable, value: input.os }],
        ...(input.workers === 0
          ? {}
          : {
              workers: {
                machineDeployments: [{ class: workerClass, name: workerSetName, replicas: input.workers }],
              },
            }),
      },
    },
  };
}

/** Name of the Secret with the kubeconfig that Cluster API writes for a Cluster; its key is `value`. */
export function clusterKubeconfigSecret(clusterName: string): string {
  return `${clusterName}-kubeconfig`;
}
