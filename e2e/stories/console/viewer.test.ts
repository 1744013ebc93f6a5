/** A Viewer sees everything in their scope and can do nothing; each act says why. What is others' is nowhere. */

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { consoleStory, eventually, sandboxVersion } from '../../src/console-story.ts';

const story = consoleStory({ signsIn: false });
const { heading, link, look } = story;
const viewer = async (tenant: string): Promise<Page> => {
  const { token } = await story.plane.client.createToken({
    body: { name: `onlooker-${tenant}`, role: 'Viewer', tenant },
  });
  return (await story.visitor({ token })).page;
};

describe('a Viewer', () => {
  it('sees the fleet of their tenant, and of each act that their role does not permit it', async () => {
    await story.waitForGateways(
      'running gateways',
      ({ agentVersion, isCurrent }) => agentVersion === sandboxVersion && isCurrent,
    );
    const page = await viewer('default');
    await link(/^3 Current/, page).click();
    const boxes = page.getByRole('checkbox', { name: /^Select sandbox-/ });
    await eventually(() => boxes.count()).toBe(3);
    await page.getByRole('checkbox', { name: 'Select all on this page' }).check();
    const acts = page.getByRole('region', { name: 'Acts on the selected gateways' });
    for (const [name, act] of [
      ['Pause', 'pausing gateways'],
      ['Resume', 'resuming gateways'],
    ] as const) {
      const button = acts.getByRole('button', { name });
      expect(await button.getAttribute('aria-disabled')).toBe('true');
      await acts.getByText(`Your role Viewer does not permit ${act}.`).waitFor();
      await button.click({ force: true });
    }
    expect(await page.getByRole('dialog').count()).toBe(0);
    await look('viewer-gateways', page);
    await acts.getByRole('link', { name: 'Review updates' }).click();
    await heading('Review updates', 1, page).waitFor();
    await page.goto('/events');
    await page.getByRole('table', { name: 'Events' }).getByRole('row').nth(1).waitFor();
    expect((await story.gateways()).flatMap(({ pauses }) => pauses)).toEqual([]);
  });

  it('of another tenant sees none of it, in counts, list, events and by address', async () => {
    await story.plane.client.createTenant({ body: { name: 'acme' } });
    const page = await viewer('acme');
    await heading('No gateways yet', 2, page).waitFor();
    await look('overview-empty', page);
    await page.goto('/gateways');
    await heading('No gateways yet', 2, page).waitFor();
    await page.goto('/events');
    await page.getByText('Nothing has happened yet').waitFor();
    await page.goto('/gateways/sandbox-maas');
    await heading('There is no such page', 1, page).waitFor();
  });
});
