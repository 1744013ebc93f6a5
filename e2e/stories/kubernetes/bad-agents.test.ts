/**
 * Three agents that must not become the agent: one that cannot be pulled, one that exits at its start, and one that
 * behaves in its rehearsal and exits only in place. Each on a control plane of its own, since a platform whose gateway is not
 * current goes no further.
 */

import { gatewayNamespaces, objectNames } from '@gatehouse/release/object-names';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AgentBehaviour,
  type AgentImage,
  lastExitCode,
  lastWords,
  pushAgentImage,
} from '../../src/agent-images.ts';
import { kinds } from '../../src/cluster-view.ts';
import { items, number, text } from '../../src/json.ts';
import {
  createRunningGateway,
  eventsOf,
  type KubernetesEnvironment,
  pauseOfPollsMax,
  startKubernetesEnvironment,
  waitForGateway,
} from '../../src/kubernetes-environment.ts';
import { profileSource, releaseSource } from '../../src/kubernetes-releases.ts';
import { waitFor } from '../../src/program.ts';
import { actingPolls, longestPause, missedPolls } from '../../src/recorded-polls.ts';

const profile = profileSource({ version: '5.0.0', kubernetes: '1.34.1', os: 'ubuntu-22.04' });
/** The promise: the true reason is told so soon after the swap, or after the update could begin. */
const promisedSeconds = 210;

const undo: (() => Promise<void>)[] = [];
let good: AgentImage;
const bad = new Map<AgentBehaviour, AgentImage>();

// Before any gateway runs: what takes this process long would look like a poll that is late.
beforeAll(async () => {
  const { registry } = providedKubernetesLab();
  if (registry === undefined) throw new Error('The stories need a registry; see what was printed at the start.');
  good = await pushAgentImage({ registry, version: '5.0.0', behaviour: 'works' });
  for (const behaviour of ['cannot-be-pulled', 'exits-at-start', 'exits-in-place'] as const) {
    bad.set(behaviour, await pushAgentImage({ registry, version: '5.1.0', behaviour }));
  }
});
afterAll(async () => {
  for (const step of undo.toReversed()) await step();
});

interface Site {
  readonly environment: KubernetesEnvironment;
  readonly name: string;
  readonly namespace: string;
  /** When the platform moved. */
  readonly movedAt: number;
}

/** A running gateway whose platform has just moved to a release with that agent. */
async function siteWithUpdateTo(behaviour: AgentBehaviour): Promise<Site> {
  const environment = await startKubernetesEnvironment(providedKubernetesLab());
  const name = `site-${environment.unique}`;
  undo.push(environment.stop, () => environment.removeGateway(name));
  await environment.publish(releaseSource({ version: '5.0.0', agent: good, profile, upgradeFrom: [] }));
  await environment.importReleases();
  await createRunningGateway(environment, name);
  const agent = bad.get(behaviour);
  if (agent === undefined) throw new Error(`no image ${behaviour} was pushed`);
  await environment.publish(releaseSource({ version: '5.1.0', agent, profile, upgradeFrom: ['5.0.0'] }));
  await environment.importReleases();
  const movedAt = performance.now();
  const upgrade = await environment.plane.gatehouse(['platform', 'upgrade', '5.1.0']);
  expect(upgrade.exitCode, upgrade.stderr).toBe(0);
  return { environment, name, namespace: gatewayNamespaces(name).agent, movedAt };
}

/** The running agent: which pod, how often it was started, and which template its Deployment has. */
async function theAgent({ environment, namespace }: Site): Promise<unknown> {
  const deployment = await environment.cluster.find(kinds.deployment, objectNames.agent, namespace);
  const labels = `app.kubernetes.io/name=${objectNames.agent}`;
  const pods = await environment.cluster.list(kinds.pod, { namespace, labels });
  const [container] = items(deployment, 'spec', 'template', 'spec', 'containers');
  return {
    image: text(container, 'image'),
    pods: pods
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map((pod) => ({
        uid: pod.metadata.uid,
        restarts: items(pod, 'status', 'containerStatuses').map((status) => number(status, 'restartCount')),
      })),
  };
}

async function eventOf({ environment, name }: Site, type: string): Promise<string> {
  return waitFor(
    `the event ${type} of ${name}`,
    async () => (await eventsOf(environment, name)).find((event) => event.type === type)?.message,
    { timeoutSeconds: promisedSeconds, everyMilliseconds: 500 },
  );
}

