/**
 * A gateway on a cluster that somebody else keeps: two printed commands make it run, its agent replaces itself when the
 * platform moves, and neither a repeated installation nor a kill disturbs that.
 */

import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gatewayNamespaces, objectNames } from '@gatehouse/release/object-names';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds, type LeaseChange } from '../../src/cluster-view.ts';
import { items, member, number, text } from '../../src/json.ts';
import {
  type KubernetesEnvironment,
  pauseOfPollsMax,
  startKubernetesEnvironment,
  waitForGateway,
} from '../../src/kubernetes-environment.ts';
import { profileSource, releaseSource } from '../../src/kubernetes-releases.ts';
import { waitFor } from '../../src/program.ts';
import { actingPolls, longestPause, missedPolls } from '../../src/recorded-polls.ts';

let environment: KubernetesEnvironment;
let name: string;
let namespace: string;
let commands: readonly string[];

// The owner keeps Kubernetes, network and storage, so the profile is the same in both and counts for nothing here.
const profile = profileSource({ version: '5.0.0', kubernetes: '1.34.1', os: 'ubuntu-22.04' });

beforeAll(async () => {
  environment = await startKubernetesEnvironment(providedKubernetesLab());
  name = `site-a-${environment.unique}`;
  namespace = gatewayNamespaces(name).agent;
  const agent = await environment.pushAgent('5.0.0');
  await environment.publish(releaseSource({ version: '5.0.0', agent, profile, upgradeFrom: [] }));
  await environment.importReleases();
});

afterAll(async () => {
  await environment?.removeGateway(name);
  await environment?.stop();
});

/** In milliseconds: how long nobody held the Lease, each time that it changed hands. */
function handOvers(changes: readonly LeaseChange[]): readonly number[] {
  return changes.flatMap(({ holder, at }, index) => {
    const before = changes[index - 1];
    return holder !== '' && before?.holder === '' ? [at - before.at] : [];
  });
}

/** What runs there: each Deployment's pods are to be like, and the pods that are there. */
async function running(): Promise<unknown> {
  const deployments = await environment.cluster.list(kinds.deployment, { namespace });
  const pods = await environment.cluster.list(kinds.pod, { namespace });
  return {
    deployments: Object.fromEntries(
      deployments.map((one) => [one.metadata.name, { uid: one.metadata.uid, spec: member(one, 'spec') }]),
    ),
    pods: new Set(pods.map((one) => one.metadata.uid)),
  };
}

async function agentPods(): Promise<readonly string[]> {
  const labels = `app.kubernetes.io/name=${objectNames.agent}`;
  const pods = await environment.cluster.list(kinds.pod, { namespace, labels });
  return pods.flatMap(({ metadata }) => (metadata.deletionTimestamp === undefined ? [metadata.name] : []));
}

