/**
 * The first look in the browser: signed in by the link of the terminal, gateways that move by themselves, one profile
 * update reviewed, confirmed and followed to its end, another that is paused; and what somebody sees who may only look.
 */

import { gzipSync } from 'node:zlib';
import type { Gateway } from '@gatehouse/contract/operator-types';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { look, startBrowser, visit, type Visitor } from '../../src/browser.ts';
import { type ControlPlane, startControlPlane } from '../../src/control-plane.ts';
import { waitFor } from '../../src/program.ts';

let plane: ControlPlane;
let browser: Browser;
let operator: Visitor;
let page: Page;

beforeAll(async () => {
  browser = await startBrowser();
  plane = await startControlPlane();
  operator = await visit(browser, plane.server);
  page = operator.page;
});
afterAll(async () => {
  await browser?.close();
  await plane?.stop();
});

const gateways = async (): Promise<readonly Gateway[]> => (await plane.client.listGateways({})).items;

async function waitForGateways(what: string, isSo: (gateway: Gateway) => boolean): Promise<readonly Gateway[]> {
  return waitFor(
    what,
    async () => {
      const list = await gateways();
      return list.length > 0 && list.every(isSo) ? list : undefined;
    },
    { timeoutSeconds: 150, everyMilliseconds: 1000, explain: plane.program.output },
  );
}

const eventually = (ask: () => Promise<unknown>) => expect.poll(ask, { timeout: 20_000, interval: 100 });
const heading = (name: string | RegExp, level = 1) => page.getByRole('heading', { name, level });
const row = (name: string) => page.getByRole('table', { name: 'Gateways' }).getByRole('row', { name });
/** The description that stands beside a term. */
const fact = (term: string, on = page) =>
  on.locator('dl > div', { has: on.locator('dt', { hasText: new RegExp(`^${term}$`) }) }).getByRole('definition');

