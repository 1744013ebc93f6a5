/**
 * Gateways that were left behind while the platform took two hops: forecast before, brought there along both releases
 * afterwards, the profile by a person, and never past a release in between.
 */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { UpgradePlan } from '@gatehouse/contract/platform-types';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../src/control-plane.ts';
import { waitFor } from '../src/program.ts';
import { importSandboxRelease } from '../src/sandbox-release.ts';

/** On its owner's cluster, and one of ours. */
const owners = 'sandbox-openstack';
const ours = 'sandbox-maas';

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
  await importSandboxRelease(plane, '4.3.0');
});
afterAll(async () => {
  await plane?.stop();
});

async function gatehouse(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await plane.gatehouse(args);
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

async function waitForGateway(name: string, what: string, isSo: (seen: Gateway) => boolean): Promise<Gateway> {
  let last: Gateway | undefined;
  return waitFor(
    `${name}: ${what}`,
    async () => {
      last = await plane.client.getGateway({ params: { gateway: name } });
      return isSo(last) ? last : undefined;
    },
    { timeoutSeconds: 170, everyMilliseconds: 500, explain: () => JSON.stringify(last, undefined, 1) },
  );
}

/** The versions of its agents, in the order in which they came. */
async function agentsOf(name: string): Promise<readonly string[]> {
  const { items } = await plane.client.listGatewayEvents({
    params: { gateway: name },
    query: { after: 0, limit: 500 },
  });
  return items.flatMap(({ type, message }) => {
    const to = type === 'agent-update-settled' ? /(\d+\.\d+\.\d+)\D*$/.exec(message)?.[1] : undefined;
    return to === undefined ? [] : [to];
  });
}

describe('gateways that were away', () => {
  it('a forecast says who would hold the platform, and until when', async () => {
    for (const name of [owners, ours, 'sandbox-vsphere']) {
      await waitForGateway(name, 'current', ({ isCurrent }) => isCurrent);
    }
    await gatehouse('pause', 'set', 'tenant', 'default', '--reason', 'at sea');
    const plan = Value.Parse(
      UpgradePlan,
      JSON.parse(await gatehouse('platform', 'plan', '4.3.0', '--forecast', '-o', 'json')),
    );
    expect(plan.forecast).toMatchObject({ outcome: 'held' });
    const [first, second] = plan.forecast?.stages ?? [];
    expect(first).toMatchObject({ number: 1, to: '4.2.7' });
    expect(second?.heldBy.map(({ gateway }) => gateway)).toContain(owners);
    expect(JSON.stringify(second)).toContain('at sea');
    const shown = await gatehouse('platform', 'plan', '4.3.0', '--confirm-after', '1h');
    expect(shown).toContain('Hop 2 does not begin before somebody acts.');
    expect(shown).toContain('A person confirms each profile update 1 h after it may be confirmed.');
  });

  it('the platform goes two hops without them, and they say where they are and which way lies ahead', async () => {
    for (const name of [owners, ours, 'sandbox-vsphere']) {
      await gatehouse('platform', 'waive', name, '--reason', 'at sea', '--until', '2h');
    }
    expect(await gatehouse('platform', 'upgrade', '4.3.0', '--wait')).toContain('The platform is on 4.3.0.');
    const explained = await plane.gatehouse(['gateway', 'explain', owners]);
    expect(explained.stdout).toMatch(/Way +4\.1\.12 → 4\.2\.7 \(agent\) → 4\.3\.0 \(agent\)/);
    const { reasons } = await plane.client.getGateway({ params: { gateway: ours } });
    expect(reasons.map(({ code }) => code)).toContain('on-its-way');
  });

  it('on its owner’s cluster the agent takes one release after the other', async () => {
    await gatehouse('pause', 'clear', 'tenant', 'default');
    await waitForGateway(
      owners,
      'current on 4.3.0',
      ({ isCurrent, agentVersion }) => isCurrent && agentVersion === '4.3.0',
    );
    expect(await agentsOf(owners)).toEqual(['4.2.7', '4.3.0']);
  });

  it('one of ours stops at the release in between until a person has confirmed its profile there', async () => {
    await waitForGateway(
      ours,
      'on 4.2.7 with its profile to confirm',
      ({ agentVersion, availableProfileVersion }) => agentVersion === '4.2.7' && availableProfileVersion === '4.2.7',
    );
    const planId = await waitFor(
      'its plan to be confirmable',
      async () => {
        const update = await plane.client.getProfileUpdate({ params: { gateway: ours } });
        return update.confirmReasons.length === 0 ? update.planId : undefined;
      },
      { timeoutSeconds: 120, everyMilliseconds: 500 },
    );
    expect(await agentsOf(ours)).toEqual(['4.2.7']);
    await gatehouse('profile-update', 'confirm', ours, '--plan', planId, '--yes');
    await waitForGateway(
      ours,
      'current on 4.3.0',
      ({ isCurrent, agentVersion }) => isCurrent && agentVersion === '4.3.0',
    );
    expect(await agentsOf(ours)).toEqual(['4.2.7', '4.3.0']);
  });
});
