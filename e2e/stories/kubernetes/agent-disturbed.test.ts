/**
 * A gateway on a real Kubernetes whose agent is disturbed at every step of its updates: the installation is applied again,
 * its Lease deleted, its pods evicted, its Deployment deleted, paused, and set by hand.
 */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gatewayNamespaces, objectNames } from '@gatehouse/release/object-names';
import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentImage } from '../../src/agent-images.ts';
import { condition, kinds } from '../../src/cluster-view.ts';
import { items, text } from '../../src/json.ts';
import {
  createRunningGateway,
  eventsOf,
  type KubernetesEnvironment,
  shortTimings,
  startKubernetesEnvironment,
  waitForGateway,
} from '../../src/kubernetes-environment.ts';
import { profileSource, releaseSource } from '../../src/kubernetes-releases.ts';
import { waitFor } from '../../src/program.ts';
import { actingPolls } from '../../src/recorded-polls.ts';

const profile = profileSource({ version: '5.0.0', kubernetes: '1.34.1', os: 'ubuntu-22.04' });
const versions = ['5.0.0', '5.1.0', '5.2.0', '5.3.0', '5.4.0', '5.5.0'] as const;
const rounds = faultRounds({ whole: 2, short: 1 });
if (rounds < 2) console.error('GATEHOUSE_FAULT_ROUNDS=short: the acting pod is not evicted.');

let environment: KubernetesEnvironment;
let name: string;
let namespace: string;
let manifest: string;
const images = new Map<string, AgentImage>();

beforeAll(async () => {
  environment = await startKubernetesEnvironment(providedKubernetesLab());
  for (const version of versions) images.set(version, await environment.pushAgent(version));
  await publish('5.0.0', []);
  await environment.importReleases();
  name = `site-${environment.unique}`;
  namespace = gatewayNamespaces(name).agent;
  const { afterInterruption, ownPodReadyBefore } = shortTimings.agentUpdate;
  const timings = { agentUpdate: { afterInterruption, ownPodReadyBefore, watch: 12_000 } };
  let printed: readonly string[] = [];
  const onCommands = (commands: readonly string[]) => {
    printed = commands;
  };
  await createRunningGateway(environment, name, [], { timings, onCommands });
  manifest = await saveManifest(printed);
});
afterAll(async () => {
  await environment?.removeGateway(name);
  await environment?.stop();
});

async function publish(version: string, upgradeFrom: readonly string[]): Promise<void> {
  const agent = images.get(version);
  if (agent === undefined) throw new Error(`no image of ${version}`);
  await environment.publish(releaseSource({ version, agent, profile, upgradeFrom }));
}

let current: (typeof versions)[number] = '5.0.0';
/** To the next release; returns its version. */
async function movePlatform(): Promise<string> {
  const from = current;
  const to = versions[versions.indexOf(from) + 1];
  if (to === undefined) throw new Error(`no release after ${from}`);
  current = to;
  await publish(to, [from]);
  await environment.importReleases();
  const upgrade = await environment.plane.gatehouse(['platform', 'upgrade', to]);
  expect(upgrade.exitCode, upgrade.stderr).toBe(0);
  return to;
}

/** What the first command applies, kept in a file as a tool for deployment keeps it. */
async function saveManifest([command = '']: readonly string[]): Promise<string> {
  const url = new URL(/'(https:[^']+)'/.exec(command)?.[1] ?? '');
  const answer = await fetch(new URL(url.pathname, environment.plane.server));
  expect(answer.status).toBe(200);
  const file = path.join(environment.plane.directory, 'manifest.yaml');
  await writeFile(file, await answer.text());
  return file;
}

const ok = async (args: readonly string[]): Promise<string> => {
  const done = await environment.kubectl(args);
  expect(done.exitCode, `kubectl ${args.join(' ')}: ${done.stderr}`).toBe(0);
  return done.stdout;
};
const inNamespace = (...args: string[]) => ok(['-n', namespace, ...args]);

async function attempt(): Promise<{ readonly phase: string; readonly to: string } | undefined> {
  const map = await environment.cluster.find(kinds.configMap, objectNames.state, namespace);
  const written = text(map, 'data', 'attempt');
  const value: unknown = written === undefined ? undefined : JSON.parse(written);
  const phase = text(value, 'phase');
  return phase === undefined ? undefined : { phase, to: text(value, 'to', 'version') ?? '' };
}

async function podsOf(version: string) {
  const labels = `app.kubernetes.io/name=${objectNames.agent}`;
  const pods = await environment.cluster.list(kinds.pod, { namespace, labels });
  const digest = images.get(version)?.digest ?? '';
  return pods.filter((pod) => items(pod, 'spec', 'containers').some((one) => text(one, 'image')?.endsWith(digest)));
}

