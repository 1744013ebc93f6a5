/** The connection that a kubeconfig's current context names. Loaded only where a kubeconfig has to be read. */

import { KubeConfig } from '@kubernetes/client-node';
import type { KubernetesConnection } from './request.ts';

/**
 * Throws when it names no cluster. Certificates and tokens must stand in the text itself, as Cluster API writes it: a
 * kubeconfig from a Secret must not make the agent run a program or read a file.
 */
export function parseKubeconfig(text: string): KubernetesConnection {
  const config = new KubeConfig();
  config.loadFromString(text);
  const cluster = config.getCurrentCluster();
  const user = config.getCurrentUser();
  if (cluster === null) throw new Error('the kubeconfig has no current cluster');
  if (cluster.skipTLSVerify) throw new Error('the kubeconfig switches off the check of the server certificate');
  const { token } = user ?? {};
  return {
    server: cluster.server,
    ca: decode(cluster.caData),
    ...(cluster.tlsServerName === undefined ? {} : { serverName: cluster.tlsServerName }),
    ...(user?.certData === undefined || user.keyData === undefined
      ? {}
      : { clientCertificate: { certificate: decode(user.certData) ?? '', key: decode(user.keyData) ?? '' } }),
    ...(token === undefined || token === '' ? {} : { token: () => Promise.resolve(token) }),
  };
}

function decode(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('utf8');
}
