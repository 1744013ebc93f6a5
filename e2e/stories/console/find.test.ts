/**
 * Somebody opens the console in the morning: sees how the fleet stands, goes from a number to the gateways behind it, and
 * finds one of them by its name, its state and its agent. The address always says what is shown.
 */

import { describe, expect, it } from 'vitest';
import { consoleStory, eventually, sandboxVersion } from '../../src/console-story.ts';

const story = consoleStory();
const { heading, link, look } = story;
const row = (name: string) => story.row('Gateways', name);
const names = () => story.page.getByRole('table', { name: 'Gateways' }).getByRole('link').allTextContents();
/** In the order of their names, whichever was chosen first. */
const address = () => {
  const { searchParams } = new URL(story.page.url());
  searchParams.sort();
  return Promise.resolve(searchParams.toString());
};
const all = ['sandbox-maas', 'sandbox-openstack', 'sandbox-vsphere'];

describe('finding a gateway, in order', () => {
  it('the overview counts the states, and each number leads to its gateways', async () => {
    await story.waitForGateways(
      'running gateways',
      ({ agentVersion, isCurrent }) => agentVersion === sandboxVersion && isCurrent,
    );
    await story.page.goto('/');
    await heading('Overview').waitFor();
    await link(/^3 Current/).waitFor();
    await link(/^0 Held/).waitFor();
    await story.gatehouse('pause', 'set', 'gateway', 'sandbox-maas', '--reason', 'storage audit');
    await link(/^1 Paused/).waitFor();
    await link(/^1 Paused/).click();
    await heading('Gateways').waitFor();
    await eventually(names).toEqual(['sandbox-maas']);
    expect(await address()).toBe('state=paused');
    await story.page.goBack();
    await heading('Overview').waitFor();
    await story.gatehouse('platform', 'upgrade', '4.2.7', '--wait');
    await link(/^2 Waiting for confirmation/).waitFor({ timeout: 120_000 });
    const versions = story.page.getByRole('list', { name: 'Agent versions' });
    await eventually(() => versions.getByRole('link').allTextContents()).toEqual(['4.2.7', '4.1.12']);
    await look('overview');
    await versions.getByRole('link', { name: '4.1.12' }).click();
    await eventually(names).toEqual(['sandbox-maas']);
    expect(await address()).toBe('agentVersion=4.1.12');
  });

  it('search, filters and order stand in the address, which another browser shows alike', async () => {
    await story.page.goto('/gateways');
    await eventually(names).toEqual(all);
    await story.page.getByLabel('Search by name').fill('STACK');
    await eventually(names).toEqual(['sandbox-openstack']);
    await eventually(address).toBe('search=STACK');
    await story.page.getByRole('button', { name: 'Remove the filter Search by name: STACK' }).click();
    await eventually(names).toEqual(all);
    await story.page.getByRole('button', { name: 'Provider' }).click();
    await eventually(names).toEqual(all);
    await story.page.getByRole('button', { name: 'Provider' }).click();
    await eventually(names).toEqual(all.toReversed());
    await eventually(address).toBe('sort=-provider');
    await story.page.getByLabel('State', { exact: true }).selectOption({ label: 'Waiting for confirmation' });
    await eventually(address).toBe('sort=-provider&state=waiting-for-confirmation');
    await eventually(async () => (await names()).length).toBe(2);
    const shown = await names();
    const other = await story.visitor({ token: story.plane.token });
    await other.page.goto(story.page.url());
    const table = other.page.getByRole('table', { name: 'Gateways' });
    await eventually(() => table.getByRole('link').allTextContents()).toEqual(shown);
    await other.context.close();
    await look('gateways-filtered');
  });

  it('what no gateway has is said so, and what is no filter is refused in words; both have a way out', async () => {
    await story.page.goto('/gateways?provider=nowhere');
    await heading('No gateway fits', 2).waitFor();
    await story.page.getByRole('button', { name: 'Clear all filters' }).first().click();
    await eventually(names).toEqual(all);
    await story.page.goto('/gateways?state=odd');
    await story.page.getByRole('alert').getByText('query.state').first().waitFor();
    await story.page.getByRole('button', { name: 'Clear all filters' }).click();
    await eventually(names).toEqual(all);
  });

  it('by the keyboard alone: past the frame, to the search, to the gateway', async () => {
    await story.page.goto('/gateways');
    await eventually(names).toEqual(all);
    await story.page.keyboard.press('Tab');
    await story.page.keyboard.press('Enter');
    await eventually(() => story.page.evaluate('document.activeElement.id')).toBe('main');
    const focused = () =>
      story.page.evaluate<string>(
        'document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent',
      );
    const tabTo = async (label: string) => {
      for (let steps = 0; steps < 60 && (await focused()) !== label; steps += 1) await story.page.keyboard.press('Tab');
      expect(await focused()).toBe(label);
    };
    await tabTo('Search by name');
    await story.page.keyboard.type('maas');
    await eventually(names).toEqual(['sandbox-maas']);
    await tabTo('sandbox-maas');
    await story.page.keyboard.press('Enter');
    await heading('sandbox-maas').waitFor();
  });

  it('events of all gateways come by themselves, newest first, and are narrowed by the address', async () => {
    await story.page.goto('/events');
    await heading('Events').waitFor();
    const table = story.page.getByRole('table', { name: 'Events' });
    await story.gatehouse('pause', 'clear', 'gateway', 'sandbox-maas');
    const newest = table.getByRole('row').filter({ hasText: 'sandbox-maas' }).first();
    await newest.filter({ hasText: 'agent-updates-resumed' }).waitFor();
    await look('events');
    await story.page.getByLabel('Search in messages').fill('storage audit');
    await eventually(() => table.getByRole('row').count()).toBe(2);
    await eventually(address).toBe('search=storage+audit');
    await story.page.getByLabel('Severity').selectOption('warning');
    await story.page.getByText('No event fits.').waitFor();
    await table.waitFor({ state: 'detached' });
    await story.page.getByRole('button', { name: 'Clear all filters' }).click();
    await table.getByRole('link', { name: 'sandbox-maas' }).first().click();
    await heading('sandbox-maas').waitFor();
    await row('sandbox-maas').waitFor({ state: 'detached' });
  });
});
