/** The connection of a pod to its own cluster, from what Kubernetes puts into every pod. `node:` modules only. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ClusterUnreachable } from '../cluster.ts';
import type { KubernetesConnection } from './request.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Throws when this is no pod: nothing else can give an agent its cluster. */
export async function inClusterConnection(environment: Environment): Promise<KubernetesConnection> {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'];
  if (host === undefined || port === undefined) {
    throw new Error('KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is not a pod in a cluster');
  }
  const folder = environment['GATEHOUSE_ACCOUNT_FOLDER'] ?? accountFolder;
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ca: await readFile(path.join(folder, 'ca.crt'), 'utf8'),
    token: () => readToken(path.join(folder, 'token')),
  };
}

/** Read each time: the kubelet replaces it about once an hour. */
async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new ClusterUnreachable(`the account's token ${file} could not be read`, { cause: error });
  }
}

/** The namespace of this pod; throws when the Deployment did not say it. */
export function ownNamespace(environment: Environment): string {
  const namespace = environment['POD_NAMESPACE'];
  if (namespace === undefined || namespace === '') throw new Error('POD_NAMESPACE is not set');
  return namespace;
}
