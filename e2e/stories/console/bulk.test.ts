/** Several gateways at once: paused with a reason, resumed, reviewed one after another; each with an answer of its own. */

import { describe, expect, it } from 'vitest';
import { consoleStory, eventually, sandboxVersion } from '../../src/console-story.ts';

const story = consoleStory();
const { button, heading, look } = story;
const dialog = () => story.page.getByRole('dialog');
const acts = () => story.page.getByRole('region', { name: 'Acts on the selected gateways' });
const result = (name: string) => dialog().getByRole('row', { name });
const paused = async () => (await story.gateways()).filter(({ isPaused }) => isPaused).map(({ name }) => name);

describe('acts on several gateways, in order', () => {
  it('nothing is selected: the acts stay, cannot be pressed and say why', async () => {
    await story.waitForGateways(
      'running gateways',
      ({ agentVersion, isCurrent }) => agentVersion === sandboxVersion && isCurrent,
    );
    await story.page.goto('/gateways');
    await acts().getByText('0 gateways selected').waitFor();
    for (const name of ['Pause', 'Resume', 'Review updates']) {
      expect(await acts().getByRole('button', { name }).getAttribute('aria-disabled')).toBe('true');
    }
    await acts().getByText('No gateway is selected').first().waitFor();
  });

  it('two are paused with a reason and an end, and are shown so at once', async () => {
    await story.page.getByRole('checkbox', { name: 'Select sandbox-maas' }).check();
    await story.page.getByRole('checkbox', { name: 'Select sandbox-vsphere' }).check();
    await acts().getByText('2 gateways selected').waitFor();
    await acts().getByRole('button', { name: 'Pause' }).click();
    await dialog().getByLabel('Reason').fill('freeze of the quarter');
    await dialog().getByLabel('Until').selectOption({ label: '1 day from now' });
    await look('bulk-pause');
    await dialog().getByRole('button', { name: 'Pause' }).click();
    await dialog().getByText('2 of 2 done').waitFor();
    for (const name of ['sandbox-maas', 'sandbox-vsphere']) await result(name).getByText('Paused').waitFor();
    await look('bulk-results');
    await button('Close').last().click();
    expect(await paused()).toEqual(['sandbox-maas', 'sandbox-vsphere']);
    for (const { name, pauses } of await story.gateways()) {
      const expected = name === 'sandbox-openstack' ? [] : ['freeze of the quarter'];
      expect(pauses.map(({ reason }) => reason)).toEqual(expected);
      expect(pauses.every(({ until }) => until !== undefined)).toBe(true);
    }
    await story.row('Gateways', 'sandbox-maas').getByText('Paused').waitFor();
  });

  it('resumed with one that is not paused: that one is refused by name, the others go on', async () => {
    await story.page.getByRole('checkbox', { name: 'Select sandbox-openstack' }).check();
    await acts().getByText('3 gateways selected').waitFor();
    await acts().getByRole('button', { name: 'Resume' }).click();
    await dialog().getByRole('button', { name: 'Resume' }).click();
    await dialog().getByText('2 of 3 done, 1 refused').waitFor();
    await result('sandbox-maas').getByText('Resumed').waitFor();
    await result('sandbox-openstack')
      .getByText(/sandbox-openstack/)
      .first()
      .waitFor();
    await button('Close').last().click();
    expect(await paused()).toEqual([]);
  });

  it('profile updates of two are reviewed one after another, each confirmed by its own plan', async () => {
    await story.moveTo('4.2.7');
    await story.page.goto('/gateways?state=waiting-for-confirmation');
    await eventually(() => story.page.getByRole('checkbox', { name: /^Select sandbox-/ }).count()).toBe(2);
    await story.page.getByRole('checkbox', { name: 'Select all on this page' }).check();
    await acts().getByRole('link', { name: 'Review updates' }).click();
    await heading('Review updates').waitFor();
    for (const [index, name] of ['sandbox-maas', 'sandbox-vsphere'].entries()) {
      await heading(`${name}: Profile 4.1.12 → 4.2.7`, 2).waitFor();
      await story.page.getByText(`${index + 1} of 2`).waitFor();
      const { planId } = await story.plane.client.getProfileUpdate({ params: { gateway: name } });
      await story.page.getByText(planId).waitFor();
      if (index === 0) await look('bulk-review');
      await button('Confirm updates').click();
      await dialog().getByRole('button', { name: 'Confirm' }).click();
      await story.page.getByText('Confirmed: it starts with the gateway’s next poll.').waitFor();
      const after = await story.plane.client.getProfileUpdate({ params: { gateway: name } });
      expect([after.planId, after.phase === 'available']).toEqual([planId, false]);
      if (index === 0) await story.page.getByRole('link', { name: 'Next gateway' }).click();
    }
    await story.page.getByRole('navigation', { name: 'Gateways to review' }).getByText('confirmed').first().waitFor();
  });
});
