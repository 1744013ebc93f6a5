/**
 * Whoever holds one gateway, one webhook's receiver or one operator's token can write texts that others read. Each of 80
 * texts that would be markup or script goes through everything that takes text, and is looked at on every page that shows
 * it: there as text, letter by letter, and nothing of it is an element. That no dialog opens, no request leaves and the
 * content security policy has nothing to report is watched in every story (`e2e/src/browser.ts`).
 */

import { randomUUID } from 'node:crypto';
import type { Observation } from '@gatehouse/contract/agent-api';
import { releaseOf, runningCli } from '@gatehouse/server/testing/fleet';
import { startReceiver } from '@gatehouse/server/testing/receiver';
import { digestOf, type TestAgent } from '@gatehouse/server/testing/test-agent';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consoleStory, eventually } from '../../src/console-story.ts';
import { hostileElements, hostileTexts } from '../../src/hostile-texts.ts';
import { networkCaller } from '../../src/network-caller.ts';
import { type OwnReleases, startOwnReleases } from '../../src/own-releases.ts';

const receiver = await startReceiver();
const story = consoleStory({ args: ['--no-sandbox', '--allow-webhooks-to', receiver.name] });
const { heading, look } = story;
const startedAt = '2026-11-23T10:00:00.000Z';

const inGroupsOf = (size: number) =>
  Array.from({ length: Math.ceil(hostileTexts.length / size) }, (_, index) =>
    hostileTexts.slice(index * size, (index + 1) * size),
  );
/** One gateway each: what an agent may tell in an hour is bounded, and so is what fits into one observation. */
const groups = inGroupsOf(16);
const gatewayOf = (group: number) => `site-${group + 1}`;
/** The end says where the text was written, so that each place is looked for by itself. */
const written = (texts: readonly string[], where: string): readonly string[] =>
  texts.map((text) => `${text}//${where}`);

/** Commands between backticks are set as code: their text is all there, without the backticks. */
const withoutBackticks = (text: string) => text.replaceAll('`', '');
const missing = async (texts: readonly string[]): Promise<readonly string[]> => {
  const shown = withoutBackticks(await story.page.evaluate<string>('document.body.textContent'));
  return texts.filter((text) => !shown.includes(withoutBackticks(text))).slice(0, 5);
};

/** `texts` are on the page as text, and nothing on it is what they would be as markup. */
async function showsAsText(address: string, texts: readonly string[]): Promise<void> {
  await story.page.goto(address);
  await expect.poll(() => missing(texts), { message: address, timeout: 20_000, interval: 100 }).toEqual([]);
  expect(await story.page.evaluate(hostileElements), address).toEqual([]);
}

const publish = (version: '4.1.12' | '4.2.7') =>
  releases.publish(version, { notes: written(hostileTexts, `notes of ${version}`).join('\n') });

let releases: OwnReleases;
/** One for each group. */
const agents: TestAgent[] = [];

beforeAll(async () => {
  releases = await startOwnReleases(story.plane);
  await publish('4.1.12');
  const caller = networkCaller(story.plane);
  for (const index of groups.keys()) agents.push(await runningCli(caller, gatewayOf(index)));
  await publish('4.2.7');
  await story.gatehouse('platform', 'upgrade', '4.2.7');
  const { agentVersion, agentDigest } = await releaseOf(caller, '4.2.7');
  for (const agent of agents) {
    await agent.polls();
    agent.seen = { ...agent.seen, agent: { version: agentVersion, digest: agentDigest } };
    await agent.polls();
  }
});
afterAll(async () => {
  await receiver.close();
  await releases?.remove();
});

const nodes = (texts: readonly string[]) =>
  written(texts, 'node').map((name) => ({
    name,
    role: 'control-plane' as const,
    kubernetesVersion: '1.26.8',
    ready: true,
    createdAt: startedAt,
  }));

