/** What preflight reads, over an API server and a registry that answer as the test says. */

import { type KubernetesVersion, parseKubernetesVersion } from '@gatehouse/domain/version';
import { afterEach, describe, expect, it } from 'vitest';
import { type FakeAnswer, type FakeApiServer, startFakeApiServer } from '../kubernetes/fake-api-server.ts';
import { connectKubernetesApi } from '../kubernetes/kubernetes-api.ts';
import { parseNodeVersion } from '../kubernetes/nodes.ts';
import { checkImage } from './image-check.ts';
import { createProfileCluster } from './profile-cluster.ts';

let server: FakeApiServer | undefined;
const serve = async (answers: Readonly<Record<string, unknown>>): Promise<FakeApiServer> => {
  server = await startFakeApiServer(({ url }): FakeAnswer => {
    const body = answers[url.split('?')[0] ?? ''];
    return body === undefined ? { status: 404 } : { status: 200, body };
  });
  return server;
};
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const version = (text: string): KubernetesVersion => {
  const parsed = parseKubernetesVersion(text);
  if (parsed === undefined) throw new TypeError(text);
  return parsed;
};
const serving = (...groupVersions: readonly string[]) => ({
  '/apis': { groups: groupVersions.map((groupVersion) => ({ versions: [{ groupVersion }] })) },
});
const profileOf = ({ connection }: FakeApiServer, registryPrefix?: string) => {
  const api = connectKubernetesApi(connection);
  return createProfileCluster({
    roller: api,
    packs: api,
    managed: () => Promise.resolve(api),
    cluster: { name: 'site-b', namespace: 'site' },
    osVariable: 'osImage',
    registryPrefix,
  });
};

describe('disruption budgets', () => {
  const budget = (name: string, disruptionsAllowed: number, expectedPods: number) => ({
    metadata: { namespace: 'apps', name },
    status: { disruptionsAllowed, expectedPods },
  });

  it('block when they guard pods and allow no disruption', async () => {
    const items = [budget('tight', 0, 2), budget('loose', 1, 2), budget('empty', 0, 0)];
    const fake = await serve({ ...serving('policy/v1'), '/apis/policy/v1/poddisruptionbudgets': { items } });
    expect(await profileOf(fake).listBlockingBudgets()).toEqual(['apps/tight']);
  });

  it('are none where there is no such API', async () => {
    expect(await profileOf(await serve(serving('apps/v1'))).listBlockingBudgets()).toEqual([]);
  });
});

describe('removed APIs', () => {
  const flowschemas = '/apis/flowcontrol.apiserver.k8s.io/v1beta3/flowschemas';
  const object = (manager: string, apiVersion: string) => ({ metadata: { managedFields: [{ manager, apiVersion }] } });
  const beta3 = 'flowcontrol.apiserver.k8s.io/v1beta3';
  const answers = {
    ...serving(beta3),
    [flowschemas]: {
      items: [object('helm', beta3), object('helm', beta3), object('kubectl', 'flowcontrol.apiserver.k8s.io/v1')],
    },
    '/apis/flowcontrol.apiserver.k8s.io/v1beta3/prioritylevelconfigurations': {
      items: [object('api-priority-and-fairness-config-producer-v1', beta3)],
    },
  };

  it('are those the target no longer serves and somebody wrote with', async () => {
    expect(await profileOf(await serve(answers)).listRemovedApis(version('1.32.1'))).toEqual([
      'flowcontrol.apiserver.k8s.io/v1beta3 flowschemas: 2 written by helm',
    ]);
  });

  it('do not count before the minor that removes them', async () => {
    expect(await profileOf(await serve(answers)).listRemovedApis(version('1.31.9'))).toEqual([]);
  });

  it('are none where the API server does not serve them', async () => {
    expect(await profileOf(await serve(serving('apps/v1'))).listRemovedApis(version('1.35.0'))).toEqual([]);
  });
});

describe('an image', () => {
  const digest = `sha256:${'a'.repeat(64)}`;

  it('is reachable when the registry has its manifest', async () => {
    const { host } = await serve({ [`/v2/gatehouse/pack/manifests/${digest}`]: {} });
    expect(await checkImage(`${host}/gatehouse/pack@${digest}`, undefined)).toMatchObject({ isReachable: true });
  });

  it('is looked for where the registry prefix says', async () => {
    const { host, asked } = await serve({ [`/v2/proxy/gatehouse/pack/manifests/${digest}`]: {} });
    const check = await checkImage(`registry.example/gatehouse/pack@${digest}`, `${host}/proxy`);
    expect(check).toMatchObject({ image: `registry.example/gatehouse/pack@${digest}`, isReachable: true });
    expect(asked.map(({ method }) => method)).toEqual(['HEAD']);
  });

  it('is not reachable when the registry says that it has none', async () => {
    const { host } = await serve({});
    const check = await checkImage(`${host}/gatehouse/pack@${digest}`, undefined);
    expect(check).toMatchObject({ isReachable: false, message: `${host} has no ${host}/gatehouse/pack@${digest}` });
  });

  it.each([
    ['nobody answers', `127.0.0.1:1/gatehouse/pack@${digest}`],
    ['it is named by a tag', 'registry.example/pack:1.0'],
  ])('is unknown when %s', async (_, image) => {
    expect((await checkImage(image, undefined)).isReachable).toBe('unknown');
  });

  it('is applied as it was looked for: with the registry prefix', async () => {
    const pods = { resources: [{ name: 'pods', kind: 'Pod', namespaced: true }] };
    const fake = await serve({ '/api/v1': pods, '/api/v1/namespaces/apps/pods/one': {} });
    const pod = (image: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'one', namespace: 'apps' },
      spec: { containers: [{ name: 'one', image }] },
    });
    const profile = profileOf(fake, 'mirror.example/proxy');
    await profile.applyObject(pod(`registry.example/gatehouse/pack@${digest}`), { dryRun: false });
    const applied: unknown = JSON.parse(fake.asked.at(-1)?.body ?? '');
    expect(applied).toEqual(pod(`mirror.example/proxy/gatehouse/pack@${digest}`));
  });
});

describe('a node’s version', () => {
  it.each([
    ['v1.33.5', '1.33.5'],
    ['v1.33.5+k3s1', '1.33.5'],
    ['v1.33.5-eks-1a2b', '1.33.5'],
    ['1.33', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('of %s is %s', (text, expected) => {
    expect(parseNodeVersion(text)).toBe(expected);
  });
});
