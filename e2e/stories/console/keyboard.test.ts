/**
 * Without a mouse: from the overview to a gateway, why it is not current, the review of its update, its confirmation, and
 * a pause. After the first address only keys are pressed, and what has the focus can always be seen.
 */

import { releaseOf, runningCli } from '@gatehouse/server/testing/fleet';
import type { TestAgent } from '@gatehouse/server/testing/test-agent';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';
import { networkCaller } from '../../src/network-caller.ts';
import { type OwnReleases, startOwnReleases } from '../../src/own-releases.ts';

const story = consoleStory({ args: ['--no-sandbox'] });
const { button, heading, link } = story;
const dialog = () => story.page.getByRole('dialog');
let releases: OwnReleases;

const press = (key: string) => story.page.keyboard.press(key);
const hasFocus = async (locator: Locator) =>
  (await locator.count()) > 0 &&
  (await locator.first().evaluate((element) => element === element.ownerDocument.activeElement));
/** What has the focus lies within the window, with some size, unless it is the page itself. */
const focusIsSeen = `(() => {
  const element = document.activeElement;
  if (element === null || element === document.body) return true;
  const shown = element.matches('input[type=checkbox]') ? element.parentElement : element;
  const { top, bottom, left, right } = shown.getBoundingClientRect();
  return bottom > 0 && right > 0 && top < innerHeight && left < innerWidth && bottom > top && right > left;
})()`;

/** Presses Tab until it has the focus, as often as a page may ask of somebody. */
async function tabTo(locator: Locator): Promise<void> {
  await locator.first().waitFor();
  for (let times = 0; times < 80; times += 1) {
    if (await hasFocus(locator)) return;
    await press('Tab');
    await eventually(() => story.page.evaluate(focusIsSeen)).toBe(true);
  }
  throw new Error(`80 times Tab did not reach ${String(locator)}`);
}
const enter = async (locator: Locator) => {
  await tabTo(locator);
  await press('Enter');
};

beforeAll(async () => {
  const caller = networkCaller(story.plane);
  releases = await startOwnReleases(story.plane);
  await releases.publish('4.1.12');
  const agents: TestAgent[] = [];
  for (const name of ['site-a', 'site-b']) agents.push(await runningCli(caller, name));
  await releases.publish('4.2.7');
  await story.gatehouse('platform', 'upgrade', '4.2.7');
  const { agentVersion, agentDigest } = await releaseOf(caller, '4.2.7');
  for (const agent of agents) {
    await agent.polls();
    agent.seen = { ...agent.seen, agent: { version: agentVersion, digest: agentDigest } };
    await agent.polls();
  }
});
afterAll(() => releases?.remove());

describe('with the keyboard alone, in order', () => {
  it('a gateway is found', async () => {
    await story.page.goto('/');
    await link(/^2 Waiting for confirmation/).waitFor();
    await enter(story.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Gateways' }));
    await heading('Gateways').waitFor();
    await tabTo(story.page.getByLabel('Search by name'));
    await story.page.keyboard.type('site-b');
    const table = story.page.getByRole('table', { name: 'Gateways' });
    await eventually(() => table.getByRole('link').allTextContents()).toEqual(['site-b']);
    await enter(table.getByRole('link', { name: 'site-b' }));
    await heading('site-b').waitFor();
  });

  it('why it is not current is read, and followed to what can be done', async () => {
    await heading('Why not yet', 2).waitFor();
    await story.page.getByText('waits for a person to confirm it').waitFor();
    await enter(link('Go to Updates'));
    await heading('Profile 4.1.12 → 4.2.7').waitFor();
  });

  it('the difference is read to its end, and the plan confirmed', async () => {
    await heading('Preflight', 2).waitFor();
    await tabTo(button('Confirm updates'));
    await press('Enter');
    await dialog().waitFor();
    // Given up once: the focus is back where it was.
    await press('Escape');
    await dialog().waitFor({ state: 'detached' });
    await eventually(() => hasFocus(button('Confirm updates'))).toBe(true);
    await press('Enter');
    await tabTo(dialog().getByRole('button', { name: 'Confirm' }));
    await press('Enter');
    await heading(/Confirmed\. (Starts with the next poll|The gateway checks|The roll)/, 2).waitFor();
    const { phase } = await story.plane.client.getProfileUpdate({ params: { gateway: 'site-b' } });
    expect(phase).toBe('confirmed');
  });

  it('it is paused, with a reason and an end', async () => {
    await enter(story.page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'site-b' }));
    await heading('site-b').waitFor();
    await enter(story.page.getByRole('tab', { name: 'Settings' }));
    const toggle = story.page.getByRole('switch', { name: 'Pause Agent Upgrades' });
    await tabTo(toggle);
    await press('Space');
    await tabTo(dialog().getByLabel('Reason'));
    await story.page.keyboard.type('stocktaking');
    await tabTo(dialog().getByLabel('Until'));
    await story.page.keyboard.type('8 hours');
    await tabTo(dialog().getByRole('button', { name: 'Pause' }));
    await press('Enter');
    await dialog().waitFor({ state: 'detached' });
    await eventually(() => toggle.isChecked()).toBe(true);
    const { pauses } = await story.plane.client.getGateway({ params: { gateway: 'site-b' } });
    expect(pauses).toMatchObject([{ reason: 'stocktaking', until: expect.any(String) as string }]);
  });
});
