/** What an agent does in its gateway when the releases can no longer be trusted, and that whoever asks is told why. */

import { toInstant } from '@gatehouse/domain/instant';
import { afterEach, describe, expect, test } from 'vitest';
import { createGatewayWorld, type GatewayWorld, start } from './testing/gateway-world.ts';
import { plannedOrder, profilePointer } from './testing/planned-order.ts';
import { openRepository, type TestRepository } from './testing/test-repository.ts';

const minute = 60_000;
const day = 86_400_000;
const clockMargin = 60 * minute;
/** A timestamp lasts for a week. */
const signedToExpireAfter = (minutes: number): Date => new Date(start + minutes * minute - 7 * day - clockMargin);

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function startRunning(options: Parameters<typeof createGatewayWorld>[0]): Promise<GatewayWorld> {
  const world = await createGatewayWorld(options);
  closers.push(() => world.dispose());
  world.server.pollAgainSeconds = 20;
  await world.waitFor('an observation', 60, () => world.server.observation);
  return world;
}

async function otherPublisher(): Promise<TestRepository> {
  const repository = await openRepository();
  closers.push(() => repository.dispose());
  return repository;
}

const runs = (world: GatewayWorld) => world.simulated.read().deployment?.template.release.digest;
const hold = (world: GatewayWorld, code: string) =>
  world.waitFor(`the hold ${code}`, 200, () =>
    world.server.observation?.agentHolds.find((reason) => reason.code === code),
  );
const settled = (world: GatewayWorld) =>
  world.waitFor('the update', 600, () =>
    world.server.observation?.attempt?.phase === 'settled' ? world.server.observation : undefined,
  );

describe('a running agent', () => {
  test('takes nothing new once the metadata has expired, says so, and goes on when it was signed again', async () => {
    const world = await startRunning({ installation: 'existing-cluster', signedAt: signedToExpireAfter(2) });
    await world.clock.advance(3 * minute);
    world.orderAgent('4.2.7');
    const expired = await hold(world, 'metadata-expired');
    expect(expired.message).toContain('timestamp.json has expired at');
    expect(expired.nextStep).toContain('gatehouse release refresh');
    await world.clock.advance(minute);
    expect(runs(world)).toBe(world.agentOf('4.1.12').digest);
    expect(world.server.observation?.attempt).toBeUndefined();

    await world.releases.renew(new Date(start));
    expect((await settled(world)).agentHolds).toEqual([]);
    expect(runs(world)).toBe(world.agentOf('4.2.7').digest);
  });

  test('does not take a release that was recalled, though the control plane names it; goes on to another', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    await world.releases.recall('4.2.7', 'It loses volumes.', new Date());
    world.orderAgent('4.2.7');
    expect((await hold(world, 'release-recalled')).message).toContain('It loses volumes.');
    await world.clock.advance(minute);
    expect(runs(world)).toBe(world.agentOf('4.1.12').digest);
    world.orderAgent('4.2.8');
    await settled(world);
    expect(runs(world)).toBe(world.agentOf('4.2.8').digest);
  });

  test('keeps running a release that is recalled afterwards', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.orderAgent('4.2.7');
    await settled(world);
    await world.releases.recall('4.2.7', 'It loses volumes.', new Date());
    world.order({ agent: { release: '4.2.7', ...world.agentOf('4.2.7'), isRetried: false } });
    await world.clock.advance(2 * minute);
    expect(runs(world)).toBe(world.agentOf('4.2.7').digest);
    expect(world.server.observation?.agentHolds).toEqual([]);
  });

  test('does not take a list of recalls for empty because it is withheld', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    await world.releases.recall('4.2.7', 'It loses volumes.', new Date());
    world.server.repository = {
      read: async (kind, file) => (file.endsWith('recalls.json') ? undefined : world.releases.read(kind, file)),
    };
    world.orderAgent('4.2.8');
    expect((await hold(world, 'file-missing')).message).toContain('recalls.json');
    await world.clock.advance(minute);
    expect(runs(world)).toBe(world.agentOf('4.1.12').digest);
  });

  test('takes nothing from another publisher, whatever the control plane serves', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    const other = await otherPublisher();
    world.server.repository = other;
    const { version, digest } = other.release('4.2.7').agent;
    world.order({ agent: { release: '4.2.7', version, digest, isRetried: false } });
    expect((await hold(world, 'signature-wrong')).nextStep).toContain('fingerprint');
    await world.clock.advance(minute);
    expect(runs(world)).toBe(world.agentOf('4.1.12').digest);
  });

  test('takes nothing new while its clock is days away from the control plane’s', async () => {
    const world = await startRunning({ installation: 'existing-cluster' });
    world.server.time = toInstant(start + 3 * day);
    world.orderAgent('4.2.7');
    expect((await hold(world, 'clock')).nextStep).toContain('Set both clocks right');
    expect(runs(world)).toBe(world.agentOf('4.1.12').digest);
    world.server.time = undefined;
    await settled(world);
  });
});

