/** The Kubernetes that Cluster API runs in, as `gateway install` writes to it: server-side apply, and nothing else. */

import type { KubernetesManifest } from '@gatehouse/release/kubernetes-object';
import { fieldManager, keys } from '@gatehouse/release/object-names';
import { ApiException, KubeConfig, KubernetesObjectApi, PatchStrategy } from '@kubernetes/client-node';
import { exitCodes, Failure, usageFailure } from './failure.ts';

export interface ManagementCluster {
  readonly server: string;
  /** Makes the object or brings it to this form. Ends with a `Failure` that carries the API server's own words. */
  readonly apply: (object: KubernetesManifest) => Promise<void>;
  readonly exists: (object: KubernetesManifest) => Promise<boolean>;
  /** The id of the gateway that the namespace was made for; undefined when it is not there, or nobody's. */
  readonly gatewayOfNamespace: (name: string) => Promise<string | undefined>;
}

export function openManagementCluster(kubeconfig: string, context: string | undefined): ManagementCluster {
  const config = new KubeConfig();
  try {
    config.loadFromFile(kubeconfig);
  } catch (error) {
    throw usageFailure(`${kubeconfig} is not a kubeconfig: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (context !== undefined) config.setCurrentContext(context);
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw usageFailure(`${kubeconfig} names no cluster to use.`, 'Set a current context in it, or give --context.');
  const api = KubernetesObjectApi.makeApiClient(config);
  return {
    server: cluster.server,
    apply: async (object) => {
      try {
        await api.patch(object, undefined, undefined, fieldManager, true, PatchStrategy.ServerSideApply);
      } catch (error) {
        throw failureOfWrite(object, cluster.server, error);
      }
    },
    gatewayOfNamespace: async (name) => {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      try {
        const found = await api.read(namespace);
        return found.metadata?.annotations?.[keys.gatewayId];
      } catch (error) {
        if (error instanceof ApiException && error.code === 404) return undefined;
        throw failureOfWrite(namespace, cluster.server, error);
      }
    },
    exists: async (object) => {
      try {
        const { name, namespace } = object.metadata;
        await api.read({
          apiVersion: object.apiVersion,
          kind: object.kind,
          metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
        });
        return true;
      } catch (error) {
        if (error instanceof ApiException && error.code === 404) return false;
        throw failureOfWrite(object, cluster.server, error);
      }
    },
  };
}

function failureOfWrite(object: KubernetesManifest, server: string, error: unknown): Failure {
  const what = `${object.kind} ${object.metadata.namespace === undefined ? '' : `${object.metadata.namespace}/`}${object.metadata.name}`;
  if (error instanceof ApiException)
    return new Failure(exitCodes.failed, [`${server} refused ${what}: ${messageOf(error.body)}`]);
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('Unrecognized API version and kind')) {
    return new Failure(exitCodes.failed, [
      `${server} does not know ${object.apiVersion} ${object.kind}.`,
      'Is Cluster API installed there, with its CRDs of v1beta2?',
    ]);
  }
  return new Failure(exitCodes.failed, [`${server} could not be asked for ${what}: ${message}`]);
}

function messageOf(body: unknown): string {
  const value: unknown = typeof body === 'string' ? parsed(body) : body;
  if (typeof value === 'object' && value !== null && 'message' in value) return String(value.message);
  return String(body);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // A proxy's page; shown as it is.
  }
}
