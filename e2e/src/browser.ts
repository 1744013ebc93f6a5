/**
 * A real Chromium on the console. It keeps everything a page should not do: errors, breaches of the content security
 * policy, requests to anywhere else. `CHROMIUM` names the program where it is not Debian's.
 */

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { repositoryRoot, waitFor } from './program.ts';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startBrowser(): Promise<Browser> {
  const program = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(program)) {
    throw new Error(
      `There is no browser at ${program}: install Debian's package chromium, or name another with CHROMIUM.`,
    );
  }
  return chromium.launch({ executablePath: program, args: flags });
}

export interface Visitor {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the pages did that none may; a story ends by expecting none. */
  readonly faults: () => readonly string[];
}

/** Somebody with a browser of their own: no cookies, no cache. */
export async function visit(browser: Browser, server: string): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL: server,
    timezoneId: 'Europe/Lisbon',
    locale: 'en-GB',
    viewport: wide,
  });
  context.setDefaultTimeout(20_000);
  const faults: string[] = [];
  await context.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', (event) =>
      console.error('content security policy: ' + event.violatedDirective + ' ' + event.blockedURI));`,
  });
  context.on('console', (message) => {
    // A browser logs each answer that is no success; the page shows those itself.
    const isAnswer = message.text().startsWith('Failed to load resource: the server responded with a status of');
    if ((message.type() === 'error' || message.type() === 'warning') && !isAnswer) faults.push(message.text());
  });
  context.on('weberror', (error) => faults.push(String(error.error())));
  // Nothing here opens one: it would be a script that came in with a text.
  context.on('dialog', (dialog) => {
    faults.push(`a dialog of the browser: ${dialog.type()} ${dialog.message()}`);
    void dialog.dismiss();
  });
  context.on('request', (request) => {
    if (!request.url().startsWith(`${server}/`)) faults.push(`a request to ${request.url()}`);
  });
  return { context, page: await context.newPage(), faults: () => faults };
}

export const wide = { width: 1280, height: 800 } as const;
const narrow = { width: 390, height: 844 } as const;
// Colours fade over, and begin to with the next frame; axe would measure the middle of it.
const settledTheme = `new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {
  const isFading = document.getAnimations().some((one) => one instanceof CSSTransition);
  const isDark = document.documentElement.classList.contains('pf-v6-theme-dark');
  resolve(isFading ? 'fading' : isDark ? 'dark' : 'light');
})))`;
/** Ignored by git. Somebody looks at these before a change of the console is called done. */
const screenshots = path.join(repositoryRoot, 'e2e/screenshots');

/**
 * Looks at the page as it is now in both themes and widths: axe finds nothing, nothing is wider than the window. Leaves
 * a screenshot of each. Returns what it found, as sentences.
 */
export async function look(page: Page, name: string): Promise<readonly string[]> {
  const found: string[] = [];
  let placeWhenWide = '';
  await mkdir(screenshots, { recursive: true });
  for (const [width, viewport] of [
    ['wide', wide],
    ['narrow', narrow],
  ] as const) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await settle(page, colorScheme);
      const what = `${name}, ${width}, ${colorScheme}`;
      const { violations } = await new AxeBuilder({ page }).analyze();
      for (const { id, help, nodes } of violations) {
        found.push(`${what}: ${id}: ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
      }
      const isWider = await page.evaluate<boolean>(
        `[document.documentElement, ...document.querySelectorAll('main')].some((one) => one.scrollWidth > one.clientWidth + 1)`,
      );
      if (isWider) found.push(`${what}: something is wider than the window`);
      await page.screenshot({ path: path.join(screenshots, `${name}-${width}-${colorScheme}.png`) });
    }
    if (width === 'wide') placeWhenWide = await placeOfMain(page);
  }
  await page.setViewportSize(wide);
  await settle(page, 'light');
  let place = '';
  // What stands beside the page comes back a moment after its room, and what is pressed meanwhile is pushed away.
  await waitFor(
    'the page to stand where it stood',
    async () => {
      place = await placeOfMain(page);
      return place === placeWhenWide ? true : undefined;
    },
    {
      timeoutSeconds: 30,
      everyMilliseconds: 50,
      explain: () => `it stood at ${placeWhenWide}, and stands at ${place}`,
    },
  );
  return found;
}

async function settle(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  let seen = 'nothing';
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await waitFor(
    `the theme to be ${colorScheme}`,
    async () => {
      seen = await page.evaluate<string>(settledTheme);
      return seen === colorScheme ? true : undefined;
    },
    { timeoutSeconds: 30, everyMilliseconds: 50, explain: () => `it is ${seen}` },
  );
}

const placeOfMain = (page: Page): Promise<string> =>
  page.evaluate<string>(`(() => {
    const { left, width } = (document.querySelector('main') ?? document.body).getBoundingClientRect();
    return [left, width].join(' ');
  })()`);
