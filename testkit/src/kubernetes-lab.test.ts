import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startKubernetesLab } from './kubernetes-lab.ts';

let folder: string;
let kubeconfigPath: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-lab-test-'));
  kubeconfigPath = path.join(folder, 'admin.kubeconfig');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

test("somebody's own cluster is used, and what cannot be checked there is said in one line", async () => {
  vi.stubEnv('KUBECONFIG', kubeconfigPath);
  const said = vi.spyOn(console, 'error').mockReturnValue();
  const { lab } = await startKubernetesLab({ clusterApi: true });
  expect(lab).toEqual({ kubeconfigPath });
  expect(said.mock.calls).toEqual([
    [expect.stringMatching(/cannot be checked there: .*audit log.*; images .*; pods .*\.$/)],
  ]);
});

test('a registry and an address that are given for it are taken', async () => {
  vi.stubEnv('KUBECONFIG', kubeconfigPath);
  vi.stubEnv('GATEHOUSE_TEST_REGISTRY_URL', 'http://localhost:5001');
  vi.stubEnv('GATEHOUSE_TEST_REGISTRY_PREFIX', 'kind-registry:5000');
  vi.stubEnv('GATEHOUSE_TEST_HOST_ADDRESS', '172.18.0.1');
  vi.spyOn(console, 'error').mockReturnValue();
  const { lab } = await startKubernetesLab({ clusterApi: true });
  expect(lab).toEqual({
    kubeconfigPath,
    registry: { pushUrl: 'http://localhost:5001', pullPrefix: 'kind-registry:5000' },
    hostAddressFromPods: '172.18.0.1',
  });
});

test('the kubeconfig of a lab that was started by hand brings all that the lab has', async () => {
  const facts = {
    kubeconfigPath,
    auditLogPath: '/lab/audit.log',
    caPath: '/lab/ca.crt',
    hostAddressFromPods: '10.85.0.1',
    registry: { pushUrl: 'http://127.0.0.1:5010', pullPrefix: 'registry.lab.invalid' },
  };
  await writeFile(path.join(folder, 'lab.json'), JSON.stringify(facts));
  vi.stubEnv('KUBECONFIG', kubeconfigPath);
  const said = vi.spyOn(console, 'error').mockReturnValue();
  const { lab } = await startKubernetesLab({ clusterApi: true });
  expect(lab).toEqual(facts);
  expect(said).not.toHaveBeenCalled();
});

test('where no cluster is given and none can be started, it says so instead of passing over the suites', async () => {
  vi.stubEnv('KUBECONFIG', '');
  vi.spyOn(process, 'getuid').mockReturnValue(1000);
  await expect(startKubernetesLab({ clusterApi: true })).rejects.toThrow(
    /^No Kubernetes to test on: KUBECONFIG is not set, and a lab .* Set KUBECONFIG to use a cluster that you have\.$/,
  );
});
