/**
 * Finding gateways among 10,000 beside finding them among 100: by the API, and in a real Chromium from the start of the
 * navigation.
 */

import { createClient } from '@gatehouse/contract/client';
import { startBrowser, type Visitor, visit } from '@gatehouse/e2e/browser';
import { startTestPostgres } from '@gatehouse/testkit/postgres';
import { type Fleet, startFleet } from './fleet.ts';
import { compare } from './rounds.ts';

const many = 10_000;
const few = 100;
const requests = 20;
const apiRounds = 9;
const consoleRounds = 9;
const pageSize = 50;

/** Where the list ends, but for a page. */
async function deepCursor({ server, adminToken, size }: Fleet): Promise<string> {
  const client = createClient({ server, token: adminToken, fetch, decoder });
  let cursor: string | undefined;
  for (let seen = 0; seen < size - pageSize; ) {
    const limit = Math.min(500, size - pageSize - seen);
    const query = { limit, ...(cursor === undefined ? {} : { cursor }) };
    const { items, next } = await client.listGateways({ query });
    seen += items.length;
    cursor = next;
  }
  if (cursor === undefined) throw new Error('the list had no second page');
  return cursor;
}
const decoder = () => (bytes: Uint8Array) => Buffer.from(bytes).toString();

async function ask({ server, adminToken }: Fleet, address: string): Promise<void> {
  for (let time = 0; time < requests; time += 1) {
    const reply = await fetch(`${server}${address}`, { headers: { authorization: `Bearer ${adminToken}` } });
    if (!reply.ok) throw new Error(`${address} answered ${reply.status}: ${await reply.text()}`);
    await reply.arrayBuffer();
  }
}

async function measureApi(large: Fleet, small: Fleet): Promise<void> {
  const of = (query: string, smallQuery = query) => ({
    large: `/v1/gateways?limit=${pageSize}&${query}`,
    small: `/v1/gateways?limit=${pageSize}&${smallQuery}`,
  });
  const kinds: readonly (readonly [string, { readonly large: string; readonly small: string }])[] = [
    ['the first page', of('sort=name')],
    ['the last page', of(`cursor=${await deepCursor(large)}`, `cursor=${await deepCursor(small)}`)],
    ['filtered and sorted', of('provider=maas&health=healthy&sort=-lastPoll')],
    ['searched by a part of the name', of('search=0042')],
    ['the overview', { large: '/v1/overview', small: '/v1/overview' }],
    ['the platform', { large: '/v1/platform', small: '/v1/platform' }],
  ];
  for (const [name, address] of kinds) {
    await compare(
      `${requests} answers, one after another: ${name}, at ${many} gateways beside ${few}`,
      { name: `at ${many}`, run: () => ask(large, address.large) },
      { name: `at ${few}`, run: () => ask(small, address.small) },
      apiRounds,
    );
  }
}

type Page = Visitor['page'];
type UseOfList = (page: Page) => Promise<void>;

const searchBox = (page: Page) => page.getByRole('textbox', { name: 'Search by name' });
const firstRow = (page: Page) => page.getByRole('table', { name: 'Gateways' }).locator('tbody tr').first();

/** The first row stands there, and the page takes what is typed. */
const interactive: UseOfList = async (page) => {
  await firstRow(page).waitFor();
  await searchBox(page).fill('0042');
};

/** It waits for the end of the typing too, for which the console gives 0.3 s. */
const searched: UseOfList = async (page) => {
  await interactive(page);
  await firstRow(page).filter({ hasText: '0042' }).waitFor();
};

/** Somebody signed in, who has been there before, opens the list in a new tab. */
async function openList({ context }: Visitor, use: UseOfList): Promise<void> {
  const page = await context.newPage();
  try {
    await page.goto('/gateways', { waitUntil: 'commit' });
    await use(page);
  } finally {
    await page.close();
  }
}

async function measureConsole(large: Fleet, small: Fleet): Promise<void> {
  const browser = await startBrowser();
  const signedIn = async ({ server, adminToken }: Fleet) => {
    const visitor = await visit(browser, server);
    await visitor.page.goto('/sign-in');
    await visitor.page.getByLabel('API token').fill(adminToken);
    await visitor.page.getByLabel('API token').press('Enter');
    await visitor.page.waitForURL((url) => url.pathname !== '/sign-in');
    await visitor.page.close();
    return visitor;
  };
  try {
    const [atMany, atFew] = [await signedIn(large), await signedIn(small)];
    const uses: readonly (readonly [string, UseOfList])[] = [
      ['its first row stands there and it takes what is typed', interactive],
      ['a search has been answered too', searched],
    ];
    for (const [until, use] of uses) {
      await compare(
        `the list in Chromium, from the navigation until ${until}, at ${many} gateways beside ${few}`,
        { name: `at ${many}`, run: () => openList(atMany, use) },
        { name: `at ${few}`, run: () => openList(atFew, use) },
        consoleRounds,
      );
    }
  } finally {
    await browser.close();
  }
}

export async function measureGatewayList(): Promise<void> {
  const postgres = await startTestPostgres();
  try {
    const large = await startFleet(postgres.url, many);
    try {
      const small = await startFleet(postgres.url, few);
      try {
        await measureApi(large, small);
        await measureConsole(large, small);
      } finally {
        await small.stop();
      }
    } finally {
      await large.stop();
    }
  } finally {
    await postgres.stop();
  }
}
