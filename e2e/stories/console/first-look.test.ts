/**
 * The first look in the browser: signed in by the link of the terminal, gateways that move by themselves, one profile
 * update reviewed, confirmed and followed to its end, another that is paused; and what somebody sees who may only look.
 */

import { gzipSync } from 'node:zlib';
import type { Gateway } from '@gatehouse/contract/operator-types';
import { describe, expect, it } from 'vitest';
import { consoleStory, eventually, sandboxVersion } from '../../src/console-story.ts';

const story = consoleStory({ signsIn: false });
const { fact, heading, look } = story;
const row = (name: string) => story.row('Gateways', name);

/** In another browser, signed in too. */
const sameOperator: typeof story.visitor = async (options) => {
  const visitor = await story.visitor(options);
  await visitor.context.addCookies(await story.operator.context.cookies());
  return visitor;
};

describe('a first look in the browser, in order', () => {
  let rolled: string;
  let single: string;
  let owners: string;
  /** Its next machine gets no address, until that is mended. */
  const sandbox = async (...more: readonly string[]) => {
    await story.gatehouse('sandbox', 'break', single, '--by', 'no-address', '--data', story.plane.directory, ...more);
  };

  it('who is not signed in is asked to, and a wrong token is refused with the next step', async () => {
    await story.page.goto('/gateways');
    await story.page.waitForURL('/sign-in');
    await heading('Sign in to Gatehouse').waitFor();
    await story.page.getByLabel('API token').fill('not-a-token');
    await story.page.getByRole('button', { name: 'Sign in' }).click();
    await story.page.getByRole('alert').waitFor();
    await look('sign-in');
  });

  it('the link of the terminal signs in once, and its key leaves the address', async () => {
    await story.page.goto(story.plane.signInLink());
    await heading('Overview').waitFor();
    expect(story.page.url()).toBe(`${story.plane.server}/`);
    await story.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Gateways' }).click();
    await heading('Gateways').waitFor();
    expect(await story.page.evaluate('document.cookie')).toBe('');
    const another = await story.visitor();
    await another.page.goto(story.plane.signInLink());
    await another.page.getByRole('alert').waitFor();
    expect(new URL(another.page.url()).hash).toBe('');
    await another.context.close();
  });

  it('the list shows three sandbox gateways on the platform version', async () => {
    const list = await story.waitForGateways(
      `running gateways on ${sandboxVersion}`,
      (gateway) => gateway.status === 'Running' && gateway.agentVersion === sandboxVersion && gateway.isCurrent,
    );
    const named = (isIt: (gateway: Gateway) => boolean) => list.find(isIt)?.name ?? '';
    rolled = named((gateway) => gateway.installation === 'cli' && gateway.controlPlanes === 3);
    single = named((gateway) => gateway.installation === 'cli' && gateway.controlPlanes === 1);
    owners = named((gateway) => gateway.installation === 'existing-cluster');
    const table = story.page.getByRole('table', { name: 'Gateways' });
    expect(await table.getByRole('columnheader').allTextContents()).toEqual([
      '',
      'Name',
      'Provider',
      'Installation',
      'Status',
      'Health',
      'Agent Version',
      'Profile',
      'Updates Available',
      'Paused',
      'Last poll',
      'Host clusters',
    ]);
    await row(rolled).getByText('Current').waitFor();
    const cells = await row(rolled).getByRole('cell').allTextContents();
    expect(cells.join(' ')).toMatch(/Sandbox .*Installed by Gatehouse Running healthy 4\.1\.12 4\.1\.12/);
    await row(owners).getByText('Existing cluster').waitFor();
    await story.page.getByText('Platform 4.1.12').waitFor();
    await story.page.getByRole('banner').getByText('Sandbox', { exact: true }).waitFor();
  });

  it('the first load needs at most 250 kB of JavaScript', async () => {
    const visitor = await sameOperator();
    const scripts: Promise<Buffer>[] = [];
    visitor.page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.push(response.body());
    });
    await visitor.page.goto('/');
    await visitor.page.getByRole('link', { name: /^3 Current/ }).waitFor();
    await heading('Platform', 2, visitor.page).waitFor();
    const sizes = (await Promise.all(scripts)).map((script) => gzipSync(script).length);
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(250_000);
    await visitor.context.close();
  });

  it('the overview leads to the upgrade that may be taken', async () => {
    const visitor = await sameOperator();
    await visitor.page.goto('/');
    await visitor.page.getByRole('link', { name: 'Plan the upgrade to 4.2.7' }).click();
    await visitor.page.getByRole('button', { name: 'Start the upgrade to 4.2.7' }).waitFor();
    await visitor.context.close();
  });

  it('when the platform moves, the list shows every agent follow by itself', async () => {
    await story.gatehouse('platform', 'upgrade', '4.2.7');
    const agentVersion = (name: string) => row(name).getByRole('cell').nth(6);
    for (const name of [rolled, single, owners]) {
      await agentVersion(name).filter({ hasText: '4.2.7' }).waitFor({ timeout: 120_000 });
    }
    await story.page.getByText('Platform 4.2.7').waitFor();
    for (const name of [rolled, single]) await row(name).getByText('Updates Available').waitFor();
    await row(owners).getByText('Current').waitFor();
    await look('gateways');
  });

  it('the details show Agent Version, why not yet, and that a profile is available', async () => {
    await row(rolled).getByRole('link').click();
    await heading(rolled).waitFor();
    await heading(/Profile 4\.2\.7 is available/, 2).waitFor();
    await story.page.getByText('Updates Available').first().waitFor();
    await eventually(() => fact('Agent Version').textContent()).toBe('4.2.7');
    await eventually(() => fact('Profile').textContent()).toContain('should run 4.2.7');
    await story.page.getByText('waits for a person to confirm it').waitFor();
    await look('gateway');
    await story.page.getByRole('tab', { name: 'Nodes' }).click();
    const { nodes } = await story.plane.client.getGateway({ params: { gateway: rolled } });
    expect(nodes.length).toBeGreaterThanOrEqual(3);
    for (const { name, role } of nodes) {
      await story.row(role === 'worker' ? 'Workers' : 'Control planes', name).waitFor();
    }
    await look('gateway-nodes');
    await story.page.getByRole('tab', { name: 'Profile' }).click();
    await heading(/Locked/, 2).waitFor();
    await heading(/Profile 4\.2\.7 is available/, 2).waitFor();
    await look('gateway-profile');
    await story.page.getByRole('tab', { name: 'Host clusters' }).click();
    await story.page.getByRole('tabpanel').getByRole('heading').first().waitFor();
    await look('gateway-host-clusters');
    await story.page.getByRole('tab', { name: 'Events' }).click();
    await story.page.getByRole('table', { name: 'Events' }).getByText('Agent 4.2.7 has proved itself').waitFor();
    await look('gateway-events');
  });

  it('an existing cluster says who keeps its profile instead of offering a button', async () => {
    await story.page.goto(`/gateways/${owners}`);
    await heading('The owner of this cluster keeps its Kubernetes, network and storage', 2).waitFor();
    await heading('Current', 2).waitFor();
    expect(await story.page.getByRole('link', { name: 'Updates' }).count()).toBe(0);
    await look('existing-cluster');
    await story.page.goto(`/gateways/${owners}/updates`);
    await heading('Nothing to review', 2).waitFor();
    await story.page.getByText('its owner keeps Kubernetes, network and storage').waitFor();
    await look('nothing-to-review');
  });

  it('the review shows both sides of every layer that moves, with what is deleted and no secret', async () => {
    await story.page.goto(`/gateways/${rolled}`);
    await story.page.getByRole('link', { name: 'Updates', exact: true }).click();
    await heading('Profile 4.1.12 → 4.2.7').waitFor();
    for (const layer of ['os', 'kubernetes', 'network', 'storage']) {
      const section = story.page.getByRole('region', { name: `Layer ${layer}` });
      await section.getByRole('columnheader', { name: 'Current Configuration' }).waitFor();
      await section.getByRole('columnheader', { name: 'Pending Configuration' }).waitFor();
    }
    const kubernetes = story.page.getByRole('region', { name: 'Layer kubernetes' });
    await kubernetes.getByRole('row', { name: /changed from:.*1\.26\.8.*changed to:.*1\.27\.11/ }).waitFor();
    await story.page.getByRole('region', { name: 'Layer storage' }).getByText('********').first().waitFor();
    const deleted = story.page.getByRole('list', { name: /^Objects deleted with/ });
    const { summary } = await story.plane.client.getProfileUpdate({ params: { gateway: rolled } });
    expect((await deleted.getByRole('listitem').allTextContents()).toSorted()).toEqual(summary.deletes.toSorted());
    expect(summary.deletes.length).toBeGreaterThan(0);
    for (const sentence of summary.sentences) await story.page.getByText(sentence, { exact: true }).waitFor();
    await heading('Preflight', 2).waitFor();
    await story.page.getByText('Passed').first().waitFor({ timeout: 60_000 });
    await look('review');
    await story.page.getByRole('region', { name: 'Layer network' }).scrollIntoViewIfNeeded();
    await look('review-difference');
  });

  it('a plan that is no longer what would be done is refused, and the difference that holds now stays in place', async () => {
    await story.page.route('**/profile-update/confirm', (route) =>
      route.continue({ postData: JSON.stringify({ planId: `sha256:${'0'.repeat(64)}` }) }),
    );
    await story.page.getByRole('button', { name: 'Confirm updates' }).click();
    const dialog = story.page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await story.page.getByRole('alert').getByText('What was confirmed is no longer what would be done.').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await story.page.getByRole('region', { name: 'Layer kubernetes' }).waitFor();
    await look('plan-changed');
    await story.page.unrouteAll({ behavior: 'wait' });
  });

  it('the dialog repeats gateway, versions, duration and downtime; confirmed, the page follows to the end', async () => {
    const { summary } = await story.plane.client.getProfileUpdate({ params: { gateway: rolled } });
    await story.page.getByRole('button', { name: 'Confirm updates' }).click();
    const dialog = story.page.getByRole('dialog', { name: 'Confirm updates?' });
    for (const text of [rolled, '4.1.12 → 4.2.7', `about ${Math.round(summary.usualDurationSeconds / 60)} min`]) {
      await dialog.getByText(text, { exact: true }).waitFor();
    }
    await eventually(() => fact('Downtime').last().textContent()).toBe('Possible');
    await look('confirm');
    await dialog.getByRole('button', { name: 'Confirm' }).click();
    await heading(/Confirmed\. (Starts with the next poll|The gateway checks|The roll)/, 2).waitFor();
    await heading(/The roll to 4\.2\.7 is on its way/, 2).waitFor({ timeout: 60_000 });
    const steps = story.page.getByRole('list', { name: 'Steps' });
    await steps
      .getByText(/running/)
      .first()
      .waitFor();
    await look('rolling');
    const events = story.page.getByRole('table', { name: 'Events' });
    await events.getByText('all control planes are updated', { exact: true }).waitFor({ timeout: 150_000 });
    await events.getByText('profile update completed', { exact: true }).waitFor({ timeout: 60_000 });
    await heading(/Profile 4\.2\.7 is applied/, 2).waitFor();
    expect(await events.getByText('all control planes are updated', { exact: true }).count()).toBe(1);
    await look('completed');
    await story.page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Gateways' }).click();
    await row(rolled).getByText('Current').waitFor();
  });

  it('a paused gateway is shown as paused, and confirming asks for the pause too', async () => {
    await story.gatehouse('pause', 'set', 'gateway', single, '--reason', 'month end', '--until', '1h');
    await row(single).getByText('Paused').waitFor();
    await row(single).getByRole('link').click();
    await story.page.getByText(/is paused by .* month end/).waitFor();
    await look('paused');
    await story.page.getByRole('link', { name: 'Updates', exact: true }).click();
    await story.page.getByRole('button', { name: 'Confirm updates' }).click();
    const dialog = story.page.getByRole('dialog');
    const confirm = dialog.getByRole('button', { name: 'Confirm' });
    expect(await confirm.isDisabled()).toBe(true);
    await look('confirm-paused');
    await story.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  it('who may only look sees the review, and why it may not be confirmed', async () => {
    const { token } = await story.plane.client.createToken({ body: { name: 'onlooker', role: 'Viewer' } });
    const viewer = await story.visitor({ token });
    await heading('Overview', 1, viewer.page).waitFor();
    await viewer.page.goto(`/gateways/${single}/updates`);
    const confirm = viewer.page.getByRole('button', { name: 'Confirm updates' });
    await confirm.waitFor();
    expect(await confirm.getAttribute('aria-disabled')).toBe('true');
    await viewer.page.getByText('Your role Viewer does not permit confirming a profile update.').waitFor();
    await confirm.click({ force: true });
    expect(await viewer.page.getByRole('dialog').count()).toBe(0);
    await look('viewer', viewer.page);
    await viewer.context.close();
  });

  it('with the keyboard alone a paused update is confirmed, knowing that it is paused', async () => {
    const press = async (key: string, isThere: () => Promise<boolean>) => {
      for (let times = 0; times < 40; times += 1) {
        await story.page.keyboard.press(key);
        if (await isThere()) return;
      }
      throw new Error(`40 times ${key} did not reach it`);
    };
    const hasFocus = (name: string) => async () =>
      (await story.page.evaluate<string>(
        '(document.activeElement?.textContent || document.activeElement?.id) ?? ""',
      )) === name;
    await sandbox();
    await story.page.reload();
    await story.page.getByRole('button', { name: 'Confirm updates' }).waitFor();
    await press('Tab', hasFocus('Confirm updates'));
    await story.page.keyboard.press('Enter');
    await story.page.getByRole('dialog').waitFor();
    await press('Tab', hasFocus('acknowledge-pause'));
    await story.page.keyboard.press('Space');
    await press('Tab', hasFocus('Confirm'));
    await story.page.keyboard.press('Enter');
    await heading(/Confirmed\. (Starts with the next poll|The gateway checks|The roll)/, 2).waitFor();
  });

  it('an update that stops says why, and goes on when it is retried', async () => {
    await heading(/The update has stopped/, 2).waitFor({ timeout: 150_000 });
    const { stopped } = await story.plane.client.getProfileUpdate({ params: { gateway: single } });
    await story.page
      .getByText(stopped?.message ?? 'no reason')
      .first()
      .waitFor();
    await look('stopped');
    await sandbox('--mend');
    await story.page.getByRole('button', { name: 'Retry' }).click();
    await heading(/The update has stopped/, 2).waitFor({ state: 'detached' });
    await heading(/Profile 4\.2\.7 is applied/, 2).waitFor({ timeout: 150_000 });
  });

  it('a lost connection is shown, and heals by itself', async () => {
    const visitor = await sameOperator({ meetsFaults: true });
    await visitor.page.route('**/v1/events?after=*', (route) => route.abort());
    await visitor.page.goto('/gateways');
    const banner = visitor.page.getByText('The connection to the control plane is lost since');
    await banner.waitFor();
    await look('connection-lost', visitor.page);
    await visitor.page.unrouteAll({ behavior: 'wait' });
    await banner.waitFor({ state: 'detached', timeout: 40_000 });
    await visitor.page.getByText('The connection to the control plane is back').waitFor();
    await visitor.context.close();
  });

  it('what is not there is said to be not there', async () => {
    await story.page.goto('/nowhere');
    await heading('There is no such page').waitFor();
    await look('not-found');
    await story.page.goto('/gateways/not-a-gateway');
    await heading('There is no such page').waitFor();
    await story.page.getByText('not-a-gateway').waitFor();
    for (const page of ['', '/nodes', '/updates', '/install']) {
      await story.page.goto(`/gateways/No name of a gateway${page}`);
      await heading('There is no such page').waitFor();
    }
  });

  it('signed out, nothing is shown any more', async () => {
    const cookies = await story.operator.context.cookies();
    await story.page.goto('/gateways');
    await story.page.getByRole('button', { name: 'Sign out' }).click();
    await heading('Sign in to Gatehouse').waitFor();
    await story.page.goto('/gateways');
    await heading('Sign in to Gatehouse').waitFor();
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    expect((await fetch(`${story.plane.server}/v1/me`, { headers: { cookie } })).status).toBe(401);
  });
});
