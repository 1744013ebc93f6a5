/**
 * The platform goes from 3.4.9 to 4.2.7, and no release names its edges: the way is 4.0, 4.1, 4.2, and each hop waits for
 * the last gateway. One gateway is held by a pause and holds the hop; a release on the way is recalled and its agent leaves
 * the fleet; the gateway that stayed behind is walked along the legal stops.
 */

import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createRunningGateway,
  eventsOf,
  type KubernetesEnvironment,
  shortTimings,
  startKubernetesEnvironment,
  waitForGateway,
} from '../../src/kubernetes-environment.ts';
import { profileSource, releaseSource } from '../../src/kubernetes-releases.ts';
import { type Finished, waitFor } from '../../src/program.ts';

let environment: KubernetesEnvironment;
let prompt: string;
let late: string;

const profile = profileSource({ version: '3.4.9', kubernetes: '1.34.1', os: 'ubuntu-22.04' });
const target = '4.2.7';
/** With short spans an agent update takes about 30 s; a walk has two. */
const updateSeconds = 180;

beforeAll(async () => {
  environment = await startKubernetesEnvironment(providedKubernetesLab());
  prompt = `prompt-${environment.unique}`;
  late = `late-${environment.unique}`;
  await publish('3.4.9');
  await environment.importReleases();
  const more = { timings: shortTimings };
  await Promise.all([prompt, late].map((name) => createRunningGateway(environment, name, [], more)));
  for (const version of ['4.0.3', '4.1.5', target]) await publish(version);
  await environment.importReleases();
});

afterAll(async () => {
  for (const name of [prompt, late]) await environment?.removeGateway(name);
  await environment?.stop();
});

async function publish(version: string): Promise<void> {
  const agent = await environment.pushAgent(version);
  await environment.publish(releaseSource({ version, agent, profile }));
}

async function gatehouse(...args: readonly string[]): Promise<Finished> {
  return environment.plane.gatehouse(args);
}

async function done(...args: readonly string[]): Promise<string> {
  const finished = await gatehouse(...args);
  expect(finished.exitCode, `gatehouse ${args.join(' ')}\n${finished.stdout}${finished.stderr}`).toBe(0);
  return finished.stdout;
}

async function untilAgentIs(name: string, version: string): Promise<void> {
  const isThere = (seen: { agentVersion?: string }) => (seen.agentVersion === version ? true : undefined);
  await waitForGateway(environment, name, `to run agent ${version}`, isThere, updateSeconds);
}

async function untilPlatformIs(version: string): Promise<void> {
  await waitFor(
    `the platform to be on ${version}`,
    async () => ((await environment.plane.client.getPlatform({})).version === version ? true : undefined),
    { timeoutSeconds: 60, explain: () => environment.plane.program.output().slice(-3000) },
  );
}

/** Of agent updates that were settled: which version, when. */
async function settledAt(name: string, version: string): Promise<number> {
  const events = await eventsOf(environment, name);
  const settled = events.find((event) => event.type === 'agent-update-settled' && event.message.includes(version));
  expect(settled, JSON.stringify(events.map(({ type, message }) => [type, message]))).toBeDefined();
  return Date.parse(settled?.time ?? '');
}

async function hopTakenAt(version: string): Promise<number> {
  const { plan } = await environment.plane.client.getPlatform({});
  return Date.parse(plan?.hops.find(({ to }) => to === version)?.takenAt ?? '');
}

