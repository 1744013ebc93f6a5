import type { Target } from '@gatehouse/contract/agent-api';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import { Explanation, type Gateway, Platform, ProfileUpdate } from '@gatehouse/contract/operator-types';
import type { ReleaseSource } from '@gatehouse/release/release-builder';
import { sampleSource } from '@gatehouse/release/sample-releases';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createGateway, installBundle, releaseOf, tokenOf } from '../testing/fleet.ts';
import { observation, startAgent, type TestAgent } from '../testing/test-agent.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';

const line = { '3.4.2': '1.25.4', '4.0.3': '1.26.1', '4.1.9': '1.27.6', '4.2.7': '1.28.2' } as const;
type LineVersion = keyof typeof line;

let database: TestDatabase;
let world: World;

beforeEach(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url });
});
afterEach(async () => {
  await world?.close();
  await database?.drop();
});

/** Without edges of its own, with its own agent and the next minor of Kubernetes. */
function sourceOf(version: string, kubernetes: string): Partial<ReleaseSource> {
  const { vsphere } = sampleSource('4.1.12').profiles;
  if (vsphere === undefined) throw new Error('the sample has no profile for vsphere');
  const layers = vsphere.layers.map((layer) =>
    layer.kind === 'kubernetes'
      ? { ...layer, packs: layer.packs.map((pack) => ({ ...pack, version: kubernetes })) }
      : layer,
  );
  const digest = `sha256:${version.replaceAll('.', '').padStart(64, '0')}`;
  return {
    platformVersion: version,
    agent: { ...sampleSource('4.1.12').agent, version, digest },
    profiles: { vsphere: { ...vsphere, version, layers } },
    profileNeedsAgent: version,
  };
}

async function release(version: string, kubernetes: string): Promise<void> {
  const reply = await world.release('4.1.12', sourceOf(version, kubernetes), { hasNoEdges: true });
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
}

/** The platform on 3.4.2 with a gateway of ours and one on its owner's cluster, both Running there. */
async function begin(): Promise<{ readonly ours: TestAgent; readonly owners: TestAgent }> {
  await release('3.4.2', line['3.4.2']);
  const { gateway } = await createGateway(world, { name: 'ours', installation: 'cli', controlPlanes: 3 });
  const bundle = await installBundle(world, 'ours');
  const seen = { ...observation(await releaseOf(world, '3.4.2')), kubernetes: line['3.4.2'] };
  const ours = await startAgent(world, { gatewayId: gateway.id, token: bundle.registrationToken, seen });
  ours.seen = { ...seen, appliedProfile: bundle.cluster.profile };
  await ours.polls();
  const made = await createGateway(world, { name: 'owners' });
  const owners = await startAgent(world, { gatewayId: made.gateway.id, token: tokenOf(made), seen });
  await owners.polls();
  return { ours, owners };
}

/** Both are left out while the platform goes to 4.2.7 in three hops. */
async function platformGoes(): Promise<void> {
  for (const version of ['4.0.3', '4.1.9', '4.2.7'] as const) await release(version, line[version]);
  for (const name of ['ours', 'owners']) {
    const waived = await world.call('PUT', `/v1/gateways/${name}/waiver`, { body: { reason: 'on a ship' } });
    expect(waived.status).toBe(200);
  }
  const reply = await world.call('POST', '/v1/platform/upgrade', { body: { to: '4.2.7', wait: true } });
  expect(bodyAs(Platform, reply)).toMatchObject({ version: '4.2.7' });
}

const get = async (name: string): Promise<Gateway> =>
  bodyAs(operatorRoutes.getGateway.reply, await world.call('GET', `/v1/gateways/${name}`));
const explained = async (name: string) =>
  bodyAs(Explanation, await world.call('GET', `/v1/gateways/${name}/explanation`));
const review = async (name: string) =>
  bodyAs(ProfileUpdate, await world.call('GET', `/v1/gateways/${name}/profile-update`));

/** What the agent was told last: the whole target, by asking as one that has none. */
async function targetOf(agent: TestAgent): Promise<Target> {
  agent.generation = 0;
  const { target } = await agent.polls();
  if (target === undefined) throw new Error('there is no target');
  return target;
}

async function takesAgent(agent: TestAgent): Promise<string> {
  const target = await targetOf(agent);
  if (target.agent === undefined) throw new Error('the target names no agent');
  const { release: of, version, digest } = target.agent;
  expect(digest).toBe((await releaseOf(world, of)).agentDigest);
  agent.seen = { ...agent.seen, agent: { version, digest } };
  await agent.polls();
  return of;
}

/** Reviews and confirms what is available, and reports it as done. */
async function takesProfile(name: string, agent: TestAgent): Promise<ProfileUpdate> {
  const update = await review(name);
  const { planId, to, steps } = update;
  const reply = await world.call('POST', `/v1/gateways/${name}/profile-update/confirm`, { body: { planId } });
  expect(reply.status, JSON.stringify(reply.body)).toBe(202);
  const order = (await targetOf(agent)).profileUpdate;
  expect(order).toMatchObject({ planId, release: to.version });
  const at = '2026-11-23T10:05:00.000Z';
  const kubernetes = line[to.version as LineVersion];
  agent.seen = {
    ...agent.seen,
    appliedProfile: to,
    kubernetes,
    profileUpdate: {
      planId,
      phase: 'completed',
      startedAt: at,
      completedAt: at,
      controlPlanesUpdatedAt: at,
      steps: steps.map(({ id }) => ({ id, state: 'done' as const })),
      retry: 0,
    },
  };
  await agent.polls();
  return update;
}

