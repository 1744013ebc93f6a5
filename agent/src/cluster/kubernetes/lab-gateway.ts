/**
 * For tests on a real Kubernetes: a gateway from the real install manifest, in namespaces of its own, and the way to act
 * there as one of its accounts. What those lack in rights then fails in the tests too.
 */

import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type InstallManifestInput, renderInstallManifest } from '@gatehouse/release/install-manifest';
import type { KubernetesManifest } from '@gatehouse/release/kubernetes-object';
import { type GatewayNamespaces, gatewayNamespaces } from '@gatehouse/release/object-names';
import { asAccount } from './account-token.ts';
import { parseKubeconfig } from './kubeconfig.ts';
import { connectKubernetesApi, type KubernetesApi } from './kubernetes-api.ts';
import { createObjectStore, type ObjectStore, parseObject } from './objects.ts';
import type { KubernetesConnection } from './request.ts';

/** With the rights of whoever the kubeconfig belongs to: of an administrator. */
export interface Lab {
  readonly connection: KubernetesConnection;
  readonly api: KubernetesApi;
  readonly objects: ObjectStore;
}

export async function openLab(kubeconfigPath: string): Promise<Lab> {
  const connection = parseKubeconfig(await readFile(kubeconfigPath, 'utf8'));
  const api = connectKubernetesApi(connection);
  return { connection, api, objects: createObjectStore(api) };
}

export interface LabGateway {
  readonly name: string;
  readonly namespaces: GatewayNamespaces;
  /** A connection with that account of the gateway. */
  as(account: string, namespace?: string): KubernetesConnection;
  uninstall(): Promise<void>;
}

/** Everything of the install manifest but the settings and the guard's Deployment, whose image would be the test's to run. */
export async function installLabGateway(
  lab: Lab,
  installation: InstallManifestInput['gateway']['installation'],
): Promise<LabGateway> {
  const name = `t${randomUUID().slice(0, 8)}`;
  const namespaces = gatewayNamespaces(name);
  const manifest = renderInstallManifest({
    gateway: { id: randomUUID(), name, installation, provider: 'vsphere' },
    server: { url: 'https://gatehouse.example' },
    rootJson: '{}',
    agent: { version: '4.1.12', repository: 'registry.example/agent', digest: `sha256:${'0'.repeat(64)}` },
  });
  const objects = manifest.filter(({ kind }) => kind !== 'Deployment' && kind !== 'ConfigMap');
  await applyAll(lab, objects);
  return {
    name,
    namespaces,
    as: (account, namespace = namespaces.agent) => asAccount(lab, { namespace, name: account }),
    async uninstall() {
      for (const { apiVersion, kind, metadata } of objects.toReversed()) {
        if (metadata.namespace !== undefined) continue; // Goes with its namespace.
        await lab.objects.deleteObject({ apiVersion, kind, name: metadata.name });
      }
    },
  };
}

/** Throws with the API server's words when one is refused. */
export async function applyAll(lab: Lab, objects: readonly KubernetesManifest[]): Promise<void> {
  for (const object of objects) {
    const result = await lab.objects.applyObject(parseObject(JSON.parse(JSON.stringify(object))), { dryRun: false });
    if (result !== 'written') throw new Error(`${object.kind} ${object.metadata.name}: ${JSON.stringify(result)}`);
  }
}

/** Asks until the answer is not undefined; fails with `what` after that many seconds. */
export async function waitFor<T>(what: string, seconds: number, read: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + seconds * 1_000;
  for (;;) {
    const found = await read();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`not seen within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
