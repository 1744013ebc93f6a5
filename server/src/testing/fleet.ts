/** Gateways as operators make them, up to Running, for tests that begin there. */

import { operatorRoutes, type ReplyOf } from '@gatehouse/contract/operator-api';
import { type InstallBundle, ProfileUpdate, type Release } from '@gatehouse/contract/operator-types';
import { observation, startAgent, type TestAgent } from './test-agent.ts';
import { bodyAs, type Caller } from './world.ts';

export async function releasesOf(world: Caller): Promise<ReadonlyMap<string, Release>> {
  const { items } = bodyAs(operatorRoutes.listReleases.reply, await world.call('GET', '/v1/releases'));
  return new Map(items.map((release) => [release.version, release]));
}

export async function releaseOf(world: Caller, version: string): Promise<Release> {
  const release = (await releasesOf(world)).get(version);
  if (release === undefined) throw new Error(`no release ${version} was imported`);
  return release;
}

export type Made = ReplyOf<'createGateway'>;

export async function createGateway(world: Caller, more: object = {}): Promise<Made> {
  const reply = await world.call('POST', '/v1/gateways', {
    body: { name: 'site-a', installation: 'existing-cluster', provider: 'vsphere', ...more },
  });
  return bodyAs(operatorRoutes.createGateway.reply, reply);
}

export const tokenOf = ({ install }: Made): string => {
  const token = /registrationToken=(\S+)/.exec(install?.commands[1] ?? '')?.[1];
  if (token === undefined) throw new Error('the install commands carry no registration token');
  return token;
};

/** Enrolled and polled once, on the platform's present version. */
export async function runningExistingCluster(world: Caller, name = 'site-a', version = '4.1.12'): Promise<TestAgent> {
  const made = await createGateway(world, { name });
  const seen = observation(await releaseOf(world, version));
  const agent = await startAgent(world, { gatewayId: made.gateway.id, token: tokenOf(made), seen });
  await agent.polls();
  return agent;
}

export async function installBundle(world: Caller, name: string): Promise<InstallBundle> {
  const reply = await world.call('POST', `/v1/gateways/${name}/install`, { body: {} });
  return bodyAs(operatorRoutes.installGateway.reply, reply).bundle;
}

/** Installed by us, its first profile applied. */
export async function runningCli(
  world: Caller,
  name = 'site-b',
  version = '4.1.12',
  controlPlanes: 1 | 3 = 3,
): Promise<TestAgent> {
  const { gateway } = await createGateway(world, { name, installation: 'cli', controlPlanes });
  const bundle = await installBundle(world, name);
  const seen = observation(await releaseOf(world, version));
  const agent = await startAgent(world, { gatewayId: gateway.id, token: bundle.registrationToken, seen });
  await agent.polls();
  agent.seen = { ...agent.seen, appliedProfile: bundle.cluster.profile };
  await agent.polls();
  return agent;
}

/** The platform on 4.2.7 and the gateway's agent too, so that its profile update may be confirmed. */
export async function withProfileUpdate(world: Caller, agent: TestAgent): Promise<string> {
  const upgrade = await world.call('POST', '/v1/platform/upgrade', { body: { to: '4.2.7' } });
  if (upgrade.status !== 202) throw new Error(`not upgraded: ${JSON.stringify(upgrade.body)}`);
  await agent.polls();
  const { agentVersion, agentDigest } = await releaseOf(world, '4.2.7');
  agent.seen = { ...agent.seen, agent: { version: agentVersion, digest: agentDigest } };
  await agent.polls();
  const update = await world.call('GET', `/v1/gateways/${agent.gatewayId}/profile-update`);
  return bodyAs(ProfileUpdate, update).planId;
}

export async function eventsOf(world: Caller, gateway: string): Promise<readonly { type: string; message: string }[]> {
  const reply = await world.call('GET', `/v1/gateways/${gateway}/events?after=0&limit=500`);
  return bodyAs(operatorRoutes.listGatewayEvents.reply, reply).items;
}
