/**
 * What is wrong with the control plane itself stands on every page for whoever may do something about it, with what that
 * is, and goes when it is put right. No page is loaded anew for it.
 */

import { queryDatabase, startTestPostgres, type TestPostgres } from '@gatehouse/testkit/postgres';
import { afterAll, describe, expect, it } from 'vitest';
import { consoleStory } from '../../src/console-story.ts';

let postgres: TestPostgres | undefined;
afterAll(() => postgres?.stop());
const story = consoleStory({
  args: ['--no-sandbox'],
  databaseUrl: async () => {
    postgres = await startTestPostgres();
    return postgres.url;
  },
});
const { heading, link, look } = story;
const warning = (on = story.page) => on.getByRole('heading', { name: /The database may forget what it has committed/ });
const setDurability = async (change: string) => {
  if (postgres === undefined) throw new Error('there is no PostgreSQL');
  await queryDatabase(postgres.url, `alter system ${change}`);
  await queryDatabase(postgres.url, 'select pg_reload_conf()');
};

describe('a database that forgets, in order', () => {
  it('is said on every page with what to do, without loading it anew', async () => {
    await heading('Overview').waitFor();
    await story.page.evaluate('globalThis.isTheSamePage = true');
    expect(await warning().count()).toBe(0);
    await setDurability('set synchronous_commit = off');
    await warning().waitFor();
    await story.page
      .getByText('Set fsync, full_page_writes and synchronous_commit to on in PostgreSQL and reload it.')
      .waitFor();
    for (const name of ['Gateways', 'Platform', 'Events', 'Audit', 'Settings']) {
      await story.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
      await heading(name).waitFor();
      await warning().waitFor();
    }
    await link('Gatehouse: overview').click();
    await heading('Overview').waitFor();
    await look('overview-warning');
  });

  it('is nothing that somebody of one tenant could do anything about', async () => {
    const { token } = await story.plane.client.createToken({
      body: { name: 'one-tenant', role: 'Tenant Admin', tenant: 'default' },
    });
    const other = await story.visitor({ token });
    await heading('Overview', 1, other.page).waitFor();
    // It was asked twice, so the first answer is shown.
    for (let times = 0; times < 2; times += 1)
      await other.page.waitForResponse((reply) => reply.url().endsWith('/v1/status'));
    expect(await warning(other.page).count()).toBe(0);
    await other.context.close();
  });

  it('goes by itself when it is put right', async () => {
    await setDurability('reset synchronous_commit');
    await warning().waitFor({ state: 'detached' });
    expect(await story.page.evaluate('globalThis.isTheSamePage')).toBe(true);
  });
});