/** Everything an agent may say in its own words, in each of these words. */
function reported(texts: readonly string[], base: Observation, planId: string): Observation {
  const taken = written(texts, 'taken-back');
  const logs = written(texts, 'log-of-taken-back');
  const holds = written(texts, 'hold');
  const advice = written(texts, 'advice');
  const checks = written(texts, 'check');
  return {
    ...base,
    attempt: {
      id: randomUUID(),
      from: base.agent,
      to: { version: '9.0.0', digest: digestOf(texts) },
      phase: 'rehearsal-failed',
      startedAt,
      interruptions: 0,
      endedAt: startedAt,
      reason: {
        code: texts[0]?.slice(0, 100) ?? '',
        message: written(texts, 'attempt').join(' '),
        lastLogLines: written(texts, 'log').join('\n'),
      },
    },
    takenBack: taken.map((message, index) => ({
      release: { version: `9.0.${index}`, digest: digestOf(message) },
      reason: { code: message.slice(0, 100), message, lastLogLines: logs[index] ?? '' },
      at: startedAt,
    })),
    agentHolds: holds.map((message, index) => ({
      code: index % 2 === 0 ? 'document-invalid' : message.slice(0, 100),
      message,
      nextStep: advice[index] ?? '',
    })),
    nodes: nodes(texts),
    drift: [...written(texts, 'drift')],
    preflight: {
      planId,
      results: checks.map((message) => ({ check: message.slice(0, 100), outcome: 'failed', message })),
    },
  };
}

