/**
 * A stranger's first look: `npm start`, three sandbox gateways, one platform upgrade, agents that update by themselves,
 * a profile update that is shown, confirmed and followed to its end.
 */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../src/control-plane.ts';
import { waitFor } from '../src/program.ts';

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(async () => {
  await plane?.stop();
});

async function gateways(): Promise<readonly Gateway[]> {
  const { exitCode, stdout, stderr } = await plane.gatehouse(['gateway', 'list', '-o', 'json']);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  const list = JSON.parse(stdout) as { items: Gateway[] };
  return list.items;
}

async function waitForGateways(
  what: string,
  isSo: (gateway: Gateway) => boolean,
  timeoutSeconds = 120,
): Promise<readonly Gateway[]> {
  let last: readonly Gateway[] = [];
  return waitFor(
    what,
    async () => {
      last = await gateways();
      return last.every(isSo) ? last : undefined;
    },
    {
      timeoutSeconds,
      everyMilliseconds: 1000,
      explain: () => JSON.stringify(last, undefined, 1) + plane.program.output(),
    },
  );
}

describe('a first look, in order', () => {
  let cliGateway: string;
  let smallGateway: string;
  let ownersGateway: string;

  it('three sandbox gateways run the platform version 4.1.12 a short while after the start', async () => {
    const list = await waitForGateways(
      'three running gateways on 4.1.12',
      (gateway) => gateway.status === 'Running' && gateway.agentVersion === '4.1.12',
    );
    expect(
      list
        .map(({ installation, controlPlanes, isSandbox }) => ({ installation, controlPlanes, isSandbox }))
        .toSorted((a, b) => a.installation.localeCompare(b.installation) || b.controlPlanes - a.controlPlanes),
    ).toEqual([
      { installation: 'cli', controlPlanes: 3, isSandbox: true },
      { installation: 'cli', controlPlanes: 1, isSandbox: true },
      { installation: 'existing-cluster', controlPlanes: expect.any(Number), isSandbox: true },
    ]);
    const named = (isIt: (gateway: Gateway) => boolean) => list.find(isIt)?.name ?? '';
    cliGateway = named((gateway) => gateway.installation === 'cli' && gateway.controlPlanes === 3);
    smallGateway = named((gateway) => gateway.installation === 'cli' && gateway.controlPlanes === 1);
    ownersGateway = named((gateway) => gateway.installation === 'existing-cluster');
  });

  it('the table has the columns an operator looks for', async () => {
    const { stdout } = await plane.gatehouse(['gateway', 'list']);
    const [head = '', ...rows] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^NAME\s+INSTALLATION\s+PROVIDER\s+STATUS\s+AGENT VERSION\s+PROFILE/);
    expect(rows).toHaveLength(3);
  });

  it('an unknown version and a downgrade are refused with the reason and exit code 4', async () => {
    const unknown = await plane.gatehouse(['platform', 'upgrade', '9.9.9']);
    expect(unknown.exitCode).toBe(3);
    expect(unknown.stderr).toContain('9.9.9');
    const same = await plane.gatehouse(['platform', 'upgrade', '4.1.12']);
    expect(same.exitCode).toBe(4);
    expect(same.stderr).toContain('4.1.12');
  });

  it('the platform moves to 4.2.7 once every gateway is current, and every agent follows by itself', async () => {
    await waitForGateways('current gateways', (gateway) => gateway.isCurrent);
    const upgrade = await plane.gatehouse(['platform', 'upgrade', '4.2.7']);
    expect(upgrade.stderr).toBe('');
    expect(upgrade.exitCode).toBe(0);
    // The new agent acts as soon as it is ready; its update is settled after a watch time.
    await waitForGateways(
      'settled agents on 4.2.7',
      ({ agentVersion, agentUpdate }) => agentVersion === '4.2.7' && agentUpdate?.phase === 'settled',
      180,
    );
    const { stdout } = await plane.gatehouse(['gateway', 'events', ownersGateway, '-o', 'json']);
    const events = (JSON.parse(stdout) as { items: { type: string }[] }).items.map((event) => event.type);
    expect(events.filter((type) => type === 'agent-update-settled')).toHaveLength(1);
  });

  it('the existing cluster is current now and is offered no profile update', async () => {
    const gateway = await waitFor(
      'the existing cluster to be current',
      async () => (await gateways()).find((one) => one.name === ownersGateway && one.isCurrent),
      { timeoutSeconds: 30 },
    );
    expect(gateway).toMatchObject({ updatesAvailable: false, profileKeptByOwner: true });
    const diff = await plane.gatehouse(['profile-update', 'diff', ownersGateway]);
    expect(diff.exitCode).toBe(4);
    expect(diff.stderr).toContain('owner');
  });

  it('the two others wait for a person, and say so', async () => {
    await waitForGateways(
      'profile updates available',
      (gateway) => gateway.installation !== 'cli' || gateway.updatesAvailable,
    );
    const explain = await plane.gatehouse(['gateway', 'explain', cliGateway]);
    expect(explain.stdout).toContain('4.2.7');
    expect(explain.stdout).toContain('confirm');
  });

  it('a platform upgrade is refused now, naming each gateway that is not current', async () => {
    const refused = await plane.gatehouse(['platform', 'upgrade', '4.2.7']);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain('4.2.7');
  });

  it('the difference shows both sides, masks secrets and names the repaved nodes', async () => {
    const diff = await plane.gatehouse(['profile-update', 'diff', cliGateway]);
    expect(diff.exitCode).toBe(0);
    expect(diff.stdout).toContain('Current Configuration');
    expect(diff.stdout).toContain('Pending Configuration');
    expect(diff.stdout).toMatch(/kubernetes/i);
    expect(diff.stdout).toContain('planId');
  });

  it('a confirmation without a terminal needs the plan that was seen', async () => {
    const without = await plane.gatehouse(['profile-update', 'confirm', cliGateway]);
    expect(without.exitCode).toBe(2);
    const wrong = await plane.gatehouse([
      'profile-update',
      'confirm',
      cliGateway,
      '--plan',
      `sha256:${'0'.repeat(64)}`,
      '--yes',
    ]);
    expect(wrong.exitCode).toBe(4);
  });

  it('a confirmed profile update ends with `all control planes are updated`, once, and is completed', async () => {
    for (const name of [cliGateway, smallGateway]) {
      const shown = await plane.gatehouse(['profile-update', 'show', name, '-o', 'json']);
      const { planId } = JSON.parse(shown.stdout) as { planId: string };
      const confirmed = await plane.gatehouse(['profile-update', 'confirm', name, '--plan', planId, '--yes']);
      expect(confirmed.stderr).toBe('');
      expect(confirmed.stdout).toMatch(/^Confirmed\. Starts with the next poll(, by .+)?$/m);
      expect(confirmed.exitCode).toBe(0);
    }
    const follow = plane.startGatehouse(['gateway', 'events', cliGateway, '--follow']);
    try {
      await follow.waitForOutput('all control planes are updated', 150);
      await follow.waitForOutput('profile update completed', 60);
    } finally {
      await follow.stop();
    }
    await waitForGateways('current gateways', (gateway) => gateway.isCurrent, 180);
    for (const name of [cliGateway, smallGateway]) {
      const { stdout } = await plane.gatehouse(['gateway', 'events', name, '-o', 'json']);
      const messages = (JSON.parse(stdout) as { items: { message: string }[] }).items.map((event) => event.message);
      expect(messages.filter((message) => message === 'all control planes are updated')).toHaveLength(1);
      expect(messages.filter((message) => message === 'profile update completed')).toHaveLength(1);
    }
  });

  it('what a person did is in the audit', async () => {
    const { stdout } = await plane.gatehouse(['audit', 'list', '-o', 'json']);
    const actions = (JSON.parse(stdout) as { items: { action: string }[] }).items.map((record) => record.action);
    expect(actions.filter((action) => action === 'profile-update.confirm')).toHaveLength(2);
    expect(actions.filter((action) => action === 'platform.upgrade')).toHaveLength(1);
  });

  it('a real gateway is refused on a sandbox control plane, with the next step', async () => {
    const refused = await plane.gatehouse([
      'gateway',
      'create',
      'site-a',
      '--installation',
      'existing-cluster',
      '--provider',
      'vsphere',
    ]);
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toContain('--no-sandbox');
  });
});