describe('a profile update', () => {
  const size = { controlPlanes: 3, workers: 0 } as const;
  const begun = (world: GatewayWorld) =>
    world.waitFor('control planes roll', 400, () =>
      world.server.observation?.profileUpdate?.steps.some(
        ({ id, state }) => id === 'control-planes' && state === 'running',
      )
        ? true
        : undefined,
    );

  async function startUpdate(minutes: number) {
    const signedAt = signedToExpireAfter(minutes);
    const world = await startRunning({ installation: 'cli', ...size, signedAt });
    world.order({ initialProfile: { release: '4.1.12', digest: profilePointer(world, '4.1.12').digest } });
    await world.waitFor('the first profile', 300, () => world.server.observation?.appliedProfile && true);
    return { world, order: plannedOrder(world, { from: '4.1.12', to: '4.2.7' }, size) };
  }

  test('that has begun is finished with the server gone, everything expired, and every agent pod new', async () => {
    const { world, order } = await startUpdate(4);
    world.order({ profileUpdate: order });
    await begun(world);
    world.server.isAway = true;
    await world.clock.advance(5 * minute - (Number(await world.simulated.connect().now()) - start));
    for (const { name, owner } of world.simulated.read().pods) {
      if (owner.kind === 'replica-set') world.simulated.owner.deletePod(name);
    }
    await world.waitFor('it is completed in the gateway', 3_000, () =>
      world.simulated.read().maps.inventory?.data['appliedProfile']?.includes('4.2.7') ? true : undefined,
    );
  });

  test('does not begin by metadata that has expired, and whoever asks is told', async () => {
    const { world, order } = await startUpdate(4);
    await world.clock.advance(5 * minute - (Number(await world.simulated.connect().now()) - start));
    world.order({ profileUpdate: order });
    expect((await hold(world, 'metadata-expired')).message).toContain('has expired');
    await world.clock.advance(minute);
    expect(world.server.observation?.profileUpdate?.planId).not.toBe(order.planId);
    await world.releases.renew(new Date(start));
    await begun(world);
  });

  test('to the profile of a release that was recalled does not begin', async () => {
    const { world, order } = await startUpdate(120);
    await world.releases.recall('4.2.7', 'It loses volumes.', new Date(start));
    world.order({ profileUpdate: order });
    await hold(world, 'release-recalled');
    await world.clock.advance(minute);
    expect(world.server.observation?.profileUpdate?.planId).not.toBe(order.planId);
    world.order({ profileUpdate: { ...order, isCancelled: true } });
    const ended = await world.waitFor('it is cancelled', 400, () => {
      const progress = world.server.observation?.profileUpdate;
      return progress?.phase === 'cancelled' && progress.planId === order.planId ? progress : undefined;
    });
    expect(ended.steps.every(({ state }) => state === 'waiting')).toBe(true);
  });

  test('that has begun goes on when its release is recalled, and is too late to cancel', async () => {
    const { world, order } = await startUpdate(120);
    world.order({ profileUpdate: order });
    await begun(world);
    await world.releases.recall('4.2.7', 'It loses volumes.', new Date(start));
    world.order({
      profileUpdate: { ...order, isCancelled: true, held: [{ code: 'release-recalled', message: 'Bad.' }] },
    });
    await world.waitFor('it is completed', 3_000, () =>
      world.server.observation?.profileUpdate?.phase === 'completed' ? true : undefined,
    );
  });
});
