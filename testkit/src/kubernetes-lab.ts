/**
 * The Kubernetes that a suite stands on: the cluster that `KUBECONFIG` names, or a lab of our own (see testkit/lab). Where
 * neither can be had it throws and says why; no suite is passed over in silence.
 */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface KubernetesLab {
  readonly kubeconfigPath: string;
  /** Images pushed to `pushUrl` are pulled by pods as `<pullPrefix>/<repository>@<digest>`. */
  readonly registry: { readonly pushUrl: string; readonly pullPrefix: string } | undefined;
  /** One JSON object a line for every write to the API server, there before the writer has its answer. */
  readonly auditLogPath: string | undefined;
  /** Where pods reach what listens on the host. */
  readonly hostAddressFromPods: string | undefined;
  /** Whom pods trust when they reach the host; `makeServerCertificate` signs with it. */
  readonly caPath: string | undefined;
}

export interface StartedKubernetesLab {
  readonly lab: KubernetesLab;
  /** Stops what was started here. A cluster that was there before stays. */
  readonly stop: () => Promise<void>;
}

const labFolder = path.join(import.meta.dirname, '..', 'lab');

export async function startKubernetesLab(wanted: { readonly clusterApi: boolean }): Promise<StartedKubernetesLab> {
  const given = process.env['KUBECONFIG'];
  if (given !== undefined && given !== '') {
    return { lab: givenCluster(given), stop: async () => {} };
  }
  const obstacle = whyNoLab();
  if (obstacle !== undefined) {
    throw new Error(`No Kubernetes to test on: ${obstacle}. Set KUBECONFIG to use a cluster that you have.`);
  }
  await runScript('build.sh');
  const wasUp = await isUp();
  const labFile = await runScript('up.sh', ...(wanted.clusterApi ? ['capi'] : []));
  return {
    lab: readLabFile(labFile),
    stop: async () => {
      if (!wasUp) await runScript('down.sh');
    },
  };
}

/** Signed by the lab's CA, for `hostAddressFromPods`, 127.0.0.1, localhost and the names given (`DNS:…` or `IP:…`). */
export async function makeServerCertificate(
  folder: string,
  names: readonly string[] = [],
): Promise<{ readonly certificatePath: string; readonly keyPath: string }> {
  await runScript('cert.sh', folder, ...names);
  return { certificatePath: path.join(folder, 'tls.crt'), keyPath: path.join(folder, 'tls.key') };
}

function givenCluster(kubeconfigPath: string): KubernetesLab {
  // Somebody who works with the lab by hand has exported its kubeconfig: that is still the lab, with all it has.
  const labFile = path.join(path.dirname(kubeconfigPath), 'lab.json');
  if (existsSync(labFile)) {
    const lab = readLabFile(labFile);
    if (lab.kubeconfigPath === kubeconfigPath) return lab;
  }
  const pushUrl = process.env['GATEHOUSE_TEST_REGISTRY_URL'];
  const pullPrefix = process.env['GATEHOUSE_TEST_REGISTRY_PREFIX'];
  const lab: KubernetesLab = {
    kubeconfigPath,
    registry: pushUrl === undefined || pullPrefix === undefined ? undefined : { pushUrl, pullPrefix },
    auditLogPath: undefined,
    hostAddressFromPods: process.env['GATEHOUSE_TEST_HOST_ADDRESS'],
    caPath: undefined,
  };
  const missing = [
    'who wrote what (no audit log)',
    ...(lab.registry === undefined
      ? ['images (set GATEHOUSE_TEST_REGISTRY_URL and GATEHOUSE_TEST_REGISTRY_PREFIX)']
      : []),
    ...(lab.hostAddressFromPods === undefined
      ? ['pods that reach this machine (set GATEHOUSE_TEST_HOST_ADDRESS)']
      : []),
  ];
  console.error(`Testing on the cluster of ${kubeconfigPath}. What cannot be checked there: ${missing.join('; ')}.`);
  return lab;
}

function whyNoLab(): string | undefined {
  if (process.platform !== 'linux')
    return `KUBECONFIG is not set, and a lab runs only on Linux, not on ${process.platform}`;
  if (process.getuid?.() !== 0) return 'KUBECONFIG is not set, and a lab can be started only by root';
  return undefined;
}

/** Whether somebody has a lab running, who would miss it if we stopped it. */
async function isUp(): Promise<boolean> {
  return (await runScript('up.sh', 'status')) === 'up';
}

function readLabFile(file: string): KubernetesLab {
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const text = (object: unknown, name: string): string => {
    const found: unknown = typeof object === 'object' && object !== null ? Reflect.get(object, name) : undefined;
    if (typeof found !== 'string') throw new Error(`${file} does not say ${name}`);
    return found;
  };
  const registry: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'registry') : undefined;
  return {
    kubeconfigPath: text(value, 'kubeconfigPath'),
    registry: { pushUrl: text(registry, 'pushUrl'), pullPrefix: text(registry, 'pullPrefix') },
    auditLogPath: text(value, 'auditLogPath'),
    hostAddressFromPods: text(value, 'hostAddressFromPods'),
    caPath: text(value, 'caPath'),
  };
}

/** What it says on the way is passed on: a cold build takes many minutes. Returns what it printed as its result. */
function runScript(name: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(labFolder, name), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let lastWords = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text);
      lastWords = (lastWords + text).slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output.trim());
      else reject(new Error(`testkit/lab/${name} failed (${code ?? 'killed'}): ${lastWords.trim()}`));
    });
  });
}
