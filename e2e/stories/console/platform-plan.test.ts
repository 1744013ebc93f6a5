/**
 * The platform in the browser: a way of two hops looked at with its forecast, started, held by gateways that are named,
 * ended and started again, let go on by a waiver with a reason; a release recalled and offered again; and somebody who
 * may only look.
 */

import { beforeAll, describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';
import { importSandboxRelease } from '../../src/sandbox-release.ts';

const story = consoleStory();
const { button, fact, heading, look } = story;
const region = (name: string | RegExp) => story.page.getByRole('region', { name });
const dialog = () => story.page.getByRole('dialog');
const gate = (gateway: string) => story.row('Gateways whose gates are not open', new RegExp(gateway));

beforeAll(() => importSandboxRelease(story.plane, '4.3.0'));

describe('a platform on its way, in order', () => {
  let rolled: string;
  let single: string;

  it('the way to a release is a line of hops, each with what it brings, and nothing starts by looking', async () => {
    const list = await story.waitForGateways('current gateways', (gateway) => gateway.isCurrent);
    rolled = list.find(({ installation, controlPlanes }) => installation === 'cli' && controlPlanes === 3)?.name ?? '';
    single = list.find(({ installation, controlPlanes }) => installation === 'cli' && controlPlanes === 1)?.name ?? '';
    await story.page.goto('/platform');
    await heading('Platform').waitFor();
    await eventually(() => fact('Platform version').textContent()).toBe('4.1.12');
    await story.page.getByLabel('To', { exact: true }).selectOption('4.3.0');
    const way = story.page.getByRole('list', { name: 'Way' });
    await way.getByRole('heading', { name: 'Hop 1: 4.1.12 → 4.2.7' }).waitFor();
    await way.getByRole('heading', { name: 'Hop 2: 4.2.7 → 4.3.0' }).waitFor();
    await way.getByText('Kubernetes 1.26.8 → 1.27.11').first().waitFor();
    expect(new URL(story.page.url()).searchParams.get('to')).toBe('4.3.0');
    await look('platform-plan');
    expect((await story.plane.client.getPlatform({})).plan).toBeUndefined();
  });

  it('a forecast says when each hop would begin, and whom it would wait for', async () => {
    await story.page.getByLabel('Forecast when each hop would begin').click();
    const forecast = story.page.getByRole('table', { name: 'Forecast' });
    await forecast.getByRole('row', { name: /4\.2\.7 → 4\.3\.0.*not before somebody acts/ }).waitFor();
    await forecast.getByText(rolled).first().waitFor();
    await story.page.getByLabel('People confirm a profile update').selectOption('within an hour');
    await story.page.getByText('The plan would be done').waitFor();
    await look('platform-forecast');
  });

  it('started, it takes the first hop, and the second waits for gateways by name', async () => {
    await button('Start the upgrade to 4.3.0').click();
    await dialog().getByText('Way: 4.1.12 → 4.2.7 → 4.3.0').waitFor();
    await dialog().getByText('The platform never goes back.').waitFor();
    await dialog().getByRole('button', { name: 'Start' }).click();
    const plan = region('Upgrade to 4.3.0');
    const hops = plan.getByRole('list', { name: 'Hops' });
    await hops.getByRole('listitem', { name: '4.1.12 → 4.2.7: taken' }).waitFor({ timeout: 60_000 });
    await hops.getByRole('listitem', { name: '4.2.7 → 4.3.0: next, held' }).waitFor({ timeout: 60_000 });
    for (const gateway of [rolled, single]) {
      await gate(gateway).getByText('waits for a person to confirm it').waitFor({ timeout: 120_000 });
      await gate(gateway).getByText('Closed').waitFor();
    }
    await look('platform-held');
  });

  it('cancelled, it ends before its next hop, and may be started again', async () => {
    await button('Cancel the plan').click();
    await dialog().getByText('Hops that were taken stay taken').waitFor();
    await dialog().getByRole('button', { name: 'Cancel the plan' }).click();
    await heading(/The last plan: 4\.1\.12 → 4\.3\.0.*Cancelled/, 2).waitFor();
    await story.page.getByLabel('To', { exact: true }).selectOption('4.3.0');
    await heading('The first hop would be held now', 3).waitFor();
    await button('Start the upgrade to 4.3.0').click();
    await dialog().getByText('Its first hop is held now.').waitFor();
    await dialog().getByRole('button', { name: 'Start' }).click();
    await region('Upgrade to 4.3.0').getByRole('listitem', { name: '4.2.7 → 4.3.0: next, held' }).waitFor();
  });

  it('who may only look sees all of it, and why nothing may be pressed', async () => {
    const { token } = await story.plane.client.createToken({ body: { name: 'onlooker', role: 'Viewer' } });
    const viewer = await story.visitor({ token });
    await viewer.page.goto('/platform');
    const cancel = button('Cancel the plan', viewer.page);
    await cancel.waitFor();
    expect(await cancel.getAttribute('aria-disabled')).toBe('true');
    await viewer.page.getByText('Your role Viewer does not permit cancelling a plan of the platform.').waitFor();
    await viewer.page.getByText('Your role Viewer does not permit waiving a gateway.').first().waitFor();
    await cancel.click({ force: true });
    expect(await viewer.page.getByRole('dialog').count()).toBe(0);
    await look('platform-viewer', viewer.page);
    await viewer.context.close();
  });

  it('a waiver with a reason and an end lets the hop begin, and the page follows', async () => {
    for (const gateway of [rolled, single]) {
      await button(`Waive ${gateway}`).click();
      await dialog().getByRole('button', { name: 'Waive' }).click();
      // Nothing is sent without a reason.
      await dialog().getByLabel('Reason').fill('on a ship');
      await dialog().getByLabel('Until').selectOption('1 day from now');
      if (gateway === single) await look('platform-waive');
      await dialog().getByRole('button', { name: 'Waive' }).click();
      await dialog().waitFor({ state: 'detached' });
      await story.row('Waivers', new RegExp(`${gateway}.*on a ship`)).waitFor();
    }
    await eventually(async () => (await story.plane.client.listWaivers({})).items.map(({ reason }) => reason)).toEqual([
      'on a ship',
      'on a ship',
    ]);
    await expect.poll(() => fact('Platform version').textContent(), { timeout: 120_000, interval: 500 }).toBe('4.3.0');
    await button(`End the waiver of ${rolled}`).click();
    await story.row('Waivers', rolled).waitFor({ state: 'detached' });
  });

  it('a release is recalled with a reason, and offered again', async () => {
    await story.page.getByRole('tab', { name: 'Releases' }).click();
    const release = story.row('Releases', /^4\.3\.0/);
    await release.getByText('Platform').waitFor();
    await button('Recall 4.3.0').click();
    await dialog().getByLabel('Reason').fill('It loses polls.');
    await dialog().getByRole('button', { name: 'Recall' }).click();
    await release.getByText('Recalled by admin: It loses polls.').waitFor();
    await look('platform-releases');
    await button('Withdraw the recall of 4.3.0').click();
    await dialog().getByLabel('Reason').fill('It was the network.');
    await dialog().getByRole('button', { name: 'Withdraw the recall' }).click();
    await button('Recall 4.3.0').waitFor();
  });

  it('a channel is followed, and none again', async () => {
    await story.page.goto('/platform');
    await story.page.getByLabel('Follow').selectOption('stable');
    await region('Channel').getByRole('button', { name: 'Follow' }).click();
    await eventually(() => fact('Channel').textContent()).toBe('stable');
    await story.page.getByLabel('Follow').selectOption('No channel: every imported release');
    await region('Channel').getByRole('button', { name: 'Follow' }).click();
    await eventually(() => fact('Channel').textContent()).toContain('none');
  });
});
