/**
 * Confirming what cannot be confirmed: a plan that has changed since it was seen is refused, and what is otherwise now
 * stands in place; a gateway whose agent is not there yet says so; a role that may not. And an update that has stopped:
 * what can be done about it, and why the rest cannot.
 */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { consoleStory } from '../../src/console-story.ts';

const story = consoleStory();
const { button, heading, look } = story;
const dialog = () => story.page.getByRole('dialog');
const rolled = 'sandbox-vsphere';
const single = 'sandbox-maas';
const onSingle = { params: { gateway: single } };

const address = '**/v1/gateways/*/profile-update';
const olderPlanId = `sha256:${'0'.repeat(64)}`;
const olderSentence = 'A sentence that only the older plan had.';

/** The page gets the plan as it was before something changed. */
async function showOlderPlan(page: Page): Promise<void> {
  await page.route(address, async (route) => {
    const response = await route.fetch();
    const update: unknown = await response.json();
    if (typeof update !== 'object' || update === null || !('summary' in update)) return route.fulfill({ response });
    const { summary } = update;
    const older = { ...update, planId: olderPlanId, summary: { ...Object(summary), sentences: [olderSentence] } };
    return route.fulfill({ response, json: older });
  });
}

describe('a confirmation, in order', () => {
  it('waits for the agent, and says so where the button is', async () => {
    await story.waitForGateways('current gateways', (gateway) => gateway.isCurrent);
    // A paused agent stays behind, so the profile waits for it.
    await story.gatehouse('pause', 'set', 'gateway', single, '--reason', 'month end');
    await story.gatehouse('platform', 'upgrade', '4.2.7');
    await story.page.goto(`/gateways/${single}/updates`);
    await heading('Profile 4.1.12 → 4.2.7').waitFor();
    await heading('It cannot be confirmed now', 2).waitFor();
    const confirm = button('Confirm updates');
    expect(await confirm.getAttribute('aria-disabled')).toBe('true');
    await story.page.getByText(/needs agent 4\.2\.7 or newer/).waitFor();
    await confirm.click({ force: true });
    expect(await dialog().count()).toBe(0);
    await look('confirm-held');
    await story.gatehouse('pause', 'clear', 'gateway', single);
    await heading('It cannot be confirmed now', 2).waitFor({ state: 'detached', timeout: 120_000 });
  });

  it('of a plan that has changed is refused, and the page says in place what is otherwise now', async () => {
    await showOlderPlan(story.page);
    await story.page.goto(`/gateways/${rolled}/updates`);
    await story.page.getByText(olderSentence).waitFor();
    await heading('It cannot be confirmed now', 2).waitFor({ state: 'detached', timeout: 120_000 });
    await button('Confirm updates').click();
    await story.page.unrouteAll({ behavior: 'wait' });
    await dialog().getByRole('button', { name: 'Confirm' }).click();
    await story.page.getByRole('alert').getByText('What was confirmed is no longer what would be done.').waitFor();
    await dialog().waitFor({ state: 'detached' });
    const changed = story.page.locator('.pf-v6-c-alert', { hasText: 'The plan has changed since you saw it' });
    await changed.getByText(`No longer: ${olderSentence}`).waitFor();
    const { summary } = await story.plane.client.getProfileUpdate({ params: { gateway: rolled } });
    await changed.getByText(`Now: ${summary.sentences[0] ?? ''}`).waitFor();
    await story.page.getByRole('region', { name: 'Layer kubernetes' }).waitFor();
    await look('confirm-changed');
    await changed.getByRole('button', { name: 'I have seen it' }).click();
    await changed.waitFor({ state: 'detached' });
    const { phase } = await story.plane.client.getProfileUpdate({ params: { gateway: rolled } });
    expect(phase).toBe('available');
  });

  it('is not for a role that does not permit it', async () => {
    const { token } = await story.plane.client.createToken({ body: { name: 'onlooker', role: 'Viewer' } });
    const viewer = await story.visitor({ token });
    await viewer.page.goto(`/gateways/${single}/updates`);
    const confirm = button('Confirm updates', viewer.page);
    await confirm.waitFor();
    expect(await confirm.getAttribute('aria-disabled')).toBe('true');
    await viewer.page.getByText('Your role Viewer does not permit confirming a profile update.').waitFor();
    await viewer.page.goto(`/gateways/${single}/settings`);
    await viewer.page.getByText('Your role Viewer does not permit pausing or resuming agent upgrades.').waitFor();
    await viewer.page.getByText('Your role Viewer does not permit deleting a gateway.').waitFor();
    expect(await button('Delete the gateway', viewer.page).getAttribute('aria-disabled')).toBe('true');
    expect(await viewer.page.getByRole('switch').isDisabled()).toBe(true);
    await look('settings-viewer', viewer.page);
    await viewer.context.close();
  });

  it('can be taken back until a control plane is being replaced', async () => {
    await story.gatehouse('sandbox', 'break', single, '--by', 'no-address', '--data', story.plane.directory);
    await story.page.goto(`/gateways/${single}/updates`);
    await button('Confirm updates').click();
    await dialog().getByRole('button', { name: 'Confirm' }).click();
    await heading(/Confirmed\. (Starts with the next poll|The gateway checks|The roll)/, 2).waitFor();
    await story.page.getByText(/has not stopped/).waitFor();
    await expect
      .poll(async () => (await story.plane.client.getProfileUpdate(onSingle)).cancelReasons.map(({ code }) => code), {
        timeout: 120_000,
      })
      .toEqual(['profile-update-past-cancel']);
    await story.page.getByText(/from there it only goes forward/).waitFor();
    expect(await button('Cancel the update').getAttribute('aria-disabled')).toBe('true');
  });

  it('whose update has stopped says where, and is retried from there', async () => {
    await heading(/The update has stopped/, 2).waitFor({ timeout: 170_000 });
    const { stopped } = await story.plane.client.getProfileUpdate(onSingle);
    await story.page
      .getByText(stopped?.message ?? 'no reason')
      .first()
      .waitFor();
    await story.page
      .getByRole('list', { name: 'Steps' })
      .getByText(/failed/)
      .first()
      .waitFor();
    await look('stopped-acts');
    await story.gatehouse('sandbox', 'break', single, '--by', 'no-address', '--mend', '--data', story.plane.directory);
    await button('Retry').click();
    await heading(/Profile 4\.2\.7 is applied/, 2).waitFor({ timeout: 170_000 });
    const events = story.page.getByRole('table', { name: 'Events' });
    await events.getByText('all control planes are updated', { exact: true }).waitFor();
  });
});
