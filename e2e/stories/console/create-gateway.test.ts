/**
 * A control plane without a gateway: the empty list leads to the form, the form to the two commands in their order with
 * the root's fingerprint, and the page sees the first poll by itself. The token is shown once and can be made again.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureSampleReleases } from '@gatehouse/release/sample-releases';
import { observation, startAgent, type TestAgent } from '@gatehouse/server/testing/test-agent';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';
import { networkCaller } from '../../src/network-caller.ts';
import { repositoryRoot } from '../../src/program.ts';

const story = consoleStory({ args: ['--no-sandbox'] });
const { button, fact, heading, link, look } = story;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-create-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const commandOf = async (name: string) => story.page.getByRole('region', { name }).locator('code').textContent();
const registrationToken = async () => {
  const command = (await commandOf('2. The registration token')) ?? '';
  return /registrationToken=(\S+)/.exec(command)?.[1] ?? '';
};

describe('a first gateway, in order', () => {
  let agent: TestAgent;

  it('without a release none can be created, and the form says why and what to do', async () => {
    await story.page.goto('/create-gateway');
    await heading('Create a gateway').waitFor();
    await heading('No gateway can be created here now', 2).waitFor();
    expect(await button('Create').getAttribute('aria-disabled')).toBe('true');
    await story.page.getByText('gatehouse release import').waitFor();
    await look('create-gateway-no-release');
    const { repositoryDirectory } = await ensureSampleReleases({
      directory: path.join(directory, 'releases'),
      agentEntry: path.join(repositoryRoot, 'agent/src/main.ts'),
      now: new Date(),
    });
    await story.gatehouse('release', 'import', repositoryDirectory);
    await heading('No gateway can be created here now', 2).waitFor({ state: 'detached' });
  });

  it('the form asks for what a gateway is, and refuses a name that cannot be one', async () => {
    await story.page.getByLabel('Name').fill('Site A');
    await button('Create').click();
    await story.page.getByText('begin and end with a letter or digit').waitFor();
    await story.page.getByLabel('Name').fill('site-a');
    await story.page.getByLabel('Provider').selectOption('vsphere');
    await look('create-gateway');
    await button('Create').click();
    await heading('Install site-a').waitFor();
    expect(story.page.url()).toBe(`${story.plane.server}/gateways/site-a/install`);
  });

  it('two commands in their order, the root’s fingerprint, and a wait for the first poll', async () => {
    expect(await commandOf('1. The guard, its accounts and its settings')).toMatch(
      /^kubectl apply --server-side -f '.*\/manifest\.yaml'$/,
    );
    expect(await registrationToken()).toMatch(/^ghr_/);
    const { rootFingerprint } = await story.plane.client.getPlatform({});
    expect(await commandOf('Fingerprint of the root of trust')).toBe(rootFingerprint);
    await heading(/Waiting for the first poll/, 2).waitFor();
    await story.page.getByText(/works once, and only until/).waitFor();
    await story.operator.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await button('Copy: 2. The registration token').click();
    await eventually(() => story.page.evaluate('navigator.clipboard.readText()')).toContain(await registrationToken());
    await look('install-gateway');
  });

  it('the token is shown once: loaded anew, the page offers a fresh one, and the one before stops working', async () => {
    const before = await registrationToken();
    await story.page.reload();
    await heading('What installs it is shown once', 2).waitFor();
    await look('install-gateway-again');
    await button('Make a fresh token').click();
    await eventually(registrationToken).toMatch(/^ghr_/);
    expect(await registrationToken()).not.toBe(before);
  });

  it('the first poll is seen without a reload, and leads to the gateway', async () => {
    const [gateway] = await story.gateways();
    const { items } = await story.plane.client.listReleases({});
    const release = items.find((one) => one.isPlatformVersion);
    if (gateway === undefined || release === undefined) throw new Error('there is no gateway, or no release');
    agent = await startAgent(networkCaller(story.plane), {
      gatewayId: gateway.id,
      token: await registrationToken(),
      seen: observation(release),
    });
    await agent.polls();
    await heading(/site-a has reported/, 2).waitFor();
    await look('install-gateway-arrived');
    await link('Go to the gateway').click();
    await heading('site-a').waitFor();
    await eventually(() => fact('Status').textContent()).toContain('Running');
    await heading('The owner of this cluster keeps its Kubernetes, network and storage', 2).waitFor();
  });

  it('a gateway on a cluster that Gatehouse makes gets a command to run', async () => {
    await story.page.goto('/create-gateway');
    await story.page.getByLabel('Name').fill('site-b');
    await story.page.getByLabel('On a cluster that Gatehouse makes through Cluster API').check();
    await story.page.getByLabel('Control planes').selectOption('1');
    await button('Create').click();
    await heading('Install site-b').waitFor();
    expect(await commandOf('Run this where your management cluster can be reached')).toMatch(
      /^npx gatehouse gateway install site-b .*--control-planes 1$/,
    );
    const made = await story.plane.client.getGateway({ params: { gateway: 'site-b' } });
    expect(made).toMatchObject({ installation: 'cli', controlPlanes: 1, status: 'Pending' });
  });
});
