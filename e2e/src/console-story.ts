/**
 * What every story in the browser needs: a control plane with its sandbox, a Chromium, somebody signed in, finders by role
 * and label, and a look at each page that fails on what axe finds. What a page may not do (an error, a dialog of the
 * browser, a breach of the content security policy, a request to anybody else) fails the test in which it happened.
 */

import type { Gateway } from '@gatehouse/contract/operator-types';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { look as findFaultsOfLook, startBrowser, type Visitor, visit } from './browser.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { waitFor } from './program.ts';

export interface ConsoleStoryOptions {
  /** Those after `npm start --`, such as `--no-sandbox`. */
  readonly args?: readonly string[];
  /** `false`: the story signs in by itself. */
  readonly signsIn?: boolean;
  /** A PostgreSQL of the story's own, which it stops itself; absent: the control plane starts one. */
  readonly databaseUrl?: () => Promise<string>;
}

export interface ConsoleStory extends Finders {
  readonly plane: ControlPlane;
  readonly browser: Browser;
  /** The person the story is about, by default the first admin. */
  readonly operator: Visitor;
  readonly page: Page;
  /** Somebody else with a browser of their own, signed in by an API token if one is given. */
  readonly visitor: (options?: VisitorOptions) => Promise<Visitor>;
  readonly gateways: () => Promise<readonly Gateway[]>;
  /** Waits until there are gateways and each `isSo`. Sandbox gateways need about half a minute to be running. */
  readonly waitForGateways: (what: string, isSo: (gateway: Gateway) => boolean) => Promise<readonly Gateway[]>;
  /** The platform moves to `version`, and every agent follows. */
  readonly moveTo: (version: string) => Promise<readonly Gateway[]>;
  /** `npx gatehouse …`, which has to succeed; what it printed. */
  readonly gatehouse: (...args: readonly string[]) => Promise<string>;
}

export interface VisitorOptions {
  readonly token?: string;
  /** Its pages are made to fail, so that what they meet is no fault. */
  readonly meetsFaults?: boolean;
  /** Where the control plane is reached instead of directly, such as through a proxy. */
  readonly through?: string;
}

/** By role and label, on the story's page unless `on` says another. */
export interface Finders {
  readonly heading: (name: string | RegExp, level?: number, on?: Page) => Locator;
  readonly button: (name: string | RegExp, on?: Page) => Locator;
  readonly link: (name: string | RegExp, on?: Page) => Locator;
  readonly row: (table: string, name: string | RegExp, on?: Page) => Locator;
  /** The description that stands beside a term. */
  readonly fact: (term: string, on?: Page) => Locator;
  /**
   * The page in both themes and widths: axe finds nothing and nothing is wider than the window. Leaves four screenshots
   * in `e2e/screenshots`, which somebody looks at before a change of the console is called done.
   */
  readonly look: (name: string, on?: Page) => Promise<void>;
}

export const sandboxVersion = '4.1.12';

/** The same question until it has the expected answer: `await eventually(() => …).toBe(…)`. */
export const eventually = (ask: () => Promise<unknown>) => expect.poll(ask, { timeout: 20_000, interval: 100 });

/** Registers the file's hooks; what it returns is there from the first test on. */
export function consoleStory({ args = [], signsIn = true, databaseUrl }: ConsoleStoryOptions = {}): ConsoleStory {
  let started: { readonly plane: ControlPlane; readonly browser: Browser } | undefined;
  let operator: Visitor | undefined;
  const watched: Visitor[] = [];
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the story has not begun: its control plane starts before the first test');
    return value;
  };

  async function visitor({ token, meetsFaults = false, through }: VisitorOptions = {}): Promise<Visitor> {
    const { browser, plane } = there(started);
    const visiting = await visit(browser, through ?? plane.server);
    if (!meetsFaults) watched.push(visiting);
    if (token !== undefined) await signIn(visiting.page, token);
    return visiting;
  }
  const faults = () => watched.flatMap((one) => one.faults());

  beforeAll(async () => {
    const browser = await startBrowser();
    try {
      const options = databaseUrl === undefined ? {} : { databaseUrl: await databaseUrl() };
      started = { browser, plane: await startControlPlane(args, options) };
    } catch (error) {
      await browser.close();
      throw error;
    }
    operator = await visitor(signsIn ? { token: started.plane.token } : {});
  });
  let seen = 0;
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail' && operator !== undefined) console.error(await whatIsThere(operator.page));
  });
  afterEach(() => {
    const before = seen;
    seen = faults().length;
    expect(faults().slice(before)).toEqual([]);
  });
  afterAll(async () => {
    await started?.browser.close();
    await started?.plane.stop();
  });

  async function gateways(): Promise<readonly Gateway[]> {
    return (await there(started).plane.client.listGateways({})).items;
  }
  async function waitForGateways(what: string, isSo: (gateway: Gateway) => boolean): Promise<readonly Gateway[]> {
    return waitFor(
      what,
      async () => {
        const list = await gateways();
        return list.length > 0 && list.every(isSo) ? list : undefined;
      },
      { timeoutSeconds: 150, everyMilliseconds: 1000, explain: there(started).plane.program.output },
    );
  }
  async function gatehouse(...cliArgs: readonly string[]): Promise<string> {
    const finished = await there(started).plane.gatehouse(cliArgs);
    expect(finished, `gatehouse ${cliArgs.join(' ')}`).toMatchObject({ exitCode: 0 });
    return finished.stdout;
  }

  const page = () => there(operator).page;
  return {
    get plane() {
      return there(started).plane;
    },
    get browser() {
      return there(started).browser;
    },
    get operator() {
      return there(operator);
    },
    get page() {
      return page();
    },
    visitor,
    gateways,
    waitForGateways,
    gatehouse,
    moveTo: async (version) => {
      await gatehouse('platform', 'upgrade', version);
      return waitForGateways(`agents on ${version}`, (gateway) => gateway.agentVersion === version);
    },
    heading: (name, level = 1, on = page()) => on.getByRole('heading', { name, level }),
    button: (name, on = page()) => on.getByRole('button', { name }),
    link: (name, on = page()) => on.getByRole('link', { name }),
    row: (table, name, on = page()) => on.getByRole('table', { name: table }).getByRole('row', { name }),
    fact: (term, on = page()) =>
      on.locator('dl > div', { has: on.locator('dt', { hasText: new RegExp(`^${term}$`) }) }).getByRole('definition'),
    look: async (name, on = page()) => {
      expect(await findFaultsOfLook(on, name)).toEqual([]);
    },
  };
}

/** For whoever reads why a story failed: where the page is, what it says, and whether it still draws. */
async function whatIsThere(page: Page): Promise<string> {
  const limit = new Promise<string>((resolve) => {
    setTimeout(() => resolve('the page does not answer'), 5000);
  });
  const said = page.locator('body').innerText({ timeout: 4000 });
  const drawn = page.evaluate<string>(
    `new Promise((done) => requestAnimationFrame(() => done(document.visibilityState + ', ' + document.getAnimations().map(
      (one) => one.constructor.name + ' ' + one.playState + ' ' + (one.transitionProperty ?? '') + ' ' + one.effect?.target?.className).join('; '))))`,
  );
  const found = Promise.all([said, drawn]).then(([text, state]) => `${state}\n${text}`);
  return `${page.url()}\n${await Promise.race([found.catch(String), limit])}`;
}

async function signIn(page: Page, token: string): Promise<void> {
  await page.goto('/sign-in');
  await page.getByLabel('API token').fill(token);
  await page.getByLabel('API token').press('Enter');
  await page.waitForURL((url) => url.pathname !== '/sign-in');
}