describe('a first look in the browser, in order', () => {
  let rolled: string;
  let single: string;
  let owners: string;
  /** Its next machine gets no address, until that is mended. */
  const sandbox = async (...more: readonly string[]) => {
    const args = ['sandbox', 'break', single, '--by', 'no-address', '--data', plane.directory, ...more];
    expect(await plane.gatehouse(args)).toMatchObject({ exitCode: 0, stderr: '' });
  };

  it('who is not signed in is asked to, and a wrong token is refused with the next step', async () => {
    await page.goto('/gateways');
    await page.waitForURL('/sign-in');
    await heading('Sign in to Gatehouse').waitFor();
    await page.getByLabel('API token').fill('not-a-token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    expect(await look(page, 'sign-in')).toEqual([]);
  });

  it('the link of the terminal signs in once, and its key leaves the address', async () => {
    await page.goto(plane.signInLink());
    await heading('Gateways').waitFor();
    expect(page.url()).toBe(`${plane.server}/gateways`);
    expect(await page.evaluate('document.cookie')).toBe('');
    const another = await visit(browser, plane.server);
    await another.page.goto(plane.signInLink());
    await another.page.getByRole('alert').waitFor();
    expect(new URL(another.page.url()).hash).toBe('');
    expect(another.faults()).toEqual([]);
    await another.context.close();
  });

  it('the list shows three sandbox gateways on the platform version', async () => {
    const list = await waitForGateways(
      'running gateways on 4.1.12',
      (gateway) => gateway.status === 'Running' && gateway.agentVersion === '4.1.12' && gateway.isCurrent,
    );
    const named = (isIt: (gateway: Gateway) => boolean) => list.find(isIt)?.name ?? '';
    rolled = named((gateway) => gateway.installation === 'cli' && gateway.controlPlanes === 3);
    single = named((gateway) => gateway.installation === 'cli' && gateway.controlPlanes === 1);
    owners = named((gateway) => gateway.installation === 'existing-cluster');
    const table = page.getByRole('table', { name: 'Gateways' });
    expect(await table.getByRole('columnheader').allTextContents()).toEqual([
      'Name',
      'Provider',
      'Installation',
      'Status',
      'Agent Version',
      'Profile',
      'Updates',
    ]);
    await row(rolled).getByText('Current').waitFor();
    const cells = await row(rolled).getByRole('cell').allTextContents();
    expect(cells.join(' ')).toMatch(/Sandbox: simulated cluster .*Installed by Gatehouse Running 4\.1\.12 4\.1\.12/);
    await row(owners).getByText('Existing cluster').waitFor();
    await page.getByText('Platform 4.1.12').waitFor();
    await page.getByText('Sandbox', { exact: true }).waitFor();
  });

  it('the first load needs at most 250 kB of JavaScript', async () => {
    const visitor = await visit(browser, plane.server);
    await visitor.context.addCookies(await operator.context.cookies());
    const scripts: Promise<Buffer>[] = [];
    visitor.page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(response.body());
    });
    await visitor.page.goto('/gateways');
    await visitor.page.getByRole('table', { name: 'Gateways' }).waitFor();
    const sizes = (await Promise.all(scripts)).map((script) => gzipSync(script).length);
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(250_000);
    await visitor.context.close();
  });

  it('when the platform moves, the list shows every agent follow by itself', async () => {
    const upgrade = await plane.gatehouse(['platform', 'upgrade', '4.2.7']);
    expect(upgrade.stderr).toBe('');
    const agentVersion = (name: string) => row(name).getByRole('cell').nth(4);
    for (const name of [rolled, single, owners]) {
      await agentVersion(name).filter({ hasText: '4.2.7' }).waitFor({ timeout: 120_000 });
    }
    await page.getByText('Platform 4.2.7').waitFor();
    for (const name of [rolled, single]) await row(name).getByText('Updates Available').waitFor();
    await row(owners).getByText('Current').waitFor();
    expect(await look(page, 'gateways')).toEqual([]);
  });

  it('the details show Agent Version, why not yet, and that a profile is available', async () => {
    await row(rolled).getByRole('link').click();
    await heading(rolled).waitFor();
    await heading(/Profile 4\.2\.7 is available/, 2).waitFor();
    await page.getByText('Updates Available').first().waitFor();
    await eventually(() => fact('Agent Version').textContent()).toBe('4.2.7');
    await eventually(() => fact('Profile').textContent()).toContain('should run 4.2.7');
    await page.getByText('waits for a person to confirm it').waitFor();
    const { nodes } = await plane.client.getGateway({ params: { gateway: rolled } });
    expect(nodes.length).toBeGreaterThanOrEqual(3);
    for (const { name } of nodes) await page.getByRole('table', { name: 'Nodes' }).getByRole('row', { name }).waitFor();
    expect(await look(page, 'gateway')).toEqual([]);
    await page.getByRole('tab', { name: 'Profile' }).click();
    await heading(/Locked/, 2).waitFor();
    await heading(/Profile 4\.2\.7 is available/, 2).waitFor();
    expect(await look(page, 'gateway-profile')).toEqual([]);
    await page.getByRole('tab', { name: 'Events' }).click();
    await page.getByRole('table', { name: 'Events' }).getByText('Agent 4.2.7 has proved itself').waitFor();
    expect(await look(page, 'gateway-events')).toEqual([]);
  });

  it('an existing cluster says who keeps its profile instead of offering a button', async () => {
    await page.goto(`/gateways/${owners}`);
    await heading('The owner of this cluster keeps its Kubernetes, network and storage', 2).waitFor();
    await heading('Current', 2).waitFor();
    expect(await page.getByRole('link', { name: 'Updates' }).count()).toBe(0);
    expect(await look(page, 'existing-cluster')).toEqual([]);
    await page.goto(`/gateways/${owners}/updates`);
    await heading('Nothing to review', 2).waitFor();
    await page.getByText('its owner keeps Kubernetes, network and storage').waitFor();
    expect(await look(page, 'nothing-to-review')).toEqual([]);
  });

  it('the review shows both sides of every layer that moves, with what is deleted and no secret', async () => {
    await page.goto(`/gateways/${rolled}`);
    await page.getByRole('link', { name: 'Updates', exact: true }).click();
    await heading('Profile 4.1.12 → 4.2.7').waitFor();
    for (const layer of ['os', 'kubernetes', 'network', 'storage']) {
      const section = page.getByRole('region', { name: `Layer ${layer}` });
      await section.getByRole('columnheader', { name: 'Current Configuration' }).waitFor();
      await section.getByRole('columnheader', { name: 'Pending Configuration' }).waitFor();
    }
    const kubernetes = page.getByRole('region', { name: 'Layer kubernetes' });
    await kubernetes.getByRole('row', { name: /changed from:.*1\.26\.8.*changed to:.*1\.27\.11/ }).waitFor();
    await page.getByRole('region', { name: 'Layer storage' }).getByText('********').first().waitFor();
    const deleted = page.getByRole('list', { name: /^Objects deleted with/ });
    const { summary } = await plane.client.getProfileUpdate({ params: { gateway: rolled } });
    expect((await deleted.getByRole('listitem').allTextContents()).toSorted()).toEqual(summary.deletes.toSorted());
    expect(summary.deletes.length).toBeGreaterThan(0);
    for (const sentence of summary.sentences) await page.getByText(sentence, { exact: true }).waitFor();
    await heading('Preflight', 2).waitFor();
    await page.getByText('Passed').first().waitFor({ timeout: 60_000 });
    expect(await look(page, 'review')).toEqual([]);
    await page.getByRole('region', { name: 'Layer network' }).scrollIntoViewIfNeeded();
    expect(await look(page, 'review-difference')).toEqual([]);
  });

  it('a plan that is no longer what would be done is refused, and the difference that holds now stays in place', async () => {
    await page.route('**/profile-update/confirm', (route) =>
      route.continue({ postData: JSON.stringify({ planId: `sha256:${'0'.repeat(64)}` }) }),
    );
    await page.getByRole('button', { name: 'Confirm updates' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await page.getByRole('alert').getByText('What was confirmed is no longer what would be done.').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('region', { name: 'Layer kubernetes' }).waitFor();
    expect(await look(page, 'plan-changed')).toEqual([]);
    await page.unroute('**/profile-update/confirm');
  });

  it('the dialog repeats gateway, versions, duration and downtime; confirmed, the page follows to the end', async () => {
    const { summary } = await plane.client.getProfileUpdate({ params: { gateway: rolled } });
    await page.getByRole('button', { name: 'Confirm updates' }).click();
    const dialog = page.getByRole('dialog', { name: 'Confirm updates?' });
    for (const text of [rolled, '4.1.12 → 4.2.7', `about ${Math.round(summary.usualDurationSeconds / 60)} min`]) {
      await dialog.getByText(text, { exact: true }).waitFor();
    }
    await eventually(() => fact('Downtime', page).last().textContent()).toBe('Possible');
    expect(await look(page, 'confirm')).toEqual([]);
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await heading(/^.*Confirmed\. Starts with the next poll/, 2).waitFor();
    await heading(/The roll to 4\.2\.7 is on its way/, 2).waitFor({ timeout: 60_000 });
    const steps = page.getByRole('list', { name: 'Steps' });
    await steps
      .getByText(/running/)
      .first()
      .waitFor();
    expect(await look(page, 'rolling')).toEqual([]);
    const events = page.getByRole('table', { name: 'Events' });
    await events.getByText('all control planes are updated', { exact: true }).waitFor({ timeout: 150_000 });
    await events.getByText('profile update completed', { exact: true }).waitFor({ timeout: 60_000 });
    await heading(/Profile 4\.2\.7 is applied/, 2).waitFor();
    expect(await events.getByText('all control planes are updated', { exact: true }).count()).toBe(1);
    expect(await look(page, 'completed')).toEqual([]);
    await page.getByRole('link', { name: 'Gateways', exact: true }).click();
    await row(rolled).getByText('Current').waitFor();
  });

  it('a paused gateway is shown as paused, and confirming asks for the pause too', async () => {
    const paused = await plane.gatehouse(['pause', 'set', 'gateway', single, '--reason', 'month end', '--until', '1h']);
    expect(paused.stderr).toBe('');
    await row(single).getByText('Paused').waitFor();
    await row(single).getByRole('link').click();
    await page.getByText(/is paused by .* month end/).waitFor();
    expect(await look(page, 'paused')).toEqual([]);
    await page.getByRole('link', { name: 'Updates', exact: true }).click();
    await page.getByRole('button', { name: 'Confirm updates' }).click();
    const dialog = page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: 'Confirm' });
    expect(await confirm.isDisabled()).toBe(true);
    expect(await look(page, 'confirm-paused')).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('who may only look sees the review, and why it may not be confirmed', async () => {
    const { token } = await plane.client.createToken({ body: { name: 'onlooker', role: 'Viewer' } });
    const viewer = await visit(browser, plane.server);
    await viewer.page.goto('/');
    await viewer.page.getByLabel('API token').fill(token);
    await viewer.page.getByLabel('API token').press('Enter');
    await viewer.page.getByRole('table', { name: 'Gateways' }).waitFor();
    await viewer.page.goto(`/gateways/${single}/updates`);
    const confirm = viewer.page.getByRole('button', { name: 'Confirm updates' });
    await confirm.waitFor();
    expect(await confirm.getAttribute('aria-disabled')).toBe('true');
    await viewer.page.getByText('Your role Viewer does not permit confirming a profile update.').waitFor();
    await confirm.click({ force: true });
    expect(await viewer.page.getByRole('dialog').count()).toBe(0);
    expect(await look(viewer.page, 'viewer')).toEqual([]);
    expect(viewer.faults()).toEqual([]);
    await viewer.context.close();
  });

  it('with the keyboard alone a paused update is confirmed, knowing that it is paused', async () => {
    const press = async (key: string, isThere: () => Promise<boolean>) => {
      for (let times = 0; times < 40; times += 1) {
        await page.keyboard.press(key);
        if (await isThere()) return;
      }
      throw new Error(`40 times ${key} did not reach it`);
    };
    const hasFocus = (name: string) => async () =>
      (await page.evaluate<string>('(document.activeElement?.textContent || document.activeElement?.id) ?? ""')) ===
      name;
    await sandbox();
    await page.reload();
    await page.getByRole('button', { name: 'Confirm updates' }).waitFor();
    await press('Tab', hasFocus('Confirm updates'));
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await press('Tab', hasFocus('acknowledge-pause'));
    await page.keyboard.press('Space');
    await press('Tab', hasFocus('Confirm'));
    await page.keyboard.press('Enter');
    await heading(/^.*Confirmed\. Starts with the next poll/, 2).waitFor();
  });

  it('an update that stops says why, and goes on when it is retried', async () => {
    await heading(/The update has stopped/, 2).waitFor({ timeout: 150_000 });
    const { stopped } = await plane.client.getProfileUpdate({ params: { gateway: single } });
    await page
      .getByText(stopped?.message ?? 'no reason')
      .first()
      .waitFor();
    expect(await look(page, 'stopped')).toEqual([]);
    await sandbox('--mend');
    await page.getByRole('button', { name: 'Retry' }).click();
    await heading(/The update has stopped/, 2).waitFor({ state: 'detached' });
    await heading(/Profile 4\.2\.7 is applied/, 2).waitFor({ timeout: 150_000 });
  });

  it('a lost connection is shown, and heals by itself', async () => {
    const visitor = await visit(browser, plane.server);
    await visitor.context.addCookies(await operator.context.cookies());
    await visitor.page.route('**/v1/events?after=*', (route) => route.abort());
    await visitor.page.goto('/gateways');
    const banner = visitor.page.getByText('The connection to the control plane is lost since');
    await banner.waitFor();
    expect(await look(visitor.page, 'connection-lost')).toEqual([]);
    await visitor.page.unroute('**/v1/events?after=*');
    await banner.waitFor({ state: 'detached', timeout: 40_000 });
    await visitor.context.close();
  });

  it('what is not there is said to be not there', async () => {
    await page.goto('/nowhere');
    await heading('There is no such page').waitFor();
    expect(await look(page, 'not-found')).toEqual([]);
    await page.goto('/gateways/not-a-gateway');
    await heading('There is no such page').waitFor();
    await page.getByText('not-a-gateway').waitFor();
  });

  it('signed out, nothing is shown any more', async () => {
    const cookies = await operator.context.cookies();
    await page.goto('/gateways');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading('Sign in to Gatehouse').waitFor();
    await page.goto('/gateways');
    await heading('Sign in to Gatehouse').waitFor();
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    expect((await fetch(`${plane.server}/v1/me`, { headers: { cookie } })).status).toBe(401);
  });

  it('no page met an error, broke the content security policy or asked anybody else', () => {
    expect(operator.faults()).toEqual([]);
  });
});
