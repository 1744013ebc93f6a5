/**
 * A profile update on a real Cluster API while somebody interferes: control planes that go or are unhealthy, a Cluster that is
 * paused, objects that are edited and deleted.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countAt } from './cluster/kubernetes/json.ts';
import { size } from './testing/real-gateway.ts';
import { firstMove, type RollStory, startRollStory, stuckAfter } from './testing/roll-story.ts';

const move = { version: '6.1.0', kubernetes: '1.34.1', os: 'ubuntu-24.04-b' };
const quorum = 2;
const allControlPlanes = 'control-planes';

let story: RollStory;

const isTried = faultRounds({ whole: 1, short: 0 }) > 0;
if (!isTried)
  console.error('GATEHOUSE_FAULT_ROUNDS=short: nobody interferes with a profile update on the real Cluster API.');

describe.runIf(isTried)('a profile update on a real Cluster API with which somebody interferes', () => {
  beforeAll(async () => {
    story = await startRollStory({ kubeconfigPath: providedKubernetesLab().kubeconfigPath, moves: [move] });
  });
  afterAll(async () => {
    await story?.end();
  });

  it('completes: it waits for control planes and for who paused, puts its own fields right, and leaves theirs', async ({
    annotate,
  }) => {
    const { lab, gateway } = story;
    const { clusterPath, packs } = gateway;
    const made = gateway.machinesMade();
    const samples = gateway.samples.taken().length;
    const old = await story.controlPlanes();
    const order = await gateway.plan({ from: firstMove.version, to: move.version });
    // Before: its preflight waits until that is mended.
    await story.deleteMachine((await story.controlPlanes()).at(-1) ?? '');
    gateway.order({ profileUpdate: order });
    await gateway.waitFor(
      'the control planes roll',
      900,
      () =>
        story.progressOf(order.planId)?.steps.some(({ id, state }) => id === allControlPlanes && state === 'running') ||
        undefined,
    );
    await story.machineBeyond(made + 1);

    // In the middle.
    await story.deleteMachine((await story.controlPlanes())[0] ?? '');
    await lab.api.merge(clusterPath, {
      spec: { paused: true },
      metadata: { annotations: { 'their.example/note': 'mine' } },
    });
    await gateway.waitFor(
      'the pause is told',
      120,
      () =>
        story.progressOf(order.planId)?.steps.some(({ message }) => message?.includes('is paused') === true) ||
        undefined,
    );
    const generation = countAt(await lab.api.get(clusterPath), 'metadata', 'generation');
    await pause(stuckAfter + 10_000);
    expect(story.progressOf(order.planId)?.phase).toBe('running');
    const cloud = `/api/v1/namespaces/${packs}/configmaps/cloud`;
    await story.edit(cloud, { data: { of: 'somebody else', theirs: 'x' } });
    const agentNamespace = clusterPath.split('/')[5]?.replace(/-cluster$/, '') ?? '';
    await lab.api.remove(`/api/v1/namespaces/${agentNamespace}/configmaps/gatehouse-agent-inventory`);
    expect(countAt(await lab.api.get(clusterPath), 'metadata', 'generation')).toBe(generation);
    await lab.api.merge(clusterPath, { spec: { paused: false } });
    await story.markUnhealthy((await story.controlPlanes())[0] ?? '');
    await story.milestoneOf(order.planId);
    const updated = await story.controlPlanes();
    expect(updated).toHaveLength(size.controlPlanes);
    expect(updated.filter((name) => old.includes(name))).toEqual([]);

    // After the control planes.
    await story.deleteMachine(updated[0] ?? '');
    await story.edit(clusterPath, {
      spec: { topology: { variables: [{ name: 'osImage', value: 'ubuntu-24.04-x' }] } },
    });
    const end = await story.completed(order.planId);
    const told = (end.repairs ?? []).map(({ what }) => what);
    const seen = story.worstSince(samples);
    await annotate(`${told.join(' | ')} ${JSON.stringify(seen)}`);
    // Each once.
    for (const what of [
      /ConfigMap .*cloud was changed by kubectl-edit/,
      /gatehouse-agent-inventory was deleted/,
      /topology .* changed by kubectl-edit/,
    ]) {
      expect(told.filter((one) => what.test(one))).toHaveLength(1);
    }
    expect(await lab.api.get(cloud)).toMatchObject({ data: { of: move.version, theirs: 'x' } });
    expect(await lab.api.get(clusterPath)).toMatchObject({
      metadata: { annotations: { 'their.example/note': 'mine' } },
      spec: {
        topology: { version: `v${move.kubernetes}`, variables: [{ name: 'osImage', value: move.os }] },
      },
    });
    expect(story.milestonesOf(order.planId).size).toBe(1);
    expect(seen.ready).toBeGreaterThanOrEqual(quorum);
    // One that somebody deleted or that is unhealthy may go while another one is replaced.
    expect(seen.leaving).toBeLessThanOrEqual(2);
  });
});
