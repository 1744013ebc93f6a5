/**
 * Somebody who has never seen it, on one walk: signed in by the terminal's link, a gateway made to break, the platform
 * moved, the gateway that did not follow found, its reason read, the cause mended, tried again, and its profile update
 * confirmed and followed to its end. No address is typed and no name guessed: everything is led to by the page before.
 */

import { describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';

const story = consoleStory({ signsIn: false });
const { button, fact, heading, link, look } = story;
const broken = 'sandbox-vsphere';
const dialog = () => story.page.getByRole('dialog');
const breakIt = (...more: readonly string[]) =>
  story.gatehouse('sandbox', 'break', broken, '--data', story.plane.directory, ...more);

describe('a newcomer finds out why, and makes it good, in order', () => {
  it('signs in by the link, and sees that every gateway is current', async () => {
    await story.page.goto(story.plane.signInLink());
    await heading('Overview').waitFor();
    await link(/^3 Current/).waitFor({ timeout: 120_000 });
    await look('newcomer-overview');
  });

  it('breaks a gateway, is told where it shows, and is led there by the overview', async () => {
    expect(await breakIt()).toContain('on the page Platform of the console');
    await link('Plan the upgrade to 4.2.7').click();
    await button('Start the upgrade to 4.2.7').click();
    await dialog().getByRole('button', { name: 'Start' }).click();
    await dialog().waitFor({ state: 'detached' });
    await story.page.getByRole('listitem', { name: '4.1.12 → 4.2.7: taken' }).waitFor({ timeout: 60_000 });
  });

  it('sees one gateway held on the overview, and opens it from there', async () => {
    await story.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Overview' }).click();
    await link(/^1 Held/).waitFor({ timeout: 150_000 });
    await look('newcomer-held');
    await link(/^1 Held/).click();
    await heading('Gateways').waitFor();
    await story.row('Gateways', broken).getByRole('link', { name: broken }).click();
    await heading('Why not yet', 2).waitFor();
  });

  it('reads why: the version, what it died of, and how that is taken away', async () => {
    const why = story.page.locator('.console-text', { hasText: 'Agent 4.2.7 was tried and taken back' }).first();
    await why.waitFor();
    expect(await why.textContent()).toMatch(/exit code 1.*--mend/);
    await eventually(() => fact('Agent Version').textContent()).toBe('4.1.12should run 4.2.7');
    await look('newcomer-why');
  });

  it('mends the cause, and lets the version be tried again', async () => {
    await link('Go to Settings').first().click();
    await breakIt('--mend');
    const row = story.row('Agent versions that were taken back', /^4\.2\.7/);
    expect(await row.textContent()).not.toContain('`');
    await row.getByRole('button', { name: 'Try 4.2.7 again' }).click();
    await story.page.getByText('A person has said that it may be tried again').waitFor();
    await look('newcomer-tried-again');
    await story.page.getByRole('tab', { name: 'Overview' }).click();
    await expect.poll(() => fact('Agent Version').textContent(), { timeout: 150_000, interval: 500 }).toBe('4.2.7');
  });

  it('confirms the profile update that is now possible, and follows it to its end', async () => {
    await heading(/Profile 4\.2\.7 is available/, 2).waitFor();
    // By the keyboard: the page above it still moves, since the agent has only just come.
    await link(/^Updates$/).press('Enter');
    await heading('Profile 4.1.12 → 4.2.7').waitFor();
    await heading('It cannot be confirmed now', 2).waitFor({ state: 'detached', timeout: 120_000 });
    await button('Confirm updates').click();
    await dialog().getByRole('button', { name: 'Confirm' }).click();
    const events = story.page.getByRole('table', { name: 'Events' });
    await events.getByText('all control planes are updated', { exact: true }).waitFor({ timeout: 180_000 });
    await events.getByText('profile update completed', { exact: true }).waitFor({ timeout: 60_000 });
    await heading(/Profile 4\.2\.7 is applied/, 2).waitFor();
    await look('newcomer-completed');
  });
});
