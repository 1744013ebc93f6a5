/** A profile update on a real Cluster API to machines that never start: stopped, retried, not cancelled, superseded. */

import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { size } from './testing/real-gateway.ts';
import { firstMove, type RollStory, startRollStory } from './testing/roll-story.ts';

const stuck = { version: '6.1.0', kubernetes: '1.34.1', os: 'unbootable' };
const newer = { version: '6.2.0', kubernetes: '1.34.1', os: 'ubuntu-24.04-c' };
const rollSeconds = 900;

let story: RollStory;

const isTried = faultRounds({ whole: 1, short: 0 }) > 0;
if (!isTried) console.error('GATEHOUSE_FAULT_ROUNDS=short: no profile update is stuck on the real Cluster API.');

describe.runIf(isTried)('a profile update whose machines never start', () => {
  beforeAll(async () => {
    story = await startRollStory({ kubeconfigPath: providedKubernetesLab().kubeconfigPath, moves: [stuck, newer] });
  });
  afterAll(async () => {
    await story?.end();
  });

  it('stops with the reason, is retried, is past cancelling, and is superseded', async ({ annotate }) => {
    const { gateway } = story;
    const before = await story.controlPlanes();
    const samples = gateway.samples.taken().length;
    const order = await gateway.plan({ from: firstMove.version, to: stuck.version });
    gateway.order({ profileUpdate: order });
    const stopped = (retry: number) =>
      gateway.waitFor(`it has stopped (retry ${retry})`, rollSeconds, () => {
        const seen = story.progressOf(order.planId);
        return seen?.phase === 'stopped' && seen.retry === retry ? seen : undefined;
      });
    const first = await stopped(0);
    expect(first.stopped).toMatchObject({ code: 'nodes-stuck' });
    expect(first.steps.find(({ id }) => id === 'workers')?.state).toBe('waiting');
    // One more than there were, and it alone is stuck.
    const withNew = await story.controlPlanes();
    expect(withNew.filter((name) => before.includes(name))).toEqual(before);
    const [atFault = '', ...others] = withNew.filter((name) => !before.includes(name));
    expect(others).toEqual([]);
    expect(first.stopped?.message).toContain(atFault);

    gateway.order({ profileUpdate: { ...order, isCancelled: true } });
    await gateway.waitFor(
      'the cancellation was heard',
      120,
      () => gateway.server.polls.at(-1)?.request.generation === gateway.server.target?.generation || undefined,
    );
    expect(story.progressOf(order.planId)?.phase).toBe('stopped');

    gateway.order({ profileUpdate: { ...order, retry: 1 } });
    await stopped(1);
    const retried = await story.controlPlanes();
    expect(retried.filter((name) => before.includes(name))).toEqual(before);
    expect([retried.length, retried.includes(atFault)]).toEqual([before.length + 1, false]);

    const next = await gateway.plan({ from: firstMove.version, to: newer.version });
    gateway.order({ profileUpdate: next });
    await story.completed(next.planId);
    const seen = story.worstSince(samples);
    await annotate(JSON.stringify(seen));
    expect(seen.ready).toBeGreaterThanOrEqual(size.controlPlanes);
    expect(await gateway.topology()).toMatchObject({
      version: `v${newer.kubernetes}`,
      variables: [{ name: 'osImage', value: newer.os }],
    });
  });
});