describe('a gateway on an existing cluster, in order', () => {
  it('gateway create prints two commands, and the gateway is Pending', async () => {
    const { plane } = environment;
    const created = await plane.gatehouse(['gateway', 'create', name, '--installation', 'existing-cluster']);
    expect(created.exitCode, created.stderr).toBe(0);
    commands = created.stdout.trimEnd().split('\n');
    expect(commands).toEqual([expect.stringMatching(/^kubectl apply /), expect.stringMatching(/^kubectl /)]);
    expect(created.stderr).toMatch(/fingerprint/);
    const { status, health } = await plane.client.getGateway({ params: { gateway: name } });
    expect({ status, health }).toEqual({ status: 'Pending', health: 'unknown' });
  });

  it('exactly these two, in order, make it Running', async () => {
    for (const command of commands) {
      const done = await environment.shell(command);
      expect(done.exitCode, `${command}\n${done.stderr}`).toBe(0);
    }
    const gateway = await waitForGateway(
      environment,
      name,
      'to be Running with its first agent',
      (seen) => (seen.isCurrent && seen.health === 'healthy' ? seen : undefined),
      90,
    );
    expect(gateway).toMatchObject({ status: 'Running', agentVersion: '5.0.0', reasons: [] });
    expect(gateway.nodes.length).toBeGreaterThan(0);
  });

  it('a profile update is offered nowhere, and it is said why', async () => {
    const { plane } = environment;
    const gateway = await plane.client.getGateway({ params: { gateway: name } });
    expect(gateway).toMatchObject({ updatesAvailable: false, profileKeptByOwner: true });
    for (const verb of ['show', 'diff'] as const) {
      const refused = await plane.gatehouse(['profile-update', verb, name]);
      expect(refused.exitCode).toBe(4);
      expect(refused.stderr).toContain('owner');
    }
    const body = { planId: `sha256:${'0'.repeat(64)}` };
    const confirmation = plane.client.confirmProfileUpdate({ params: { gateway: name }, body });
    await expect(confirmation).rejects.toMatchObject({ problem: { code: 'existing-cluster', status: 409 } });
  });

  it('applying the manifest again, in whatever way, changes nothing that runs', async () => {
    const before = await running();
    const url = /'(https:[^']+)'/.exec(commands[0] ?? '')?.[1] ?? '';
    for (const flags of ['', '--server-side --force-conflicts']) {
      const applied = await environment.shell(`kubectl apply ${flags} -f '${url}'`);
      expect(applied.exitCode, applied.stderr).toBe(0);
    }
    expect(await running()).toEqual(before);
  });

  it('the platform moves, and the agent replaces itself: no poll missed, never two acting, none for a second', async ({
    annotate,
  }) => {
    const { plane } = environment;
    const manifest = await manifestOfNow();
    const agent = await environment.pushAgent('5.1.0');
    await environment.publish(releaseSource({ version: '5.1.0', agent, profile, upgradeFrom: ['5.0.0'] }));
    await environment.importReleases();
    const lease = await environment.cluster.watchLease(namespace);
    const begun = performance.now();
    const upgrade = await plane.gatehouse(['platform', 'upgrade', '5.1.0']);
    expect(upgrade.exitCode, upgrade.stderr).toBe(0);
    await waitForGateway(
      environment,
      name,
      'the new agent to have taken over',
      (seen) => (seen.agentVersion === '5.1.0' ? true : undefined),
      240,
    );
    // In the midst of the attempt, as a tool that applies again and again would.
    const applied = await environment.kubectl(['apply', '--server-side', '--force-conflicts', '-f', manifest]);
    expect(applied.exitCode, applied.stderr).toBe(0);
    await waitForGateway(
      environment,
      name,
      'the new agent to be settled',
      (seen) => (seen.isCurrent && seen.agentUpdate?.phase === 'settled' ? true : undefined),
      120,
    );
    lease.stop();

    const polls = actingPolls(environment.polls(), begun);
    expect(polls.map((poll) => poll.handOverNumber)).toEqual(
      polls.map((poll) => poll.handOverNumber).toSorted((a, b) => a - b),
    );
    const versions = polls.map((poll) => poll.agentVersion);
    expect(versions).toEqual([
      ...versions.filter((version) => version === '5.0.0'),
      ...versions.filter((version) => version === '5.1.0'),
    ]);
    expect(new Set(versions)).toEqual(new Set(['5.0.0', '5.1.0']));
    // From one pod and then from the other; who has stopped does not come back.
    const senders = polls.map((poll) => poll.from).filter((from, index, all) => from !== all[index - 1]);
    expect(senders).toEqual([...new Set(senders)]);
    expect(environment.polls().filter((poll) => poll.isTrial && poll.status === 200).length).toBeGreaterThan(0);
    expect(missedPolls(environment.polls(), { since: begun, max: pauseOfPollsMax })).toEqual([]);

    const changes = lease.changes();
    expect(new Set(changes.map(({ holder }) => holder)).size).toBe(3);
    expect(handOvers(changes)).toHaveLength(1);
    expect(Math.max(...handOvers(changes))).toBeLessThan(1000);
    await annotate(
      `longest pause of polls ${Math.round(longestPause(polls))} ms, hand-over ${handOvers(changes).map(Math.round).join()} ms`,
    );
    const [, ...later] = changes;
    // It is let go before it is taken: no holder ever follows another one at once.
    expect(
      later.filter(({ holder }, index) => {
        const before = changes[index]?.holder ?? '';
        return holder !== '' && before !== '' && holder !== before;
      }),
    ).toEqual([]);
  });

  it('the events tell of one update, begun and settled', async () => {
    const { items: events } = await environment.plane.client.listGatewayEvents({ params: { gateway: name } });
    const types = events.map((event) => event.type).filter((type) => type.startsWith('agent-'));
    expect(types.filter((type) => type === 'agent-update-started')).toHaveLength(1);
    expect(types.filter((type) => type === 'agent-update-settled')).toHaveLength(1);
    expect(types.filter((type) => /taken-back|failed|interrupted/.test(type))).toEqual([]);
  });

  it('the manifest of the first day, applied once more, does not bring the old agent back', async () => {
    const before = await agentPods();
    const applied = await environment.kubectl([
      'apply',
      '--server-side',
      '--force-conflicts',
      '-f',
      await manifestOfNow(),
    ]);
    expect(applied.exitCode, applied.stderr).toBe(0);
    expect(await agentPods()).toEqual(before);
    const deployment = await environment.cluster.find(kinds.deployment, objectNames.agent, namespace);
    expect(JSON.stringify(deployment?.metadata.annotations)).toContain('5.1.0');
  });

  it('20 s after the acting agent is killed, an agent acts again', async ({ annotate }) => {
    const [pod = ''] = await agentPods();
    const polls = actingPolls(environment.polls());
    const killedAt = performance.now();
    await killAgent(pod);
    const next = await waitFor(
      'a poll after the kill',
      async () =>
        actingPolls(environment.polls(), killedAt + 1500).find(
          (poll) => poll.handOverNumber > (polls.at(-1)?.handOverNumber ?? 0),
        ),
      { timeoutSeconds: 60, everyMilliseconds: 100 },
    );
    await annotate(`acts ${Math.round(next.arrivedAt - killedAt)} ms after the kill`);
    expect(next.arrivedAt - killedAt).toBeLessThan(20_000);
  });

  it('gateway delete ends it, and leaves the trust that it was installed with', async () => {
    const { plane } = environment;
    const before = await plane.client.getGateway({ params: { gateway: name } });
    const deleted = await plane.gatehouse(['gateway', 'delete', name, '--yes']);
    expect(deleted.exitCode, deleted.stderr).toBe(0);
    const { id } = before;
    await waitForGateway(
      environment,
      id,
      'to be Deleted',
      ({ status }) => (status === 'Deleted' ? true : undefined),
      60,
    );
    expect((await plane.gatehouse(['gateway', 'get', name])).exitCode).toBe(3);
    expect(await environment.cluster.find(kinds.configMap, objectNames.trust, namespace)).toBeDefined();
  });
});

