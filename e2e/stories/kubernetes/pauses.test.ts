/**
 * A tenant, its project and a gateway are paused, each for itself. The platform moves, and no agent does, until an exemption
 * lets one and the end of the last pause lets the other.
 */

import { gatewayNamespaces, objectNames } from '@gatehouse/release/object-names';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../src/cluster-view.ts';
import { items, text } from '../../src/json.ts';
import {
  createRunningGateway,
  eventsOf,
  type KubernetesEnvironment,
  startKubernetesEnvironment,
  waitForGateway,
} from '../../src/kubernetes-environment.ts';
import { profileSource, releaseSource } from '../../src/kubernetes-releases.ts';
import { waitFor } from '../../src/program.ts';

let environment: KubernetesEnvironment;
let exempted: string;
let waiting: string;

const tenant = 'default';
const project = 'default';
const profile = profileSource({ version: '5.0.0', kubernetes: '1.34.1', os: 'ubuntu-22.04' });

beforeAll(async () => {
  environment = await startKubernetesEnvironment(providedKubernetesLab());
  exempted = `exempted-${environment.unique}`;
  waiting = `waiting-${environment.unique}`;
  const agent = await environment.pushAgent('5.0.0');
  await environment.publish(releaseSource({ version: '5.0.0', agent, profile, upgradeFrom: [] }));
  await environment.importReleases();
  for (const name of [exempted, waiting]) await createRunningGateway(environment, name, ['--project', project]);
});

afterAll(async () => {
  for (const name of [exempted, waiting]) await environment?.removeGateway(name);
  await environment?.stop();
});

async function gatehouse(...args: readonly string[]): Promise<string> {
  const done = await environment.plane.gatehouse(args);
  expect(done.exitCode, `gatehouse ${args.join(' ')}\n${done.stderr}`).toBe(0);
  return done.stdout;
}

/** The scopes that `gateway explain` names as paused; an agent that is told nothing waits for nothing else. */
async function pausedScopes(name: string): Promise<readonly string[]> {
  const { reasons } = await environment.plane.client.explainGateway({ params: { gateway: name } });
  expect(new Set(reasons.map(({ code }) => code))).toEqual(new Set(['paused']));
  return reasons
    .map(({ message }) => /paused for the (tenant|project|gateway) /.exec(message)?.[1] ?? message)
    .toSorted((a, b) => a.localeCompare(b));
}

async function hasBegun(name: string): Promise<boolean> {
  return (await eventsOf(environment, name)).some((event) => event.type === 'agent-update-started');
}

/** Until an agent that nobody holds would have begun: its pod has been Ready for a minute, and it has looked since. */
async function waitUntilAgentsMayBegin(): Promise<void> {
  for (const name of [exempted, waiting]) {
    const namespace = gatewayNamespaces(name).agent;
    await waitFor(
      `the agent of ${name} to have been Ready for a minute`,
      async () => {
        const [pod] = await environment.cluster.list(kinds.pod, {
          namespace,
          labels: `app.kubernetes.io/name=${objectNames.agent}`,
        });
        const ready = items(pod, 'status', 'conditions').find((one) => text(one, 'type') === 'Ready');
        return Date.now() - Date.parse(text(ready, 'lastTransitionTime') ?? '') > 65_000 ? true : undefined;
      },
      { timeoutSeconds: 120, everyMilliseconds: 1000 },
    );
  }
  await waitForPolls(20);
}

async function waitForPolls(count: number): Promise<void> {
  const before = environment.polls().length;
  await waitFor(`${count} more polls`, async () => (environment.polls().length >= before + count ? true : undefined), {
    timeoutSeconds: 60,
  });
}

