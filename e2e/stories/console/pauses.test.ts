/**
 * Agent upgrades are paused at each scope in the console, with a reason and an end, and it holds: gateways that are
 * offered an update stay where they are and say which scopes hold them. Each flag is ended by itself; an exemption lets
 * one gateway go, and the last end lets the other.
 */

import { createGateway, releaseOf, tokenOf } from '@gatehouse/server/testing/fleet';
import { observation, startAgent, type TestAgent } from '@gatehouse/server/testing/test-agent';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';
import { networkCaller } from '../../src/network-caller.ts';
import { type OwnReleases, startOwnReleases } from '../../src/own-releases.ts';

const story = consoleStory({ args: ['--no-sandbox'] });
const { button, fact, heading, look } = story;
const dialog = () => story.page.getByRole('dialog');
const scope = (name: string) => story.row('Tenants and projects', name);
let releases: OwnReleases;
let held: TestAgent;
let exempt: TestAgent;

async function runningAgent(name: string): Promise<TestAgent> {
  const caller = networkCaller(story.plane);
  const made = await createGateway(caller, { name, project: 'edge' });
  const seen = observation(await releaseOf(caller, '4.1.12'));
  const agent = await startAgent(caller, { gatewayId: made.gateway.id, token: tokenOf(made), seen });
  await agent.polls();
  return agent;
}

/** The version that the next poll brings, if any. */
async function offered(agent: TestAgent): Promise<string | undefined> {
  const { target } = await agent.polls();
  const version = target?.agent?.version;
  return version === agent.seen.agent.version ? undefined : version;
}

/** The agent does as it was told. */
async function becomes(agent: TestAgent, version: string): Promise<void> {
  const release = await releaseOf(networkCaller(story.plane), version);
  agent.seen = { ...agent.seen, agent: { version: release.agentVersion, digest: release.agentDigest } };
  await agent.polls();
}

const scopesHolding = async (gateway: string) => {
  const { reasons } = await story.plane.client.explainGateway({ params: { gateway } });
  return reasons.map(({ message }) => /for the (\w+ \S+) by admin/.exec(message)?.[1] ?? message);
};

beforeAll(async () => {
  releases = await startOwnReleases(story.plane);
  await releases.publish('4.1.12');
  await story.plane.client.createProject({ query: { tenant: 'default' }, body: { name: 'edge' } });
  held = await runningAgent('site-a');
  exempt = await runningAgent('site-b');
  await releases.publish('4.2.7');
});
afterAll(() => releases?.remove());

