/**
 * The suite of expectations over a real Kubernetes. Each test has its own gateway namespace from the real install
 * manifest, and acts with the guard's and the agent's own accounts: what they lack would fail here.
 */

import { parsePlatformVersion } from '@gatehouse/domain/version';
import { objectNames } from '@gatehouse/release/object-names';
import { type BehavingImage, pushBehavingImages } from '@gatehouse/testkit/behaving-images';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { beforeAll } from 'vitest';
import type { AgentCluster } from '../cluster.ts';
import { type ClusterOwner, describeCluster, type TestImage, type TestImages } from '../cluster-expectations.ts';
import { createKubernetesCluster } from './connect.ts';
import type { KubernetesApi } from './kubernetes-api.ts';
import { installLabGateway, type Lab, openLab, waitFor } from './lab-gateway.ts';

let lab: Lab;
let images: TestImages;

beforeAll(async () => {
  const { kubeconfigPath, registry } = providedKubernetesLab();
  if (registry === undefined) throw new Error('these tests push images; the cluster has no registry for them');
  lab = await openLab(kubeconfigPath);
  const pushed = await pushBehavingImages(registry);
  images = {
    well: testImage('4.1.12', pushed.well),
    alsoWell: testImage('4.2.7', pushed['also-well']),
    exitsAtStart: testImage('4.2.8', pushed['exits-at-start']),
    hangs: testImage('4.2.9', pushed.hangs),
    crashesWhenReady: testImage('4.2.10', pushed['crashes-when-ready']),
    missing: testImage('4.2.11', { ...pushed.well, digest: `sha256:${'0'.repeat(64)}` }),
  };
});

function testImage(text: string, { repository, digest }: BehavingImage): TestImage {
  const version = parsePlatformVersion(text);
  if (version === undefined) throw new TypeError(text);
  return { release: { version, digest }, repository };
}

describeCluster('a real Kubernetes', async () => {
  const gateway = await installLabGateway(lab, 'existing-cluster');
  const namespace = gateway.namespaces.agent;
  const agent = createKubernetesCluster({ connection: gateway.as(objectNames.agent), namespace });
  const guard: AgentCluster = createKubernetesCluster({ connection: gateway.as(objectNames.guard), namespace });
  return {
    // Only the guard may make the Deployment.
    cluster: {
      ...agent,
      applyDeployment: (order) =>
        order.resourceVersion === undefined ? guard.applyDeployment(order) : agent.applyDeployment(order),
    },
    images,
    owner: ownerOf(lab.api, namespace),
    waitFor,
    dispose: gateway.uninstall,
  };
});

function ownerOf(api: KubernetesApi, namespace: string): ClusterOwner {
  const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/${objectNames.agent}`;
  return {
    async pauseDeployment(isPaused) {
      await api.merge(deployment, { spec: { paused: isPaused } });
    },
    async deleteDeployment() {
      await api.remove(deployment);
    },
    async deletePod(name) {
      await api.remove(`/api/v1/namespaces/${namespace}/pods/${name}`);
    },
    async setImage(image, fieldManager) {
      const value = `${image.repository}@${image.release.digest}`;
      const answer = await api.ask({
        method: 'PATCH',
        path: deployment,
        query: { fieldManager },
        patch: 'json',
        body: [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value }],
      });
      if (answer.status !== 200) throw new Error(`the image could not be set: ${answer.status}`);
    },
    async limitPods(count) {
      const path = `/api/v1/namespaces/${namespace}/resourcequotas/pods`;
      const hard = { pods: String(count) };
      await api.apply(
        path,
        { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'pods' }, spec: { hard } },
        {},
      );
      // It refuses nothing until its controller has counted.
      await waitFor('the quota is counted', 30, async () => {
        const { status } = (await api.get(path)) ?? {};
        return status === undefined || JSON.stringify(status) === '{}' ? undefined : true;
      });
    },
  };
}