describe('pauses of three scopes, in order', () => {
  it('each scope is paused with its author and reason', async () => {
    await gatehouse('pause', 'set', 'tenant', tenant, '--reason', 'stocktaking');
    await gatehouse('pause', 'set', 'project', project, '--reason', 'fair week', '--until', '24h');
    await gatehouse('pause', 'set', 'gateway', waiting, '--reason', 'cable works');
    const list = await gatehouse('pause', 'list');
    for (const word of ['stocktaking', 'fair week', 'cable works', 'admin']) expect(list).toContain(word);
    const gateway = await environment.plane.client.getGateway({ params: { gateway: waiting } });
    expect(gateway).toMatchObject({ isPaused: true, isCurrent: true, status: 'Running' });
    expect(gateway.pauses.map(({ scope, by, reason }) => [scope.kind, by, reason])).toEqual(
      expect.arrayContaining([
        ['tenant', 'admin', 'stocktaking'],
        ['project', 'admin', 'fair week'],
        ['gateway', 'admin', 'cable works'],
      ]),
    );
  });

  it('the platform moves, and no agent does: every pause that holds is said', async () => {
    const agent = await environment.pushAgent('5.1.0');
    await environment.publish(releaseSource({ version: '5.1.0', agent, profile, upgradeFrom: ['5.0.0'] }));
    await environment.importReleases();
    await gatehouse('platform', 'upgrade', '5.1.0');
    await waitUntilAgentsMayBegin();
    expect(await pausedScopes(exempted)).toEqual(['project', 'tenant']);
    expect(await pausedScopes(waiting)).toEqual(['gateway', 'project', 'tenant']);
    const explanation = await gatehouse('gateway', 'explain', waiting);
    for (const word of ['stocktaking', 'fair week', 'cable works', 'admin']) expect(explanation).toContain(word);
    expect([await hasBegun(exempted), await hasBegun(waiting)]).toEqual([false, false]);
  });

  it('resuming one scope does not resume another', async () => {
    await gatehouse('pause', 'clear', 'project', project);
    expect(await pausedScopes(exempted)).toEqual(['tenant']);
    expect(await pausedScopes(waiting)).toEqual(['gateway', 'tenant']);
    await waitForPolls(10);
    expect([await hasBegun(exempted), await hasBegun(waiting)]).toEqual([false, false]);
  });

  it('an exemption lets one gateway update although its tenant is paused, and only that one', async () => {
    await gatehouse('pause', 'exempt', exempted, '--reason', 'a fix it needs', '--until', '1h');
    await waitFor('the exempted gateway to begin', async () => ((await hasBegun(exempted)) ? true : undefined), {
      timeoutSeconds: 60,
    });
    expect(await hasBegun(waiting)).toBe(false);
    const gateway = await environment.plane.client.getGateway({ params: { gateway: exempted } });
    expect(gateway.exemption).toMatchObject({ by: 'admin', reason: 'a fix it needs' });
    expect(gateway.pauses.map(({ scope }) => scope.kind)).toEqual(['tenant']);
  });

  it('with the tenant resumed, the gateway is still held by its own pause', async () => {
    await gatehouse('pause', 'clear', 'tenant', tenant);
    expect(await pausedScopes(waiting)).toEqual(['gateway']);
    await waitForPolls(10);
    expect(await hasBegun(waiting)).toBe(false);
  });

  it('a pause with an end is over then, and the agent begins by itself', async () => {
    const setAt = Date.now();
    await gatehouse('pause', 'set', 'gateway', waiting, '--reason', 'until the crane has gone', '--until', '10s');
    const begun = await waitFor(
      'the agent to begin',
      async () =>
        (await eventsOf(environment, waiting)).find((event) => event.type === 'agent-update-started') ?? undefined,
      { timeoutSeconds: 60 },
    );
    expect(Date.parse(begun.time) - setAt).toBeGreaterThan(9_000);
    const gateway = await environment.plane.client.getGateway({ params: { gateway: waiting } });
    expect(gateway).toMatchObject({ isPaused: false, pauses: [] });
  });

  it('both come to the new agent, and what was done is in the audit', async () => {
    for (const name of [exempted, waiting]) {
      const isDone = (seen: { isCurrent: boolean; agentVersion?: string }) =>
        seen.isCurrent && seen.agentVersion === '5.1.0' ? true : undefined;
      await waitForGateway(environment, name, 'to be current with its new agent', isDone, 200);
    }
    const { items: records } = await environment.plane.client.listAudit({});
    const actions = records.map(({ action }) => action).filter((action) => /^pause|exempt/.test(action));
    expect(actions.toReversed()).toEqual([
      'pause.set',
      'pause.set',
      'pause.set',
      'pause.clear',
      'pause.exempt',
      'pause.clear',
      'pause.set',
    ]);
  });
});
