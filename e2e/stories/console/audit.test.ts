/**
 * Tenants, projects and API tokens are made in Settings, and everything of it is found again in the audit: narrowed by an
 * address that another browser shows alike, and taken along as a table for a spreadsheet. A token is shown once, works,
 * and is refused once it is revoked.
 */

import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';

// Nobody listens there: an address is only set up.
const story = consoleStory({
  args: ['--no-sandbox', '--smtp-url', 'smtp://127.0.0.1:9', '--mail-from', 'gatehouse@ops.example'],
});
const { button, heading, link, look } = story;
const dialog = () => story.page.getByRole('dialog');
const submit = (name: string) => dialog().getByRole('button', { name }).click();
const as = (token: string, address = '/v1/me') =>
  fetch(`${story.plane.server}${address}`, { headers: { authorization: `Bearer ${token}` } });
const records = () => story.page.getByRole('table', { name: 'Audit records' }).getByRole('row');

describe('tenants, projects and tokens, in order', () => {
  it('a tenant and a project in it are created, and a name that is taken is refused', async () => {
    await story.page.goto('/settings/projects');
    await button('Create a tenant').click();
    await dialog().getByLabel('Name').fill('Acme & Sons');
    await submit('Create');
    await dialog().getByText('Give a name of lower-case letters').waitFor();
    await dialog().getByLabel('Name').fill('acme');
    await submit('Create');
    await story.row('Tenants and projects', /acme.*No project yet/).waitFor();
    await button('Create a project').click();
    await dialog().getByLabel('Name').fill('edge');
    await dialog().getByLabel('In the tenant').selectOption('acme');
    await look('settings-project-create');
    await submit('Create');
    await story.row('Tenants and projects', /acme.*edge/).waitFor();
    await button('Create a tenant').click();
    await dialog().getByLabel('Name').fill('acme');
    await submit('Create');
    await dialog().getByRole('alert').getByText('acme').first().waitFor();
    await dialog().getByRole('button', { name: 'Cancel' }).click();
    await look('settings-projects');
  });

  it('a token is made for one role in one scope, shown once, and works there', async () => {
    await story.page.goto('/settings/tokens');
    await button('Create a token').click();
    await dialog().getByLabel('Name').fill('pipeline');
    await dialog().getByLabel('Role').selectOption('Operator');
    await dialog().getByLabel('Tenant').selectOption('acme');
    await dialog().getByLabel('Ends').selectOption('in 30 days');
    await look('settings-token-create');
    await submit('Create');
    await dialog().getByText('This is the only time the token is shown').waitFor();
    const token = await dialog().getByLabel('API token').inputValue();
    await submit('I have copied it');
    await story.row('API tokens', /pipeline.*Operator.*acme/).waitFor();
    await look('settings-tokens');
    expect(await story.page.content()).not.toContain(token);
    await story.page.reload();
    await story.row('API tokens', /pipeline/).waitFor();
    expect(await story.page.content()).not.toContain(token);
    expect(await (await as(token)).json()).toMatchObject({ name: 'pipeline', role: 'Operator', tenant: 'acme' });
    expect((await as(token, '/v1/audit')).status).toBe(403);

    await button('Revoke pipeline').click();
    await dialog().getByText('refused from the next request on').waitFor();
    await submit('Revoke');
    // Behind a dialog no row is found, whether it is there or not.
    await dialog().waitFor({ state: 'detached' });
    await story.row('API tokens', /pipeline/).waitFor({ state: 'detached' });
    expect((await as(token)).status).toBe(401);
  });
});

describe('the audit, in order', () => {
  it('shows what was done, by whom and to what, newest first', async () => {
    await story.plane.client.setPause({
      body: {
        scope: 'tenant',
        name: 'acme',
        reason: '=HYPERLINK("https://hostile.example","mend it"), "quoted"\nand on',
      },
    });
    await story.plane.client.createMailSubscription({ body: { address: '=1+1@ops.example', kinds: ['hop-held'] } });
    await story.page.goto('/audit');
    await records().filter({ hasText: 'token.revoke' }).getByText('pipeline').first().waitFor();
    await records().nth(1).getByText('=1+1@ops.example').first().waitFor();
    await look('audit');
  });

  it('is narrowed by what the address says, which another browser shows alike', async () => {
    await story.page.getByLabel('Act', { exact: true }).selectOption('Tokens');
    await story.page.getByLabel('Done to').fill('pipeline');
    await button(/^Show$/).click();
    await eventually(() => records().count()).toBe(3);
    const { searchParams } = new URL(story.page.url());
    expect(Object.fromEntries(searchParams)).toEqual({ action: 'token.', subject: 'pipeline' });
    const other = await story.visitor({ token: story.plane.token });
    await other.page.goto(story.page.url());
    await eventually(() => other.page.getByRole('table', { name: 'Audit records' }).getByRole('row').count()).toBe(3);
    await other.context.close();
    await story.page.getByLabel('Done to').fill('nobody');
    await button(/^Show$/).click();
    await heading('No record fits', 2).waitFor();
    await look('audit-none');
    await button('Clear the filters').click();
    await eventually(() =>
      records()
        .count()
        .then((count) => count > 3),
    ).toBe(true);
    expect(new URL(story.page.url()).search).toBe('');
  });

  it('is exported as it is narrowed, as a table that a spreadsheet takes for text', async () => {
    await story.page.goto('/audit?subject=%3D1%2B1%40ops.example');
    await eventually(() => records().count()).toBe(2);
    const arriving = story.page.waitForEvent('download');
    await link('Export as CSV').click();
    const download = await arriving;
    expect(download.suggestedFilename()).toBe('gatehouse-audit.csv');
    const csv = await readFile(await download.path(), 'utf8');
    const [header, row, ...more] = csv.split('\r\n');
    expect(header).toBe('time,actor,action,subjectKind,subject,tenant,project,message,requestId,id');
    expect(row).toContain(",'=1+1@ops.example,");
    expect(more).toEqual(['']);
  });

  it('is sent as what it is, with every cell whole', async () => {
    const reply = await as(story.plane.token, '/v1/audit.csv?action=pause.');
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toMatch(/^text\/csv; charset=utf-8/);
    expect(reply.headers.get('content-disposition')).toBe('attachment; filename="gatehouse-audit.csv"');
    expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
    const csv = await reply.text();
    // One record, whose reason has commas, quotes and a line break of its own: a record is one line.
    expect(csv).toContain('=HYPERLINK(""https://hostile.example"",""mend it""), ""quoted"" | and on"');
    expect(csv.split('\r\n')).toHaveLength(3);
    for (const line of csv.split('\r\n')) expect(line).not.toMatch(/(?:^|,)[=+@]/);
  });

  it('is not for every role, and the page says so', async () => {
    const { token } = await story.plane.client.createToken({ body: { name: 'onlooker', role: 'Viewer' } });
    const viewer = await story.visitor({ token });
    await viewer.page.goto('/audit');
    await viewer.page.getByText('Your role Viewer does not permit reading the audit.').waitFor();
    await viewer.page.getByText('Your role Viewer does not permit exporting the audit.').waitFor();
    await look('audit-viewer', viewer.page);
    await viewer.page.goto('/settings/tokens');
    await viewer.page.getByText('Your role Viewer does not permit creating or seeing API tokens.').waitFor();
    await viewer.page.goto('/settings/webhooks');
    await viewer.page.getByText('Your role Viewer does not permit setting up webhooks.').waitFor();
    await look('settings-webhooks-viewer', viewer.page);
    await viewer.context.close();
    expect((await as(token, '/v1/audit.csv')).status).toBe(403);
  });
});