describe('a platform upgrade of three hops, in order', () => {
  it('is planned by the rule of thumb, with what each hop brings', async () => {
    const plan = await done('platform', 'plan', target);
    expect(
      [...plan.matchAll(/^\d+\. (\S+) → (\S+) {3}\(by the rule of thumb\)$/gm)].map(([, from, to]) => [from, to]),
    ).toEqual([
      ['3.4.9', '4.0.3'],
      ['4.0.3', '4.1.5'],
      ['4.1.5', target],
    ]);
    expect(plan).toContain('3.4.9 → 4.0.3');
    expect(await done('platform', 'plan', target, '-o', 'name')).toBe(`4.0.3\n4.1.5\n${target}\n`);
  });

  it('is held before its second hop by the one gateway whose updates are paused, named with the pause', async () => {
    await done('pause', 'set', 'gateway', late, '--reason', 'cable works');
    await done('platform', 'upgrade', target);
    await untilPlatformIs('4.0.3');
    await untilAgentIs(prompt, '4.0.3');
    const status = await waitFor(
      'only the paused gateway to hold the hop',
      async () => {
        const text = await done('platform', 'status');
        return text.includes(prompt) ? undefined : text;
      },
      { timeoutSeconds: 60, everyMilliseconds: 1000 },
    );
    expect(status).toContain('held before hop 2');
    for (const word of [late, 'cable works', 'admin']) expect(status).toContain(word);
    const again = await gatehouse('platform', 'upgrade', target);
    expect(again.exitCode, again.stdout + again.stderr).toBe(4);
    expect(again.stderr).toContain(late);
    expect((await environment.plane.client.getPlatform({})).version).toBe('4.0.3');
  });

  it('takes the hop when the last gateway is current, and not before', async () => {
    await done('pause', 'clear', 'gateway', late);
    await waitFor(
      `${late} to begin its update`,
      async () =>
        (await eventsOf(environment, late)).some(({ type }) => type === 'agent-update-started') ? true : undefined,
      { timeoutSeconds: 60 },
    );
    // What has begun finishes; from the next version on it is held again.
    await done('pause', 'set', 'gateway', late, '--reason', 'stocktaking');
    await untilAgentIs(late, '4.0.3');
    await untilPlatformIs('4.1.5');
    const hop = await hopTakenAt('4.1.5');
    for (const name of [prompt, late]) expect(hop).toBeGreaterThan(await settledAt(name, '4.0.3'));
    await untilAgentIs(prompt, '4.1.5');
  });

  it('leaves a recalled version, also through a pause of the gateway that the operator names', async () => {
    await done('pause', 'set', 'gateway', prompt, '--reason', 'month end');
    await publish('4.1.6');
    const { keysDirectory, repositoryDirectory } = environment.publisher;
    const reason = 'it forgets its certificates';
    const folders = ['--keys', keysDirectory, '--repository', repositoryDirectory];
    await done('release', 'recall', '4.1.5', '--reason', reason, ...folders);
    await environment.importReleases();
    const list = await done('release', 'list');
    for (const word of ['4.1.5', reason]) expect(list).toContain(word);
    // The hop to the next good version waits for no gateway: nobody can be current for a recalled one.
    await untilPlatformIs(target);
    expect((await environment.plane.client.getGateway({ params: { gateway: prompt } })).agentVersion).toBe('4.1.5');
    const explanation = await done('gateway', 'explain', prompt);
    for (const word of ['4.1.5', reason, 'month end']) expect(explanation).toContain(word);

    await done('release', 'recall', '4.1.5', '--reason', reason, '--even-if-paused', prompt);
    await untilAgentIs(prompt, target);
    const gateway = await environment.plane.client.getGateway({ params: { gateway: prompt } });
    expect(gateway.isPaused).toBe(true);
  });

  it('walks the gateway that stayed behind along the legal stops, and only then is done', async () => {
    const before = (await environment.plane.client.getPlatform({})).plan;
    expect(before).toMatchObject({ state: 'held', to: target });
    const explanation = await done('gateway', 'explain', late);
    for (const word of ['stocktaking', '4.1.6', target]) expect(explanation).toContain(word);
    await done('pause', 'clear', 'gateway', late);
    await untilAgentIs(late, target);
    const plan = await waitFor(
      'the plan to be done',
      async () => {
        const { plan: seen } = await environment.plane.client.getPlatform({});
        return seen?.state === 'done' ? seen : undefined;
      },
      { timeoutSeconds: 90, explain: () => environment.plane.program.output().slice(-3000) },
    );
    const agents = (await eventsOf(environment, late)).filter(({ type }) => type === 'agent-update-settled');
    expect(agents.map(({ message }) => /Agent (\S+)/.exec(message)?.[1])).toEqual(['4.0.3', '4.1.6', target]);
    expect(Date.parse(plan.endedAt ?? '')).toBeGreaterThan(await settledAt(late, target));
    const { items: records } = await environment.plane.client.listAudit({});
    const hops = records.filter(({ action }) => action === 'platform.hop').map(({ subjectName }) => subjectName);
    expect(hops.toReversed()).toEqual(['4.0.3', '4.1.5', target]);
  });
});
