/**
 * A platform on its way over two hops: planned, started, held by a pause by name, going on by itself, and done; and a
 * gateway that is left out by name.
 */

import type { Platform } from '@gatehouse/contract/operator-types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../src/control-plane.ts';
import { waitFor } from '../src/program.ts';
import { importSandboxRelease } from '../src/sandbox-release.ts';

let plane: ControlPlane;

beforeAll(async () => {
  plane = await startControlPlane();
  await importSandboxRelease(plane, '4.3.0');
});
afterAll(async () => {
  await plane?.stop();
});

const platform = (): Promise<Platform> => plane.client.getPlatform({});

async function waitForPlatform(what: string, isSo: (seen: Platform) => boolean, timeoutSeconds: number) {
  let last: Platform | undefined;
  return waitFor(
    what,
    async () => {
      last = await platform();
      return isSo(last) ? last : undefined;
    },
    {
      timeoutSeconds,
      everyMilliseconds: 1000,
      explain: () => JSON.stringify(last, undefined, 1) + plane.program.output(),
    },
  );
}

async function gatehouse(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await plane.gatehouse(args);
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

describe('two hops, in order', () => {
  it('the way is planned, with what each hop brings', async () => {
    await waitForPlatform('current gateways', ({ gateways }) => gateways.current === 3, 120);
    const shown = await gatehouse('platform', 'plan', '4.3.0');
    expect(shown).toContain('4.1.12 → 4.2.7');
    expect(shown).toContain('4.2.7 → 4.3.0');
    expect(shown).toContain('Kubernetes 1.26.8 → 1.27.11');
    expect(shown).toContain('Nothing holds the first hop now.');
    const none = await plane.gatehouse(['platform', 'plan', '4.1.12', '--from', '4.2.7']);
    expect(none.exitCode).toBe(4);
    expect(none.stderr).toContain('4.1.12 is older than 4.2.7');
  });

  it('the first hop is taken at once, and the second one waits for every gateway', async () => {
    await gatehouse('pause', 'set', 'gateway', 'sandbox-openstack', '--reason', 'stocktaking');
    expect(await gatehouse('platform', 'upgrade', '4.3.0')).toContain('The platform is on 4.2.7.');
    const { plan } = await platform();
    expect(plan).toMatchObject({ from: '4.1.12', to: '4.3.0', state: 'held', nextHop: 2 });
  });

  it('the last one that holds it is a paused gateway, and the command line says so by name', async () => {
    for (const name of ['sandbox-vsphere', 'sandbox-maas']) {
      const planId = await waitFor(
        `the plan of ${name} to be confirmable`,
        async () => {
          const { exitCode, stdout } = await plane.gatehouse(['profile-update', 'show', name, '-o', 'json']);
          if (exitCode !== 0) return undefined;
          const shown = JSON.parse(stdout) as { planId: string; confirmReasons: unknown[] };
          return shown.confirmReasons.length === 0 ? shown.planId : undefined;
        },
        { timeoutSeconds: 120, everyMilliseconds: 1000 },
      );
      await gatehouse('profile-update', 'confirm', name, '--plan', planId, '--yes');
    }
    await waitForPlatform(
      'the paused gateway to be the only one that holds the hop',
      ({ gates }) => gates.length === 1 && gates[0]?.gateway === 'sandbox-openstack',
      240,
    );
    const again = await plane.gatehouse(['platform', 'upgrade', '4.3.0']);
    expect(again.exitCode).toBe(4);
    expect(again.stderr).toMatch(/sandbox-openstack .*paused.* by admin .*stocktaking/);
    expect(await gatehouse('platform', 'status')).toContain('held before hop 2');
    expect((await platform()).version).toBe('4.2.7');
  });

  it('it goes on by itself once the pause is gone, and a gateway may be left out of its end by name', async () => {
    await gatehouse('pause', 'clear', 'gateway', 'sandbox-openstack');
    await waitForPlatform('the second hop', ({ version }) => version === '4.3.0', 120);
    await gatehouse('pause', 'set', 'gateway', 'sandbox-maas', '--reason', 'a fair');
    await gatehouse('platform', 'waive', 'sandbox-maas', '--reason', 'the fair ends on Friday', '--until', '2h');
    expect(await gatehouse('platform', 'waivers')).toMatch(/sandbox-maas .*the fair ends on Friday/);
    await waitForPlatform('the end of the plan', ({ plan }) => plan?.state === 'done', 180);
    const { stdout } = await plane.gatehouse(['audit', 'list', '-o', 'json']);
    const records = (JSON.parse(stdout) as { items: { action: string; subjectName: string }[] }).items;
    const hops = records.filter(({ action }) => action === 'platform.hop');
    expect(hops.map(({ subjectName }) => subjectName)).toEqual(['4.3.0', '4.2.7']);
    expect(records.filter(({ action }) => action === 'platform.plan-done')).toHaveLength(1);
  });
});
