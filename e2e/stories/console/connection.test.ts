/**
 * The connection is lost and heals: the page says so, tries again by itself, says that it is back, and shows what happened
 * meanwhile without being loaded anew.
 */

import { startFaultyProxy } from '@gatehouse/testkit/faulty-proxy';
import { describe, it } from 'vitest';
import { consoleStory, eventually, sandboxVersion } from '../../src/console-story.ts';

const story = consoleStory();
const { link, look } = story;

describe('a connection that is lost', () => {
  it('is shown, heals by itself, and what happened meanwhile is there', async () => {
    await story.waitForGateways(
      'running gateways',
      ({ agentVersion, isCurrent }) => agentVersion === sandboxVersion && isCurrent,
    );
    const between = await startFaultyProxy({ target: new URL(story.plane.server) });
    const { page, context } = await story.visitor({
      token: story.plane.token,
      meetsFaults: true,
      through: between.url,
    });
    await link(/^0 Paused/, page).waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.evaluate('globalThis.isTheSamePage = true');
    between.setConnections('silent');
    await story.gatehouse('pause', 'set', 'gateway', 'sandbox-maas', '--reason', 'meanwhile');
    const lost = page.getByText('The connection to the control plane is lost since');
    await lost.waitFor({ timeout: 60_000 });
    await page.getByText('Connection lost', { exact: true }).waitFor();
    await link(/^0 Paused/, page).waitFor();
    await look('overview-lost', page);
    between.heal();
    await page.getByText('The connection to the control plane is back').waitFor({ timeout: 40_000 });
    await lost.waitFor({ state: 'detached' });
    await link(/^1 Paused/, page).waitFor();
    await eventually(() => page.evaluate('globalThis.isTheSamePage')).toBe(true);
    await context.close();
    await between.stop();
  });
});