let savedManifest: string | undefined;
/** What the first command applies, kept in a file as a tool for deployment would keep it. */
async function manifestOfNow(): Promise<string> {
  if (savedManifest !== undefined) return savedManifest;
  const url = new URL(/'(https:[^']+)'/.exec(commands[0] ?? '')?.[1] ?? '');
  const answer = await fetch(new URL(url.pathname, environment.plane.server));
  expect(answer.status).toBe(200);
  savedManifest = path.join(environment.plane.directory, 'manifest.yaml');
  await writeFile(savedManifest, await answer.text());
  return savedManifest;
}

/** Kills the process if it runs on this machine, as in the lab; elsewhere the pod is deleted without grace. */
async function killAgent(pod: string): Promise<void> {
  const found = await environment.cluster.find(kinds.pod, pod, namespace);
  const [status] = items(found, 'status', 'containerStatuses');
  const containerId = text(status, 'containerID')?.replace(/^.*:\/\//, '') ?? '';
  const pid = containerId === '' ? undefined : await processOfContainer(containerId);
  if (pid !== undefined) {
    process.kill(pid, 'SIGKILL');
    await waitFor(
      'the killed container to be seen',
      async () => {
        const now = items(await environment.cluster.find(kinds.pod, pod, namespace), 'status', 'containerStatuses')[0];
        return number(now, 'restartCount') > number(status, 'restartCount') ? true : undefined;
      },
      { timeoutSeconds: 30, everyMilliseconds: 200 },
    );
    return;
  }
  const deleted = await environment.kubectl(['-n', namespace, 'delete', 'pod', pod, '--grace-period=0', '--force']);
  expect(deleted.exitCode, deleted.stderr).toBe(0);
}

async function processOfContainer(containerId: string): Promise<number | undefined> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    // One that has ended meanwhile is none that we look for.
    const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    if (groups.includes(containerId)) return Number(pid);
  }
  return undefined;
}