/** In order; a step is what is there when it is first seen, so none is missed that lasts for a look. */
const steps = {
  'the attempt has begun': async (to: string) => (await attempt())?.to === to,
  'it has swapped': async (to: string) => (await podsOf(to)).length > 0,
  'the new one is Ready': async (to: string) => (await podsOf(to)).some((pod) => condition(pod, 'Ready') === 'True'),
  'the new one has taken over': async (to: string) => actingPolls(environment.polls()).at(-1)?.agentVersion === to,
} satisfies Record<string, (to: string) => Promise<boolean>>;
type Step = keyof typeof steps;

const reach = (step: Step, to: string) =>
  waitFor(`${to}: ${step}`, async () => ((await steps[step](to)) ? true : undefined), {
    timeoutSeconds: 180,
    everyMilliseconds: 200,
  });

/** The update is done, and nothing that was done on the way was blamed on the version. */
async function settled(to: string): Promise<void> {
  const gateway = await waitForGateway(
    environment,
    name,
    `to be current with agent ${to}`,
    (seen) => (seen.isCurrent && seen.agentVersion === to && seen.health === 'healthy' ? seen : undefined),
    420,
  );
  expect(gateway.takenBack).toEqual([]);
}

/** By what came to the control plane: one sender after the other, and none comes back. */
function expectOneAtATime(since: number): void {
  const polls = actingPolls(environment.polls(), since);
  const numbers = polls.map((poll) => poll.handOverNumber);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  const senders = polls.map((poll) => `${poll.handOverNumber} ${poll.from}`);
  const turns = senders.filter((sender, index) => sender !== senders[index - 1]);
  expect(turns).toEqual([...new Set(turns)]);
}

const interruptions = async (to: string) =>
  (await eventsOf(environment, name)).filter(
    ({ type, message }) => type === 'agent-update-interrupted' && message.includes(to),
  );

async function evict(pod: string): Promise<void> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
  const done = await environment.kubectl(
    ['create', '--raw', `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`, '-f', '-'],
    JSON.stringify(body),
  );
  expect(done.exitCode, done.stderr).toBe(0);
}

async function holderPod(): Promise<string> {
  return (
    (await inNamespace('get', 'lease', objectNames.lease, '-o', 'jsonpath={.spec.holderIdentity}')).split('/')[0] ?? ''
  );
}

describe('the agent of a gateway, in order', () => {
  it('updates while its installation is applied again and its Lease is deleted at every step', async () => {
    const since = performance.now();
    const to = await movePlatform();
    for (const step of Object.keys(steps).filter((one): one is Step => one in steps)) {
      await reach(step, to);
      await ok(['apply', '-f', manifest]);
      await ok(['apply', '--server-side', '--force-conflicts', '-f', manifest]);
      await inNamespace('delete', 'lease', objectNames.lease, '--ignore-not-found');
    }
    await settled(to);
    expectOneAtATime(since);
    expect(await interruptions(to)).toEqual([]);
  });

  it.runIf(rounds > 1)('updates while its acting pod is evicted at every step', async ({ annotate }) => {
    const since = performance.now();
    const to = await movePlatform();
    for (const step of Object.keys(steps).filter((one): one is Step => one in steps)) {
      await reach(step, to);
      const pod = await holderPod();
      if (pod !== '') await evict(pod);
    }
    await settled(to);
    expectOneAtATime(since);
    await annotate(`interrupted: ${(await interruptions(to)).map(({ message }) => message).join(' | ')}`);
  });

  it('says who has paused its Deployment or set its image, and goes on when they let go', async () => {
    await inNamespace('rollout', 'pause', 'deployment', objectNames.agent);
    const paused = await movePlatform();
    await waitForGateway(
      environment,
      name,
      'to be held by a pause',
      ({ reasons }) => reasons.find(({ message }) => /paused by kubectl-rollout/.test(message)),
      120,
    );
    await inNamespace('rollout', 'resume', 'deployment', objectNames.agent);
    await settled(paused);

    const older = images.get('5.0.0');
    await inNamespace('set', 'image', `deployment/${objectNames.agent}`, `agent=${older?.repository}@${older?.digest}`);
    const set = await movePlatform();
    await waitForGateway(
      environment,
      name,
      'to be held by an image',
      ({ reasons }) => reasons.find(({ message }) => /set by kubectl-set/.test(message)),
      120,
    );
    await inNamespace('delete', 'deployment', objectNames.agent);
    await settled(set);
  });

  it('says who has set an image that never runs when the new agent has just taken over', async () => {
    const to = await movePlatform();
    await reach('the new one has taken over', to);
    const never = `agent=${images.get(to)?.repository}@sha256:${'0'.repeat(64)}`;
    await inNamespace('set', 'image', `deployment/${objectNames.agent}`, never);
    await waitForGateway(
      environment,
      name,
      'to be held by an image that never runs',
      ({ reasons }) => reasons.find(({ message }) => /set by kubectl-set/.test(message)),
      120,
    );
    await inNamespace('delete', 'deployment', objectNames.agent);
    await settled(to);
  });
});
