/**
 * Signing in and out: by the link of the terminal and by a token; a browser has one session, whose cookie is new each
 * time; signed out, or with its token revoked, it is over at once, and one comes back to where one was.
 */

import type { BrowserContext } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';

const story = consoleStory({ args: ['--no-sandbox'], signsIn: false });
const { button, heading, look } = story;
const cookieOf = async (context: BrowserContext) => {
  const cookies = await context.cookies();
  expect(cookies.length).toBeLessThan(2);
  return cookies[0];
};
const session = async () => {
  const cookie = await cookieOf(story.operator.context);
  if (cookie === undefined) throw new Error('the browser has no session');
  return cookie;
};
/** Whether it is still good for anything, asked past the browser. */
const statusOf = async ({ name, value }: { readonly name: string; readonly value: string }) => {
  const { status } = await fetch(`${story.plane.server}/v1/me`, { headers: { cookie: `${name}=${value}` } });
  return status;
};
const signInWith = async (token: string) => {
  await story.page.getByLabel('API token').fill(token);
  await button('Sign in').click();
};

describe('sessions, in order', () => {
  it('the link makes one that scripts cannot read and other sites do not get', async () => {
    await story.page.goto(story.plane.signInLink());
    await heading('Overview').waitFor();
    expect(await session()).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
    expect(await story.page.evaluate('document.cookie')).toBe('');
    expect(await statusOf(await session())).toBe(200);
  });

  it('signing in again in the same browser gives another one and ends the one before', async () => {
    const before = await session();
    await story.page.goto('/sign-in');
    await signInWith(story.plane.token);
    await heading('Overview').waitFor();
    const now = await session();
    expect(now.value).not.toBe(before.value);
    expect([await statusOf(before), await statusOf(now)]).toEqual([401, 200]);
  });

  it('a token that was refused ends nothing', async () => {
    await story.page.goto('/sign-in');
    await signInWith('not-a-token');
    await story.page.getByRole('alert').waitFor();
    expect(await statusOf(await session())).toBe(200);
  });

  it('of a revoked token is over: the page says so by itself, and leads back to where one was', async () => {
    const { token } = await story.plane.client.createToken({ body: { name: 'temporary', role: 'Viewer' } });
    await story.page.goto('/sign-in');
    await signInWith(token);
    await heading('Overview').waitFor();
    await story.page.goto('/platform/releases?tenant=default');
    await heading('Platform').waitFor();
    const before = await session();
    await story.plane.client.revokeToken({ params: { name: 'temporary' } });
    expect(await statusOf(before)).toBe(401);
    await heading('Your session has ended', 2).waitFor({ timeout: 90_000 });
    expect(story.page.url()).toBe(`${story.plane.server}/sign-in`);
    await look('session-ended');
    // Loaded anew, it is still known.
    await story.page.reload();
    await heading('Your session has ended', 2).waitFor();
    await signInWith(story.plane.token);
    await heading('Platform').waitFor();
    expect(story.page.url()).toBe(`${story.plane.server}/platform/releases?tenant=default`);
  });

  it('that ended while the browser was closed says so too; a first visit does not', async () => {
    const { token } = await story.plane.client.createToken({ body: { name: 'yesterday', role: 'Viewer' } });
    const visitor = await story.visitor({ token });
    await story.plane.client.revokeToken({ params: { name: 'yesterday' } });
    await visitor.page.goto('/events?search=pause');
    await heading('Your session has ended', 2, visitor.page).waitFor();
    await visitor.page.getByLabel('API token').fill(story.plane.token);
    await button('Sign in', visitor.page).click();
    await heading('Events', 1, visitor.page).waitFor();
    expect(new URL(visitor.page.url()).search).toBe('?search=pause');
    await visitor.context.close();
    const stranger = await story.visitor();
    await stranger.page.goto('/events?search=pause');
    await heading('Sign in to Gatehouse', 1, stranger.page).waitFor();
    expect(await heading('Your session has ended', 2, stranger.page).count()).toBe(0);
    await stranger.page.getByLabel('API token').fill(story.plane.token);
    await button('Sign in', stranger.page).click();
    await heading('Events', 1, stranger.page).waitFor();
    await stranger.context.close();
  });

  it('signed out, it is over for whoever kept the cookie, and nothing is shown any more', async () => {
    await story.page.goto('/events');
    await heading('Events').waitFor();
    const before = await session();
    await button('Sign out').click();
    await heading('Sign in to Gatehouse').waitFor();
    expect(await statusOf(before)).toBe(401);
    await eventually(async () => (await cookieOf(story.operator.context))?.value).toBe(undefined);
    expect(await heading('Your session has ended', 2).count()).toBe(0);
    await story.page.goBack();
    await heading('Sign in to Gatehouse').waitFor();
    expect(await story.page.getByText('Events', { exact: true }).count()).toBe(0);
  });
});