test('a gateway that was away for three hops takes each of them: the agent, then the profile that a person confirms', async () => {
  const { ours } = await begin();
  await platformGoes();
  await ours.polls();
  expect(await explained('ours')).toMatchObject({
    isCurrent: false,
    runs: { agentVersion: '3.4.2', profileVersion: '3.4.2' },
    shouldRun: { agentVersion: '4.2.7', profileVersion: '4.2.7' },
    way: {
      from: '3.4.2',
      to: '4.2.7',
      stops: [
        { release: '4.0.3', bringsAgent: true, bringsProfile: true },
        { release: '4.1.9', bringsAgent: true, bringsProfile: true },
        { release: '4.2.7', bringsAgent: true, bringsProfile: true },
      ],
    },
  });
  const taken: string[] = [];
  for (const version of ['4.0.3', '4.1.9', '4.2.7'] as const) {
    expect(await get('ours')).toMatchObject({ isCurrent: false, availableProfileVersion: version });
    taken.push(`agent ${await takesAgent(ours)}`);
    const update = await takesProfile('ours', ours);
    const kubernetes = update.layers.find(({ layer }) => layer === 'kubernetes')?.packs[0];
    taken.push(`profile ${update.to.version}, Kubernetes ${kubernetes?.fromVersion} → ${kubernetes?.toVersion}`);
    taken.push(update.summary.sentences[0] ?? '');
  }
  const sentence = (left: number, way: string) =>
    `This is profile update 1 of ${left} on the way to platform version 4.2.7: ${way}. Each is reviewed and confirmed by itself.`;
  expect(taken).toEqual([
    'agent 4.0.3',
    'profile 4.0.3, Kubernetes 1.25.4 → 1.26.1',
    sentence(3, '3.4.2 → 4.0.3 → 4.1.9 → 4.2.7'),
    'agent 4.1.9',
    'profile 4.1.9, Kubernetes 1.26.1 → 1.27.6',
    sentence(2, '4.0.3 → 4.1.9 → 4.2.7'),
    'agent 4.2.7',
    'profile 4.2.7, Kubernetes 1.27.6 → 1.28.2',
    expect.not.stringContaining('on the way'),
  ]);
  expect(await get('ours')).toMatchObject({
    isCurrent: true,
    reasons: [],
    agentVersion: '4.2.7',
    profileVersion: '4.2.7',
    updatesAvailable: false,
  });
  expect(await explained('ours')).not.toHaveProperty('way');
});

test('on an existing cluster only the agent takes the stops, and waits where its owner has too old a Kubernetes', async () => {
  const { owners } = await begin();
  await platformGoes();
  const codes = async () => (await get('owners')).reasons.map(({ code }) => code);
  expect(await codes()).toEqual(['on-its-way', 'agent-update-waiting-for-poll']);
  expect(await takesAgent(owners)).toBe('4.0.3');
  owners.seen = { ...owners.seen, kubernetes: '1.23.9' };
  await owners.polls();
  expect(await codes()).toEqual(['on-its-way', 'kubernetes-outside-range']);
  expect((await targetOf(owners)).agent).toMatchObject({ release: '4.0.3' });
  owners.seen = { ...owners.seen, kubernetes: '1.25.4' };
  await owners.polls();
  expect(await takesAgent(owners)).toBe('4.1.9');
  expect(await takesAgent(owners)).toBe('4.2.7');
  expect(await get('owners')).toMatchObject({ isCurrent: true, agentVersion: '4.2.7' });
});

test('a newer patch that takes the rule of thumb away takes no way away that the platform went', async () => {
  const { owners } = await begin();
  await platformGoes();
  await release('4.0.4', '1.26.2');
  expect(await explained('owners')).toMatchObject({ way: { stops: [{ release: '4.0.3' }, {}, {}] } });
  expect(await takesAgent(owners)).toBe('4.0.3');
  expect(await takesAgent(owners)).toBe('4.1.9');
});

test('a stop that is recalled is gone around as soon as there is another, and held until then', async () => {
  const { ours, owners } = await begin();
  await platformGoes();
  expect((await world.recall('4.1.9', 'It forgets its Lease.')).status).toBe(200);
  for (const [name, agent] of [
    ['ours', ours],
    ['owners', owners],
  ] as const) {
    const { generation } = await get(name);
    await agent.polls();
    const { reasons, updatesAvailable } = await get(name);
    expect(reasons[0]).toMatchObject({ code: 'no-way-to-platform-version' });
    expect(JSON.stringify(reasons)).toContain('It forgets its Lease.');
    expect(updatesAvailable).toBe(false);
    expect(await targetOf(agent)).toMatchObject({ generation, agent: { release: '3.4.2' } });
    const shown = await world.call('GET', `/v1/gateways/${name}/profile-update`);
    expect(shown.status).toBe(409);
  }
  await release('4.1.10', '1.27.7');
  expect(await explained('ours')).toMatchObject({
    way: { stops: [{ release: '4.0.3' }, { release: '4.1.10' }, { release: '4.2.7' }] },
  });
  expect(await takesAgent(ours)).toBe('4.0.3');
});