async function expectNoPollMissed(
  { environment, movedAt }: Site,
  annotate: (message: string) => Promise<unknown>,
): Promise<void> {
  await annotate(`longest pause of polls ${Math.round(longestPause(actingPolls(environment.polls(), movedAt)))} ms`);
  expect(missedPolls(environment.polls(), { since: movedAt, max: pauseOfPollsMax })).toEqual([]);
}

/** Long enough for the agent to look many times: nothing begins. */
async function expectNoOtherTry(site: Site): Promise<void> {
  const { environment, name } = site;
  const polls = environment.polls().length;
  await waitFor('fifteen more polls', async () => (environment.polls().length >= polls + 15 ? true : undefined), {
    timeoutSeconds: 60,
  });
  const started = (await eventsOf(environment, name)).filter((event) => event.type === 'agent-update-started');
  expect(started).toHaveLength(1);
  expect(await environment.cluster.find(kinds.job, objectNames.rehearsal, site.namespace)).toBeUndefined();
}

async function explanationOf({ environment, name }: Site): Promise<string> {
  const { exitCode, stdout } = await environment.plane.gatehouse(['gateway', 'explain', name]);
  expect(exitCode).toBe(0);
  return stdout;
}

describe.concurrent('an agent that must not become the agent', () => {
  it.for([
    { behaviour: 'cannot-be-pulled', reason: /not found/ },
    { behaviour: 'exits-at-start', reason: new RegExp(`exit code ${lastExitCode}.*${lastWords}`, 's') },
  ] as const)(
    '$behaviour: the rehearsal finds it, and the running agent is undisturbed',
    async ({ behaviour, reason }, { annotate }) => {
      const site = await siteWithUpdateTo(behaviour);
      const before = await theAgent(site);
      expect(await eventOf(site, 'agent-rehearsal-failed')).toMatch(reason);
      const explanation = await explanationOf(site);
      expect(explanation).toMatch(reason);
      expect(explanation).toContain(`gatehouse agent-update retry ${site.name}`);
      await expectNoOtherTry(site);
      expect(await theAgent(site)).toEqual(before);
      // Never swapped: the Deployment is as the guard made it.
      const deployment = await site.environment.cluster.find(kinds.deployment, objectNames.agent, site.namespace);
      expect(deployment?.metadata.generation).toBe(1);
      await expectNoPollMissed(site, annotate);

      const retry = await site.environment.plane.gatehouse(['agent-update', 'retry', site.name]);
      expect(retry.exitCode, retry.stderr).toBe(0);
      await waitFor(
        'the second try, which a person asked for, to fail too',
        async () => {
          const events = await eventsOf(site.environment, site.name);
          return events.filter(({ type }) => type === 'agent-rehearsal-failed').length === 2 ? true : undefined;
        },
        { timeoutSeconds: 90, everyMilliseconds: 500 },
      );
    },
  );

  it('exits-in-place: it is swapped in and taken back in time, with the true reason', async ({ annotate }) => {
    const site = await siteWithUpdateTo('exits-in-place');
    const { environment, name, namespace } = site;
    const before = await theAgent(site);
    const message = await eventOf(site, 'agent-update-taken-back');
    expect(message).toContain(`exit code ${lastExitCode}`);
    expect(message).toContain(lastWords);
    expect(await explanationOf(site)).toContain(lastWords);

    // The swap made the second ReplicaSet; from then on the time runs.
    const replicaSets = await environment.cluster.list(kinds.replicaSet, { namespace });
    const made = replicaSets
      .filter(({ metadata }) => metadata.name.startsWith(`${objectNames.agent}-`))
      .map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ''));
    expect(made).toHaveLength(2);
    const gateway = await waitForGateway(
      environment,
      name,
      'to have taken it back',
      (seen) => (seen.takenBack.length > 0 && seen.agentUpdate?.phase === 'taken-back' ? seen : undefined),
      30,
    );
    const tookMilliseconds = Date.parse(gateway.takenBack[0]?.at ?? '') - Math.max(...made);
    await annotate(`taken back ${tookMilliseconds} ms after the swap`);
    expect(tookMilliseconds).toBeLessThan(promisedSeconds * 1000);
    expect(gateway).toMatchObject({ agentVersion: '5.0.0', status: 'Running', isCurrent: false });
    expect(gateway.agentUpdate?.reason).toMatchObject({ exitCode: lastExitCode });

    await waitFor(
      'the bad pod to be gone, and the old one to be as it was',
      async () => (JSON.stringify(await theAgent(site)) === JSON.stringify(before) ? true : undefined),
      { timeoutSeconds: 90, everyMilliseconds: 500 },
    );
    await expectNoOtherTry(site);
    await expectNoPollMissed(site, annotate);
  });
});
