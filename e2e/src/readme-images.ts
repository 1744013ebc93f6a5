/**
 * `npm run images`: takes the five pictures of the README from a sandbox of its own, and writes them into `docs/images`.
 * To be run, and looked at, when a page that is shown there changes.
 */

import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Gateway } from '@gatehouse/contract/operator-types';
import { startBrowser, visit } from './browser.ts';
import { startControlPlane } from './control-plane.ts';
import { repositoryRoot, waitFor } from './program.ts';

const folder = path.join(repositoryRoot, 'docs/images');
const size = { width: 1280, height: 720 } as const;
const [held, rolled] = ['sandbox-openstack', 'sandbox-vsphere'] as const;

const plane = await startControlPlane();
const browser = await startBrowser();
try {
  const { page } = await visit(browser, plane.server);
  page.setDefaultTimeout(120_000);
  await page.setViewportSize(size);
  const gatehouse = async (...args: readonly string[]) => {
    const { exitCode, stderr } = await plane.gatehouse(args);
    if (exitCode !== 0) throw new Error(`gatehouse ${args.join(' ')}: ${stderr}`);
  };
  const gateways = (what: string, areSo: (gateway: Gateway) => boolean) =>
    waitFor(
      what,
      async () => {
        const { items } = await plane.client.listGateways({});
        return items.length === 3 && items.every(areSo) ? true : undefined;
      },
      { timeoutSeconds: 300, everyMilliseconds: 1000 },
    );
  const take = async (name: string) => {
    await page.mouse.move(0, 0);
    // Whatever was just opened has its fonts and has faded in.
    await page.evaluate('document.fonts.ready');
    await page.waitForFunction('document.getAnimations().every((one) => !(one instanceof CSSTransition))');
    await page.screenshot({ path: path.join(folder, `${name}.png`) });
    console.log(`docs/images/${name}.png`);
  };

  await mkdir(folder, { recursive: true });
  await gateways('current gateways', ({ isCurrent }) => isCurrent);
  await gatehouse('sandbox', 'break', held, '--by', 'bad-agent', '--data', plane.directory);
  await gatehouse('platform', 'upgrade', '4.2.7');
  await gateways(
    'an agent that was taken back, and updates that wait',
    ({ name, updatesAvailable, agentVersion, takenBack }) =>
      name === held ? takenBack.length > 0 : updatesAvailable && agentVersion === '4.2.7',
  );

  await page.goto(plane.signInLink());
  await page.getByRole('link', { name: /^1 Held/ }).waitFor();
  await page.getByRole('heading', { name: 'Platform', level: 2 }).waitFor();
  await take('overview');
  await page.goto('/gateways');
  await page.getByRole('link', { name: held }).waitFor();
  await take('gateways');
  await page.getByRole('link', { name: held }).click();
  await page.getByRole('heading', { name: 'Why not yet' }).waitFor();
  await page.getByRole('link', { name: 'Go to Settings' }).waitFor();
  await take('gateway');
  await page.goto(`/gateways/${rolled}/updates`);
  const confirm = page.getByRole('button', { name: 'Confirm updates' });
  await confirm.waitFor();
  await page.getByText('All 7 images can be had.').waitFor();
  await page.getByRole('heading', { name: 'What changes, layer by layer' }).scrollIntoViewIfNeeded();
  await page.evaluate(`document.querySelector('main').scrollTo(0, 620)`);
  await take('review');
  await page.evaluate(`document.querySelector('main').scrollTo(0, 0)`);
  await confirm.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Confirm' }).click();
  await page.getByText(/of 3 replaced/).waitFor();
  await page.evaluate(`document.querySelector('main').scrollTo(0, 170)`);
  await take('follow');
} finally {
  await browser.close();
  await plane.stop();
}
