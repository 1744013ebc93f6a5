import { rehearsalExitCodes } from '@gatehouse/domain/rehearsal-exit';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Cluster, ClusterUnreachable } from '../cluster/cluster.ts';
import { createGatewayWorld, type GatewayWorld, repository } from '../testing/gateway-world.ts';
import { type RehearsalResult, rehearse } from './rehearse.ts';

const attemptId = '7d444840-9dc0-11d1-b245-5ffdce74fad2';

describe('a rehearsal beside a running agent', () => {
  let world: GatewayWorld;
  let cluster: Cluster;

  beforeEach(async () => {
    world = await createGatewayWorld({ installation: 'existing-cluster' });
    await world.waitFor('the gateway reports', 60, () => world.server.observation);
    cluster = world.simulated.connect();
  });
  afterEach(() => world.dispose());

  async function run(): Promise<RehearsalResult> {
    const { version, digest } = world.agentOf('4.2.7');
    const parsed = parsePlatformVersion(version);
    if (parsed === undefined) throw new Error('not a version');
    let result: RehearsalResult | undefined;
    void rehearse({
      cluster,
      self: { release: { version: parsed, digest }, podName: 'gatehouse-agent-rehearsal-x', repository },
      environment: {},
      clock: world.clock,
      attemptId,
      openControlPlane: () => ({ controlPlane: world.server.connect('rehearsal'), close: async () => {} }),
    }).then((ended) => {
      result = ended;
    });
    return world.waitFor('its end', 120, () => result);
  }

  test('passes when everything is as it should be, and changes nothing', async () => {
    const before = world.simulated.read();
    expect(await run()).toEqual({ exitCode: rehearsalExitCodes.passed, message: 'The rehearsal passed.' });
    const after = world.simulated.read();
    expect([after.maps, after.deployment]).toEqual([before.maps, before.deployment]);
    expect(world.server.polls.at(-1)?.request).toMatchObject({ isTrial: true, attemptId });
  });

  test('says that the control plane cannot be reached, after several tries', async () => {
    world.server.isAway = true;
    expect(await run()).toEqual({
      exitCode: rehearsalExitCodes.controlPlaneUnreachable,
      message: 'The control plane could not be reached: no route to host',
    });
  });

  test('passes when the control plane comes back within its tries', async () => {
    world.server.isAway = true;
    const running = run();
    await world.clock.advance(4_000);
    world.server.isAway = false;
    expect((await running).exitCode).toBe(rehearsalExitCodes.passed);
  });

  test('says that the trial poll is refused', async () => {
    world.server.refusesTrials = true;
    expect(await run()).toMatchObject({
      exitCode: rehearsalExitCodes.checkFailed,
      message: expect.stringContaining('The trial poll was refused') as string,
    });
  });

  test('says that the API server cannot be reached', async () => {
    const whole = cluster;
    cluster = { ...whole, listPods: () => Promise.reject(new ClusterUnreachable('no route to the API server')) };
    expect(await run()).toEqual({
      exitCode: rehearsalExitCodes.clusterUnreachable,
      message: 'no route to the API server',
    });
  });

  test('says when it could not take itself back', async () => {
    const whole = cluster;
    const refused = { kind: 'refused', status: 403, message: 'deployments.apps is forbidden' } as const;
    cluster = { ...whole, dryRunDeployment: async () => refused };
    expect(await run()).toEqual({
      exitCode: rehearsalExitCodes.checkFailed,
      message: 'Agent 4.2.7 could not take itself back: deployments.apps is forbidden',
    });
  });

  test('says when its identity cannot be used', async () => {
    const whole = cluster;
    cluster = {
      ...whole,
      readMap: async (name) => (name === 'identity' ? { data: {}, resourceVersion: '1' } : whole.readMap(name)),
    };
    expect(await run()).toMatchObject({
      exitCode: rehearsalExitCodes.checkFailed,
      message: expect.stringContaining('gatehouse-agent-identity cannot be used: it holds no key') as string,
    });
  });
});
