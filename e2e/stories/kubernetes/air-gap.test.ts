/**
 * A site that no network leads to but its own: releases and images come in one file. Nobody but that file has the images
 * under the name that the releases give them, and the gateway takes its new agent from the registry that its operator names.
 */

import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gatewayNamespaces, objectNames } from '@gatehouse/release/object-names';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../src/cluster-view.ts';
import { items, text } from '../../src/json.ts';
import {
  createRunningGateway,
  type KubernetesEnvironment,
  shortTimings,
  startKubernetesEnvironment,
  waitForGateway,
} from '../../src/kubernetes-environment.ts';
import { profileSource, releaseSource } from '../../src/kubernetes-releases.ts';

let environment: KubernetesEnvironment;
let folder: string;
let name: string;
/** The registry that the releases name; it is nowhere. */
const publisher = 'registry.publisher.invalid';
const mirror = `mirror-${randomBytes(3).toString('hex')}`;
const profile = profileSource({ version: '6.0.0', kubernetes: '1.34.1', os: 'ubuntu-22.04' });
const lab = providedKubernetesLab();

beforeAll(async () => {
  environment = await startKubernetesEnvironment(lab);
  folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-air-gap-'));
  name = `sealed-${environment.unique}`;
});

afterAll(async () => {
  if (name !== undefined) await environment?.removeGateway(name);
  await environment?.stop();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

async function done(...args: readonly string[]): Promise<string> {
  const finished = await environment.plane.gatehouse(args);
  expect(finished.exitCode, `gatehouse ${args.join(' ')}\n${finished.stdout}${finished.stderr}`).toBe(0);
  return finished.stdout;
}

/** As the publisher does it, who has the images. */
async function bundle(version: string, upgradeFrom: readonly string[]): Promise<string> {
  const pushed = await environment.pushAgent(version);
  const repository = pushed.repository.replace(/^[^/]+/, publisher);
  await environment.publish(releaseSource({ version, agent: { ...pushed, repository }, profile, upgradeFrom }));
  const file = path.join(folder, `${version}.gatehouse`);
  await done(
    'release',
    'bundle',
    environment.publisher.repositoryDirectory,
    '--to',
    file,
    '--version',
    version,
    ...atLab('--images-from'),
  );
  return file;
}

/** The lab's registry as this machine reaches it. */
function atLab(flag: string, inside = ''): readonly string[] {
  const url = new URL(lab.registry?.pushUrl ?? '');
  return [flag, `${url.host}${inside}`, ...(url.protocol === 'http:' ? ['--plain-http'] : [])];
}

async function imageOf(deployment: string): Promise<string> {
  const { agent } = gatewayNamespaces(name);
  const found = await environment.cluster.find(kinds.deployment, deployment, agent);
  const [container] = items(found, 'spec', 'template', 'spec', 'containers');
  return text(container, 'image') ?? '';
}

describe('a site without a way out, in order', () => {
  it('takes releases and images from one file, and installs a gateway from its own registry', async () => {
    const file = await bundle('6.0.0', []);
    await done('release', 'import', file, ...atLab('--images-to', `/${mirror}`));
    const prefix = `${lab.registry?.pullPrefix}/${mirror}`;
    await createRunningGateway(environment, name, ['--registry-prefix', prefix], { timings: shortTimings });
    for (const deployment of [objectNames.agent, objectNames.guard]) {
      expect(await imageOf(deployment)).toMatch(new RegExp(`^${prefix}/gatehouse/agent@sha256:`));
    }
  });

  it('brings the next version in the next file, and the gateway updates itself from it', async () => {
    const file = await bundle('6.1.0', ['6.0.0']);
    await done('release', 'import', file, ...atLab('--images-to', `/${mirror}`));
    await done('platform', 'upgrade', '6.1.0');
    await waitForGateway(
      environment,
      name,
      'to be current with the new agent',
      (seen) => (seen.isCurrent && seen.agentVersion === '6.1.0' ? true : undefined),
      180,
    );
    expect(await imageOf(objectNames.agent)).toContain(`/${mirror}/gatehouse/agent@sha256:`);
  });

  it('takes nothing from a file that was changed on its way', async () => {
    const file = await bundle('6.2.0', ['6.1.0']);
    const bytes = await readFile(file);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const refused = await environment.plane.gatehouse([
      'release',
      'import',
      file,
      ...atLab('--images-to', `/${mirror}`),
    ]);
    expect(refused.exitCode, refused.stdout).toBe(4);
    expect(await done('release', 'list', '-o', 'name')).not.toContain('6.2.0');
  });
});
