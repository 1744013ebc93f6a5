/**
 * Why a gateway is not current: somebody who has never seen it finds every reason, with what can be done about each and
 * the way there, and does it: a pause of the gateway, an agent version that was taken back, an exemption from a pause of
 * the tenant.
 */

import { describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';

const story = consoleStory();
const { button, fact, heading, link, look } = story;
const dialog = () => story.page.getByRole('dialog');
const owners = 'sandbox-openstack';
const rolled = 'sandbox-vsphere';
const reasonsOf = async (gateway: string) => {
  const { reasons } = await story.plane.client.explainGateway({ params: { gateway } });
  return reasons;
};
const openSettings = async (gateway: string) => {
  await story.page.goto(`/gateways/${gateway}/settings`);
  await heading(gateway).waitFor();
};

describe('why not yet, in order', () => {
  it('the pause of a gateway is set in its settings, with a reason and an end', async () => {
    await story.waitForGateways('current gateways', (gateway) => gateway.isCurrent);
    await openSettings(owners);
    const toggle = story.page.getByRole('switch', { name: 'Pause Agent Upgrades' });
    expect(await toggle.isChecked()).toBe(false);
    await toggle.press('Space');
    await dialog().getByLabel('Reason').fill('stocktaking');
    await dialog().getByLabel('Until').selectOption('8 hours from now');
    await look('gateway-pause');
    await dialog().getByRole('button', { name: 'Pause' }).click();
    await eventually(() => toggle.isChecked()).toBe(true);
    await story.row('Pauses that concern this gateway', /Gateway sandbox-openstack.*stocktaking/).waitFor();
    const { pauses } = await story.plane.client.getGateway({ params: { gateway: owners } });
    expect(pauses).toMatchObject([{ scope: { kind: 'gateway', name: owners }, reason: 'stocktaking' }]);
    expect(Date.parse(pauses[0]?.until ?? '') - Date.parse(pauses[0]?.since ?? '')).toBeGreaterThan(7 * 3_600_000);
  });

  it('the overview says every reason the control plane gives, with its next step and the way to it', async () => {
    await story.gatehouse('sandbox', 'break', rolled, '--by', 'bad-agent', '--data', story.plane.directory);
    await story.gatehouse('platform', 'upgrade', '4.2.7');
    await story.page.goto(`/gateways/${owners}`);
    await heading('Why not yet', 2).waitFor();
    await expect
      .poll(async () => (await reasonsOf(owners)).map(({ code }) => code), { timeout: 60_000 })
      .toEqual(['paused']);
    for (const { message, nextStep } of await reasonsOf(owners)) {
      await story.page.getByText(message.slice(0, 40)).first().waitFor();
      if (nextStep !== undefined) await story.page.getByText(nextStep.slice(0, 30)).first().waitFor();
    }
    await eventually(() => fact('Agent Version').textContent()).toBe('4.1.12should run 4.2.7');
    await look('gateway-why');
    await link('Go to Settings').click();
    await story.page.getByRole('switch', { name: 'Pause Agent Upgrades' }).waitFor();
  });

  it('resumed, the agent follows by itself, and the page says current', async () => {
    await story.page.getByRole('switch', { name: 'Pause Agent Upgrades' }).press('Space');
    await dialog().getByRole('button', { name: 'Resume' }).click();
    await story.page.getByText('No scope of this gateway is paused').waitFor();
    await story.page.getByRole('tab', { name: 'Overview' }).click();
    await heading('Current', 2).waitFor({ timeout: 120_000 });
    expect(await fact('Agent Version').textContent()).toBe('4.2.7');
  });

  it('a version that was taken back says why, and is tried again when a person says so', async () => {
    await story.page.goto(`/gateways/${rolled}`);
    await heading('Why not yet', 2).waitFor();
    const settings = link('Go to Settings');
    await settings.first().waitFor({ timeout: 150_000 });
    await look('gateway-taken-back');
    await settings.first().click();
    const row = story.row('Agent versions that were taken back', /^4\.2\.7/);
    await row.waitFor();
    await story.gatehouse('sandbox', 'break', rolled, '--by', 'bad-agent', '--mend', '--data', story.plane.directory);
    await row.getByRole('button', { name: 'Try 4.2.7 again' }).click();
    await story.page.getByText('A person has said that it may be tried again').waitFor();
    await look('gateway-settings');
    await story.page.getByRole('tab', { name: 'Overview' }).click();
    await expect.poll(() => fact('Agent Version').textContent(), { timeout: 150_000, interval: 500 }).toBe('4.2.7');
  });

  it('a pause of the tenant holds it too, and an exemption with an end lets this one go', async () => {
    await story.gatehouse('pause', 'set', 'tenant', 'default', '--reason', 'month end');
    await openSettings(owners);
    await story.row('Pauses that concern this gateway', /Tenant default.*month end/).waitFor();
    await button('Exempt this gateway').click();
    await dialog().getByLabel('Reason').fill('it is needed');
    await dialog().getByRole('button', { name: 'Exempt' }).click();
    await story.page.getByText('It is paused and exempt').waitFor();
    await eventually(() => fact('Reason').textContent()).toBe('it is needed');
    await button('End the exemption').click();
    await button('Exempt this gateway').waitFor();
  });

  it('a gateway is deleted only by who types its name', async () => {
    await openSettings(owners);
    await button('Delete the gateway').click();
    const submit = dialog().getByRole('button', { name: 'Delete' });
    await dialog()
      .getByLabel(/Type sandbox-openstack/)
      .fill('sandbox-vsphere');
    expect(await submit.isDisabled()).toBe(true);
    await dialog()
      .getByLabel(/Type sandbox-openstack/)
      .fill(owners);
    await look('gateway-delete');
    await submit.click();
    await dialog().waitFor({ state: 'detached' });
    await expect
      .poll(async () => (await story.plane.client.getGateway({ params: { gateway: owners } })).status)
      .toMatch(/^Delet/);
    await story.page.getByText(/The gateway is Delet(ing|ed) already\./).waitFor();
  });
});
