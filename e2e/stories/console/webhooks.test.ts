/**
 * Notifications leave the control plane: a webhook is set up, tried, verified by the library of the specification, lost
 * and sent again, given another secret, disabled by its receiver, and refused where it would lead into the control plane's
 * own machine. E-mail is set up and tried. The receiver and the mail server are real, on this machine.
 */

import { startMailReceiver } from '@gatehouse/server/testing/mail-receiver';
import { startReceiver, verifyMessage } from '@gatehouse/server/testing/receiver';
import { afterAll, describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';

const receiver = await startReceiver();
const down = await startReceiver();
const mailServer = await startMailReceiver();
const story = consoleStory({
  args: ['--no-sandbox', '--smtp-url', mailServer.url, '--mail-from', 'gatehouse@ops.example'].concat(
    [receiver, down].flatMap(({ name }) => ['--allow-webhooks-to', name]),
  ),
});
const { button, fact, heading, link, look } = story;
const dialog = () => story.page.getByRole('dialog');
const deliveries = () => story.page.getByRole('table', { name: 'Deliveries' }).getByRole('row');
/** Newest first, below the columns' names. */
const newest = () => deliveries().nth(1);
const secretOf = async () => dialog().getByLabel('Webhook secret').inputValue();

afterAll(async () => {
  await receiver.close();
  await mailServer.close();
});

async function create(name: string, url: string): Promise<string> {
  await story.page.goto('/settings/webhooks');
  await button('Create a webhook').click();
  await dialog().getByLabel('Name').fill(name);
  await dialog().getByLabel('Address').fill(url);
  if (name === 'pager') await look('webhook-create');
  await dialog().getByRole('button', { name: 'Create' }).click();
  await dialog().getByText('This is the only time the secret is shown').waitFor();
  const secret = await secretOf();
  if (name === 'pager') await look('webhook-secret');
  await dialog().getByRole('button', { name: 'I have copied it' }).click();
  await heading(name).waitFor();
  return secret;
}

describe('webhooks, in order', () => {
  let first: string;
  let second: string;

  it('one is set up, and its secret is shown once', async () => {
    await story.page.goto('/settings/webhooks');
    await heading('No webhooks yet', 3).waitFor();
    await look('webhooks-empty');
    first = await create('pager', receiver.url);
    expect(first).toMatch(/^whsec_/);
    await story.page.getByText('Nothing was sent yet.').waitFor();
    expect(await story.page.content()).not.toContain('whsec_');
    expect(JSON.stringify(await story.plane.client.listWebhooks({}))).not.toContain('whsec_');
  });

  it('a test arrives, is verified by the library, and stands in the log', async () => {
    await button('Send a test').click();
    await newest().getByText('Delivered').waitFor();
    expect(receiver.received).toHaveLength(1);
    const [message] = receiver.received;
    if (message === undefined) throw new Error('nothing came');
    expect(verifyMessage(first, message)).toMatchObject({ type: 'test' });
    await newest().getByText(String(message.headers['webhook-id'])).waitFor();
    expect(() => verifyMessage(first, { ...message, body: `${message.body} ` })).toThrow('No matching signature');
  });

  it('what the receiver does not take comes again, later each time, and is sent at once by who asks', async () => {
    receiver.answer = (reply) => reply.writeHead(500).end('out of order');
    await button('Send a test').click();
    await newest().getByText('Waiting').waitFor();
    await newest().getByText('500 · 1 attempt').waitFor();
    await story.page.getByText(/Failing since/).waitFor();
    await newest().getByText('500 · 2 attempts').waitFor();
    await newest().getByRole('button', { name: '500 · 2 attempts' }).click();
    await newest().getByText('out of order').first().waitFor();
    await look('webhook-failing');
    const [webhook] = (await story.plane.client.listWebhooks({})).items;
    const params = { webhook: webhook?.id ?? '' };
    const [lost] = (await story.plane.client.listDeliveries({ params })).items;
    const [last, before] = lost?.attempts.map(({ at }) => Date.parse(at)) ?? [];
    const next = Date.parse(lost?.nextAttemptAt ?? '');
    expect(last === undefined || before === undefined ? 0 : last - before).toBeGreaterThan(4900);
    expect(last === undefined ? 0 : next - last).toBeGreaterThan(5 * 60_000 - 1000);
    receiver.answer = (reply) => reply.writeHead(204).end();
    await newest()
      .getByRole('button', { name: /^Send again/ })
      .click();
    await newest().getByText('Delivered').waitFor();
    await story.page.getByText('Enabled', { exact: true }).waitFor();
    const ids = receiver.received.slice(1).map(({ headers }) => headers['webhook-id']);
    expect(ids).toEqual([lost?.messageId, lost?.messageId, lost?.messageId]);
    for (const message of receiver.received) expect(() => verifyMessage(first, message)).not.toThrow();
  });

  it('after a new secret both verify for as long as was chosen', async () => {
    await button('New secret').click();
    await dialog().getByLabel('Sign with the old one too').selectOption('for an hour');
    await dialog().getByRole('button', { name: 'New secret' }).click();
    await dialog().getByText('This is the only time the secret is shown').waitFor();
    second = await secretOf();
    await dialog().getByRole('button', { name: 'I have copied it' }).click();
    expect(second).not.toBe(first);
    await eventually(() => fact('The secret before also signs until').count()).toBe(1);
    await button('Send a test').click();
    await eventually(() => Promise.resolve(receiver.received.length)).toBe(5);
    const message = receiver.received.at(-1);
    if (message === undefined) throw new Error('nothing came');
    expect(() => verifyMessage(first, message)).not.toThrow();
    expect(() => verifyMessage(second, message)).not.toThrow();
    await look('webhook');
  });

  it('one that may be known to others ends at once', async () => {
    await button('New secret').click();
    await dialog().getByLabel('Sign with the old one too').selectOption('no longer: it may be known to others');
    await dialog().getByRole('button', { name: 'New secret' }).click();
    await dialog().getByText('This is the only time the secret is shown').waitFor();
    const third = await secretOf();
    await dialog().getByRole('button', { name: 'I have copied it' }).click();
    await button('Send a test').click();
    await eventually(() => Promise.resolve(receiver.received.length)).toBe(6);
    const message = receiver.received.at(-1);
    if (message === undefined) throw new Error('nothing came');
    expect(() => verifyMessage(third, message)).not.toThrow();
    for (const old of [first, second]) expect(() => verifyMessage(old, message)).toThrow('No matching signature');
  });

  it('a receiver that is down is told apart from one that answers', async () => {
    await create('down', down.url);
    await down.close();
    await button('Send a test').click();
    await newest().getByText('Waiting').waitFor();
    await newest()
      .getByText(/ECONNREFUSED.* · 1 attempt/)
      .waitFor();
  });

  it('this machine and link-local addresses are not asked unless they are allowed by name, and the log says so', async () => {
    const port = new URL(story.plane.server).port;
    for (const [name, url, why] of [
      ['loopback', 'http://127.0.0.1:9/hook', /127\.0\.0\.1.*; nothing was sent/],
      ['own-port', `http://localhost:${port}/v1/me`, /; nothing was sent/],
      ['metadata', 'http://169.254.169.254/latest/', /169\.254\.169\.254.*; nothing was sent/],
    ] as const) {
      await create(name, url);
      await button('Send a test').click();
      await newest().getByText(why).first().waitFor();
      if (name === 'loopback') await look('webhook-refused');
    }
  });

  it('a receiver that wants no more is disabled, which a notification says', async () => {
    await story.page.goto('/settings/webhooks');
    await link('pager').click();
    await heading('pager').waitFor();
    receiver.answer = (reply) => reply.writeHead(410).end();
    await button('Send a test').click();
    await heading('Disabled', 2).waitFor();
    expect(await button('Send a test').getAttribute('aria-disabled')).toBe('true');
    await look('webhook-disabled');
    await link(/^Notifications, 1 unread/)
      .or(button(/^Notifications, 1 unread/))
      .waitFor();
    await story.page.goto('/notifications');
    const told = story.row('Notifications', /pager/);
    await told.waitFor();
    await look('notifications');
    await told.getByRole('checkbox').check();
    await button('Acknowledge').click();
    await told.getByText('admin takes care of it').waitFor();
    await told.getByRole('checkbox').check();
    await button(/^Done$/).click();
    await told.waitFor({ state: 'detached' });
    await story.page.getByText('Nothing waits for you').waitFor();
  });

  it('enabled again it gets messages; deleted, it is gone with its log', async () => {
    await story.page.goto('/settings/webhooks');
    await link('pager').waitFor();
    await look('webhooks');
    await link('pager').click();
    receiver.answer = (reply) => reply.writeHead(204).end();
    await button('Enable').click();
    await dialog().getByRole('button', { name: 'Enable' }).click();
    await story.page.getByText('Enabled', { exact: true }).waitFor();
    await button('Send a test').click();
    await newest().getByText('Delivered').waitFor();
    await button('Delete').click();
    await dialog().getByRole('button', { name: 'Delete' }).click();
    await heading('Settings').waitFor();
    await story.row('Webhooks', 'down').waitFor();
    await story.row('Webhooks', 'pager').waitFor({ state: 'detached' });
  });
});

describe('e-mail, in order', () => {
  it('an address is added and a test arrives', async () => {
    await story.page.goto('/settings/mail');
    await story.page.getByText('E-mail comes from gatehouse@ops.example').waitFor();
    await button('Add an address').click();
    await dialog().getByLabel('E-mail address').fill('nobody');
    await dialog().getByRole('button', { name: 'Add' }).click();
    await dialog().getByText('Give an address such as ops@example.org.').waitFor();
    await dialog().getByLabel('E-mail address').fill('night@ops.example');
    await look('mail-create');
    await dialog().getByRole('button', { name: 'Add' }).click();
    await button('Send a test to night@ops.example').click();
    await eventually(() => Promise.resolve(mailServer.mails.map(({ to }) => to))).toEqual([['night@ops.example']]);
    expect(mailServer.mails[0]?.raw).toMatch(/^Subject: \[Gatehouse\] Test$/m);
    await story.row('E-mail', /night@ops\.example.*Delivered/).waitFor();
    await look('mail');
  });

  it('what the mail server refuses is said; nobody gets mail who was removed', async () => {
    mailServer.refusal = { code: 550, message: 'no such user' };
    await button('Send a test to night@ops.example').click();
    await story.row('E-mail', /no such user/).waitFor();
    await button('Remove night@ops.example').click();
    await dialog().getByRole('button', { name: 'Remove' }).click();
    await story.page.getByText('Nobody gets e-mail').waitFor();
  });
});