describe('texts that would be markup, on the pages that show them', () => {
  describe.each(groups.map((texts, index) => [index, texts] as const))('in the words of agent %i', (index, texts) => {
    const gateway = gatewayOf(index);
    const params = { gateway };
    const agent = (): TestAgent => {
      const found = agents[index];
      if (found === undefined) throw new Error(`there is no agent ${index}`);
      return found;
    };
    const polls = async (change: Partial<Observation>) => {
      agent().seen = { ...agent().seen, ...change };
      await agent().polls();
    };

    it('what it reports of itself, its nodes and its cluster', async () => {
      // The nodes are part of the plan that the preflight is about.
      await polls({ nodes: nodes(texts) });
      const before = agent().seen;
      const { planId } = await story.plane.client.getProfileUpdate({ params });
      await polls(reported(texts, before, planId));

      const takenBack = [...written(texts, 'taken-back'), ...written(texts, 'log-of-taken-back')];
      const holds = [...written(texts, 'hold'), ...written(texts, 'advice')];
      const refused = written(texts, 'hold').filter((_, place) => place % 2 === 0);
      const attempt = [...written(texts, 'attempt'), ...written(texts, 'log')];
      await showsAsText(`/gateways/${gateway}`, [...holds, ...attempt, ...takenBack]);
      if (index === 0) await look('hostile-gateway');
      await showsAsText(`/gateways/${gateway}/nodes`, written(texts, 'node'));
      await showsAsText(`/gateways/${gateway}/events`, [...takenBack, ...refused, ...attempt]);
      await showsAsText(`/gateways/${gateway}/settings`, takenBack);
      await showsAsText(`/gateways/${gateway}/updates`, [...written(texts, 'drift'), ...written(texts, 'check')]);
      if (index === 2) await look('hostile-review');
      await showsAsText('/platform', written(texts, 'hold'));
      await showsAsText('/events', [...takenBack, ...refused]);
      await showsAsText(`/gateways/${gateway}/profile`, ['Locked']);
      for (const page of ['/gateways', `/gateways/${gateway}/host-clusters`]) await showsAsText(page, [gateway]);
      // By the codes of what holds them, which are an agent's words too.
      await story.page.goto('/');
      await story.page.getByRole('link', { name: /hold$/ }).first().waitFor();
      expect(await story.page.evaluate(hostileElements)).toEqual([]);
      agent().seen = before;
      await agent().polls();
    });

    it('what it reports of an update on its way', async () => {
      const { planId } = await story.plane.client.getProfileUpdate({ params });
      await story.plane.client.confirmProfileUpdate({ params, body: { planId } });
      await agent().polls();
      const { steps } = await story.plane.client.getProfileUpdate({ params });
      const says = written(texts, 'step');
      const stop = written(texts, 'stop');
      await polls({
        profileUpdate: {
          planId,
          phase: 'stopped',
          startedAt,
          retry: 0,
          steps: steps.map(({ id }, place) => ({
            id,
            state: place === 0 ? 'failed' : 'waiting',
            startedAt,
            message: says.filter((_, of) => of % steps.length === place).join(' '),
          })),
          stopped: {
            code: texts[0]?.slice(0, 100) ?? '',
            message: stop.join(' '),
            nextStep: written(texts, 'then').join(' ').slice(0, 1000),
          },
          repairs: written(texts, 'repair').map((what) => ({ at: startedAt, what })),
        },
      });
      await showsAsText(`/gateways/${gateway}/updates`, [...says, ...stop, ...written(texts, 'node')]);
      if (index === 4) await look('hostile-stopped');
      await showsAsText(`/gateways/${gateway}/events`, written(texts, 'repair'));
      for (const address of [`/gateways/${gateway}`, '/events', '/notifications']) await showsAsText(address, stop);
      if (index === 0) await look('hostile-notifications');
    });
  });

  it('what a publisher writes into a release', async () => {
    await showsAsText('/platform/releases', [
      ...written(hostileTexts, 'notes of 4.1.12'),
      ...written(hostileTexts, 'notes of 4.2.7'),
    ]);
  });

  it('what an operator gives as a reason', async () => {
    const gateway = gatewayOf(0);
    for (const texts of groups) {
      for (const reason of written(texts, 'pause')) {
        await story.plane.client.setPause({ body: { scope: 'gateway', name: gateway, reason } });
      }
      const all = written(texts, 'pause');
      await showsAsText('/audit', all);
      await showsAsText(`/gateways/${gateway}/events`, all);
      const last = all.at(-1) ?? '';
      for (const address of ['/settings', `/gateways/${gateway}`, `/gateways/${gateway}/settings`]) {
        await showsAsText(address, [last]);
      }
    }
  });

  it('what a receiver of a webhook answers', async () => {
    const { webhook } = await story.plane.client.createWebhook({
      body: { name: 'hostile', url: receiver.url, kinds: ['update-failed'] },
    });
    // The first 1,000 characters of an answer are kept.
    for (const [index, texts] of inGroupsOf(8).entries()) {
      const answers = written(texts, 'answer');
      receiver.answer = (reply) => reply.writeHead(200, { 'content-type': 'text/html' }).end(answers.join('\n'));
      await story.plane.client.testWebhook({ params: { webhook: webhook.id }, body: {} });
      await story.page.goto(`/settings/webhooks/${webhook.id}`);
      const attempts = story.page.getByRole('button', { name: '200 · 1 attempt' });
      await eventually(() => attempts.count()).toBe(index + 1);
      await attempts.first().click();
      await eventually(() => missing(answers)).toEqual([]);
      expect(await story.page.evaluate(hostileElements)).toEqual([]);
    }
    await look('hostile-answer');
  });

  it('names and versions cannot be any of it', async () => {
    const caller = networkCaller(story.plane);
    const [agent] = agents;
    if (agent === undefined) throw new Error('there is no agent');
    for (const name of hostileTexts) {
      const answers = await Promise.all([
        caller.call('POST', '/v1/gateways', {
          body: { name, installation: 'existing-cluster', provider: 'vsphere' },
        }),
        caller.call('POST', '/v1/tenants', { body: { name } }),
        caller.call('POST', '/v1/tokens', { body: { name, role: 'Viewer' } }),
        agent.poll({ agent: { version: name.slice(0, 20), digest: agent.seen.agent.digest } }),
        agent.poll({ observation: { ...agent.seen, kubernetes: name } }),
      ]);
      expect(
        answers.map(({ status }) => status),
        name,
      ).toEqual([400, 400, 400, 400, 400]);
    }
    // What is asked for in an address is repeated by the page.
    for (const [text = ''] of inGroupsOf(8)) {
      await story.page.goto(`/gateways/${encodeURIComponent(text)}`);
      await heading('There is no such page').waitFor();
      expect(await story.page.evaluate(hostileElements), text).toEqual([]);
      await showsAsText(`/gateways?${new URLSearchParams({ search: text }).toString()}`, [text]);
    }
  });
});