describe('pauses at each scope, in order', () => {
  it('nothing is paused, and the page of settings says so for each scope', async () => {
    await story.page.goto('/settings');
    await heading('Settings').waitFor();
    for (const name of ['Tenant default', 'Project edge']) await scope(name).getByText('Not paused').waitFor();
    await look('settings-pauses-none');
  });

  it('a tenant and a project are paused with a reason and an end', async () => {
    await button('Pause Tenant default').click();
    await dialog().getByRole('button', { name: 'Pause' }).click();
    // Nothing is sent without a reason.
    await dialog().getByLabel('Reason').fill('month end');
    await dialog().getByLabel('Until').selectOption('1 day from now');
    await look('settings-pause');
    await dialog().getByRole('button', { name: 'Pause' }).click();
    await scope('Tenant default').getByText('month end').waitFor();
    await button('Pause Project edge').click();
    await dialog().getByLabel('Reason').fill('a new production line');
    await dialog().getByRole('button', { name: 'Pause' }).click();
    await scope('Project edge').getByText('without an end').waitFor();
    const { items } = await story.plane.client.listPauses({});
    expect(items.map(({ scope: of, reason, until }) => [of.kind, of.name, reason, until !== undefined])).toEqual(
      expect.arrayContaining([
        ['tenant', 'default', 'month end', true],
        ['project', 'edge', 'a new production line', false],
      ]),
    );
  });

  it('a gateway is paused on its own page, which shows all three', async () => {
    await story.page.goto('/gateways/site-a/settings');
    await story.page.getByRole('switch', { name: 'Pause Agent Upgrades' }).press('Space');
    await dialog().getByLabel('Reason').fill('stocktaking');
    await dialog().getByLabel('Until').selectOption('8 hours from now');
    await dialog().getByRole('button', { name: 'Pause' }).click();
    for (const row of [/Tenant default.*month end/, /Project edge.*production line/, /Gateway site-a.*stocktaking/]) {
      await story.row('Pauses that concern this gateway', row).waitFor();
    }
    await look('gateway-settings-paused');
    await story.page.goto('/settings');
    await story.row('Gateways that are paused by themselves', /site-a.*stocktaking/).waitFor();
  });

  it('offered an update, the gateways stay where they are and say which scopes hold them', async () => {
    await story.gatehouse('platform', 'upgrade', '4.2.7');
    expect([await offered(held), await offered(exempt)]).toEqual([undefined, undefined]);
    expect((await scopesHolding('site-a')).toSorted()).toEqual(['gateway site-a', 'project edge', 'tenant default']);
    expect((await scopesHolding('site-b')).toSorted()).toEqual(['project edge', 'tenant default']);
    await story.page.goto('/gateways/site-a');
    await heading('Why not yet', 2).waitFor();
    for (const text of ['tenant default', 'project edge', 'gateway site-a']) {
      await story.page.getByText(`Agent updates are paused for the ${text} by admin`).waitFor();
    }
    await eventually(() => fact('Agent Version').textContent()).toBe('4.1.12should run 4.2.7');
    await look('gateway-held-by-pauses');
    await story.page.goto('/gateways?state=paused');
    for (const name of ['site-a', 'site-b'])
      await story.row('Gateways', name).getByText('Paused', { exact: true }).waitFor();
  });

  it('an exemption with an end lets one go, and the other stays', async () => {
    await story.page.goto('/gateways/site-b/settings');
    await button('Exempt this gateway').click();
    await dialog().getByLabel('Reason').fill('it mends the line');
    await dialog().getByLabel('Until').selectOption('1 hour from now');
    await dialog().getByRole('button', { name: 'Exempt' }).click();
    await story.page.getByText('It is paused and exempt').waitFor();
    expect([await offered(held), await offered(exempt)]).toEqual([undefined, '4.2.7']);
    await becomes(exempt, '4.2.7');
    await story.page.getByRole('tab', { name: 'Overview' }).click();
    await heading('Current', 2).waitFor();
    expect(await fact('Agent Version').textContent()).toBe('4.2.7');
    await story.page.goto('/settings');
    await story.row('Exemptions', /site-b.*it mends the line/).waitFor();
    await look('settings-pauses');
  });

  it('each flag is ended by itself, and the rest goes on holding', async () => {
    await button('Resume Tenant default').click();
    await dialog().getByText('other scopes that are paused go on holding').waitFor();
    await dialog().getByRole('button', { name: 'Resume' }).click();
    await scope('Tenant default').getByText('Not paused').waitFor();
    expect(await offered(held)).toBe(undefined);
    expect((await scopesHolding('site-a')).toSorted()).toEqual(['gateway site-a', 'project edge']);
    await button('Resume Project edge').click();
    await dialog().getByRole('button', { name: 'Resume' }).click();
    await scope('Project edge').getByText('Not paused').waitFor();
    expect(await offered(held)).toBe(undefined);
    expect(await scopesHolding('site-a')).toEqual(['gateway site-a']);
  });

  it('with the last one ended, the update comes with the next poll', async () => {
    await story.page.goto('/gateways/site-a/settings');
    await story.page.getByRole('switch', { name: 'Pause Agent Upgrades' }).press('Space');
    await dialog().getByRole('button', { name: 'Resume' }).click();
    await story.page.getByText('No scope of this gateway is paused').waitFor();
    expect(await offered(held)).toBe('4.2.7');
    await becomes(held, '4.2.7');
    await story.page.getByRole('tab', { name: 'Overview' }).click();
    await heading('Current', 2).waitFor();
  });

  it('a pause whose end has come is over by itself', async () => {
    await story.page.goto('/gateways?state=paused');
    const row = story.row('Gateways', 'site-a');
    expect(await row.count()).toBe(0);
    // Long enough for a busy machine to show it.
    const until = new Date(Date.now() + 30_000).toISOString();
    await story.plane.client.setPause({ body: { scope: 'gateway', name: 'site-a', reason: 'a moment', until } });
    await row.getByText('Paused', { exact: true }).waitFor();
    await row.waitFor({ state: 'detached', timeout: 90_000 });
    const { isPaused } = await story.plane.client.getGateway({ params: { gateway: 'site-a' } });
    expect(isPaused).toBe(false);
  });
});
