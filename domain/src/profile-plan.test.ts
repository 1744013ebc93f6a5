import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ObservedClusterApi } from './gateway.ts';
import { minutes } from './instant.ts';
import { refuseKubernetesStep } from './kubernetes-step.ts';
import { isNeverDeleted } from './object-reference.ts';
import type { Layer, Profile } from './profile.ts';
import {
  canonicalPlan,
  initialProfileSteps,
  type PlanFacts,
  planProfileUpdate,
  type UnidentifiedPlan,
} from './profile-plan.ts';
import { at, clusterApi, kubernetes, node, object, pack, profile, replicas, t0 } from './testing/facts.ts';
import { compareVersions, versionParts } from './version.ts';

const nodes = [
  node('cp-3', 'control-plane', at(minutes(3))),
  node('cp-1', 'control-plane', at(minutes(1))),
  node('cp-2', 'control-plane', at(minutes(2))),
];
const from = { kubernetes: '1.33.5', os: 'ubuntu-1' };

function facts(more: Partial<PlanFacts> = {}): PlanFacts {
  return {
    gatewayId: 'gw-1',
    installation: 'cli',
    settings: { controlPlanes: 3, workers: 0 },
    current: profile('old', from),
    target: profile('new', { kubernetes: '1.34.1', os: 'ubuntu-2' }),
    nodes,
    ...more,
  };
}

function planned(more: Partial<PlanFacts> = {}): UnidentifiedPlan {
  const decision = planProfileUpdate(facts(more));
  if (decision.kind === 'none') throw new Error(decision.reasons.map(({ message }) => message).join(' '));
  return decision.plan;
}

function refusedCodes(more: Partial<PlanFacts>): readonly string[] {
  const decision = planProfileUpdate(facts(more));
  return decision.kind === 'none' ? decision.reasons.map(({ code }) => code) : [];
}

const network = (name: string, more: Parameters<typeof pack>[1] = {}): Layer => ({
  kind: 'network',
  packs: [pack(name, more)],
});
const addOns = (...packs: readonly ReturnType<typeof pack>[]): Layer => ({ kind: 'add-ons', packs });

describe('no plan', () => {
  const same = { ...from };
  test.each([
    { name: 'for the same digest', more: { target: profile('old', from) }, codes: ['same-profile'] },
    { name: 'on an existing cluster', more: { installation: 'existing-cluster' }, codes: ['existing-cluster'] },
    {
      name: 'that skips a minor',
      more: { target: profile('new', { ...same, kubernetes: '1.35.0' }) },
      codes: ['kubernetes-skips-minor'],
    },
    {
      name: 'that goes a minor down',
      more: { target: profile('new', { ...same, kubernetes: '1.32.9' }) },
      codes: ['kubernetes-goes-down'],
    },
    {
      name: 'that goes a patch down',
      more: { target: profile('new', { ...same, kubernetes: '1.33.4' }) },
      codes: ['kubernetes-goes-down'],
    },
    {
      name: 'that goes a major up',
      more: { target: profile('new', { ...same, kubernetes: '2.0.0' }) },
      codes: ['kubernetes-skips-minor'],
    },
    { name: 'while the nodes are unknown', more: { nodes: 'unknown' }, codes: ['nodes-unknown'] },
    { name: 'while the Cluster is unknown', more: { clusterApi: 'unknown' }, codes: ['nodes-unknown'] },
    {
      name: 'for another provider',
      more: { target: { ...profile('new', same), provider: 'maas' } },
      codes: ['other-provider'],
    },
    {
      name: 'to a profile without an OS image',
      more: { target: profile('new', { ...same, os: '' }) },
      codes: ['profile-invalid'],
    },
    {
      name: 'to a profile without a Kubernetes version',
      more: { target: profile('new', { ...same, kubernetes: 'latest' }) },
      codes: ['profile-invalid'],
    },
    {
      name: 'with all its reasons',
      more: { nodes: 'unknown', target: { ...profile('new', { ...same, kubernetes: '1.30.0' }), provider: 'maas' } },
      codes: ['other-provider', 'nodes-unknown', 'kubernetes-goes-down'],
    },
  ] satisfies readonly { name: string; more: Partial<PlanFacts>; codes: readonly string[] }[])(
    '$name',
    ({ more, codes }) => {
      expect(refusedCodes(more)).toEqual(codes);
    },
  );
});

describe('the steps', () => {
  test('Kubernetes and OS: the control planes, oldest first', () => {
    expect(planned().steps).toEqual([
      {
        id: 'control-planes',
        kind: 'control-planes',
        move: 'version',
        to: { kubernetes: '1.34.1', os: 'ubuntu-2' },
        nodes: ['cp-1', 'cp-2', 'cp-3'],
      },
    ]);
  });

  test('the OS alone', () => {
    const { steps } = planned({
      target: profile('new', { ...from, os: 'ubuntu-2' }),
      nodes: [...nodes, node('w-1', 'worker')],
      settings: { controlPlanes: 3, workers: 1 },
    });
    expect(steps).toMatchObject([
      { id: 'control-planes', move: 'os', nodes: ['cp-1', 'cp-2', 'cp-3'] },
      { id: 'workers', move: 'os', nodes: ['w-1'] },
    ]);
  });

  test('workers come after the control planes, if there are any', () => {
    const withWorkers = planned({ nodes: [...nodes, node('w-2', 'worker', at(minutes(9))), node('w-1', 'worker')] });
    expect(withWorkers.steps.map(({ id }) => id)).toEqual(['control-planes', 'workers']);
    expect(withWorkers.summary.repaves).toEqual(['cp-1', 'cp-2', 'cp-3', 'w-1', 'w-2']);
  });

  test('the control planes have their step also when none is replaced', () => {
    const { steps, summary } = planned({ target: profile('new', from, [network('cilium')]) });
    expect(steps).toMatchObject([{ id: 'control-planes', nodes: [] }, { id: 'pack:network/cilium' }]);
    expect(steps[0]).not.toHaveProperty('move');
    expect(summary.repaves).toEqual([]);
  });

  test('packs in the order of the layers; those marked come before the nodes, those that stay have no step', () => {
    const { steps } = planned({
      current: profile('old', from, [
        network('cilium'),
        { kind: 'storage', packs: [pack('csi')] },
        addOns(pack('a'), pack('gone')),
      ]),
      target: profile('new', from, [
        network('cilium', { version: '2.0.0' }),
        { kind: 'storage', packs: [pack('csi')] },
        addOns(pack('b'), pack('crds', { beforeNodes: true }), pack('a', { values: { x: 1 } })),
      ]),
    });
    expect(steps.map(({ id }) => id)).toEqual([
      'pack:add-ons/crds',
      'control-planes',
      'pack:network/cilium',
      'pack:add-ons/b',
      'pack:add-ons/a',
      'pack:add-ons/gone',
    ]);
  });

  test('what a pack no longer has is deleted, save what keeps data; what another pack has now stays', () => {
    const claim = object('PersistentVolumeClaim', 'data');
    const crd = { ...object('CustomResourceDefinition', 'x.example'), apiVersion: 'apiextensions.k8s.io/v1' };
    const old = pack('a', {
      objects: [object('Service', 'old'), claim, crd, object('ConfigMap', 'moved'), object('ConfigMap', 'stays')],
    });
    const { steps, summary } = planned({
      current: profile('old', from, [addOns(old)]),
      target: profile('new', from, [
        addOns(
          pack('a', { objects: [object('ConfigMap', 'stays', { apiVersion: 'v2' })] }),
          pack('b', { objects: [object('ConfigMap', 'moved')] }),
        ),
      ]),
    });
    expect(steps[1]).toMatchObject({
      id: 'pack:add-ons/a',
      deletes: [{ kind: 'Service', name: 'old' }],
      keeps: [{ kind: 'PersistentVolumeClaim' }, { kind: 'CustomResourceDefinition' }],
    });
    expect(summary.deletes).toHaveLength(1);
  });
});

describe('from what the Cluster is on now, after a stopped update', () => {
  const to = kubernetes('1.34.1');
  const moved = (more: Partial<ObservedClusterApi>) =>
    planned({ nodes: [...nodes, node('w-1', 'worker')], clusterApi: clusterApi({ topologyVersion: to, ...more }) })
      .steps;
  const onTarget = replicas('cp', 3, { specVersion: to, statusVersion: to, specOs: 'ubuntu-2' });

  test('control planes are there, workers are not', () => {
    const steps = moved({ controlPlane: onTarget, workers: [replicas('md', 1)] });
    expect(steps).toMatchObject([
      { id: 'control-planes', nodes: [] },
      { id: 'workers', move: 'version' },
    ]);
  });

  test('control planes are on the way', () => {
    const [step] = moved({ controlPlane: { ...onTarget, statusVersion: kubernetes('1.33.5') } });
    expect(step).toMatchObject({ move: 'version', nodes: ['cp-1', 'cp-2', 'cp-3'] });
  });

  test('only the OS is left', () => {
    const [step] = moved({ controlPlane: { ...onTarget, specOs: 'ubuntu-1' } });
    expect(step).toMatchObject({ move: 'os' });
  });

  test('a version that the Cluster has passed is not gone back to', () => {
    expect(refusedCodes({ clusterApi: clusterApi({ topologyVersion: kubernetes('1.34.2') }) })).toEqual([
      'kubernetes-goes-down',
    ]);
  });

  test('two minors from the profile and one from the Cluster is one', () => {
    const target = profile('new', { kubernetes: '1.35.0', os: 'ubuntu-2' });
    expect(refusedCodes({ target })).toEqual(['kubernetes-skips-minor']);
    expect(refusedCodes({ target, clusterApi: clusterApi({ topologyVersion: to }) })).toEqual([]);
  });
});

describe('the summary', () => {
  test('one control plane that is replaced is downtime', () => {
    const { summary } = planned({ settings: { controlPlanes: 1, workers: 0 }, nodes: [node('cp-1', 'control-plane')] });
    expect(summary.downtime).toBe('yes');
  });

  test('one control plane that stays is none', () => {
    const settings = { controlPlanes: 1, workers: 0 } as const;
    expect(planned({ settings, target: profile('new', from, [addOns(pack('a'))]) }).summary.downtime).toBe(
      'not-expected',
    );
  });

  test.each(['network', 'storage'] as const)('downtime is possible when %s moves', (kind) => {
    const target = profile('new', from, [{ kind, packs: [pack('x')] }]);
    expect(planned({ target }).summary.downtime).toBe('possible');
  });

  test('three control planes are replaced without', () => {
    expect(planned().summary.downtime).toBe('not-expected');
  });

  test('says in words what would be done', () => {
    const target = profile('new', { kubernetes: '1.34.1', os: 'ubuntu-2' }, [network('cilium')]);
    expect(planned({ target }).summary.sentences).toEqual([
      'Layers that move: os, kubernetes, network.',
      'Kubernetes moves from 1.33.5 to 1.34.1.',
      'The OS moves from ubuntu-1 to ubuntu-2.',
      'Control planes are replaced one at a time: cp-1, then cp-2, then cp-3.',
      'Packs applied or removed, in order: cilium.',
      'It usually takes about 33 minutes.',
      'Downtime: possible, since network or storage moves.',
    ]);
  });
});

describe('the text a plan is identified by', () => {
  const text = (more: Partial<PlanFacts> = {}) => canonicalPlan(planned(more));

  test('is the same for the same facts, in whatever order the nodes were listed', () => {
    expect(text({ nodes: nodes.map((_, index) => nodes[nodes.length - 1 - index] ?? node('none', 'worker')) })).toBe(
      text(),
    );
  });

  test('does not know health', () => {
    expect(text({ nodes: nodes.map((one) => ({ ...one, ready: false, kubernetesVersion: 'unknown' as const })) })).toBe(
      text(),
    );
    expect(text({ clusterApi: clusterApi({ isEtcdHealthy: false, isControlPlaneAvailable: 'unknown' }) })).toBe(text());
  });

  test('does not know the summary', () => {
    const plan = planned();
    expect(canonicalPlan({ ...plan, summary: { ...plan.summary, sentences: ['other'] } })).toBe(canonicalPlan(plan));
  });

  test.each<{ name: string; more: Partial<PlanFacts> }>([
    { name: 'the gateway', more: { gatewayId: 'gw-2' } },
    { name: 'the profile before', more: { current: profile('older', from) } },
    { name: 'the profile after', more: { target: profile('newer', { kubernetes: '1.34.1', os: 'ubuntu-2' }) } },
    { name: 'the settings', more: { settings: { controlPlanes: 3, workers: 2 } } },
    { name: 'the nodes', more: { nodes: [...nodes, node('cp-4', 'control-plane', at(minutes(9)))] } },
    {
      name: 'their order',
      more: { nodes: nodes.map((one, index) => ({ ...one, createdAt: at(minutes(9 - index)) })) },
    },
    {
      name: 'the way they move',
      more: {
        clusterApi: clusterApi({
          topologyVersion: kubernetes('1.34.1'),
          controlPlane: replicas('cp', 3, { specVersion: kubernetes('1.34.1'), specOs: 'ubuntu-1' }),
        }),
      },
    },
  ])('changes with $name', ({ more }) => {
    expect(text(more)).not.toBe(text());
  });
});

const anyVersion = fc
  .tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 30, max: 36 }), fc.nat(3))
  .map((parts) => parts.join('.'));
const anyObjects = fc.array(
  fc
    .record({
      kind: fc.constantFrom('ConfigMap', 'Namespace', 'PersistentVolumeClaim', 'CustomResourceDefinition'),
      name: fc.constantFrom('a', 'b'),
    })
    .map(({ kind, name }) => object(kind, name)),
  { maxLength: 4 },
);
const anyLayers: fc.Arbitrary<readonly Layer[]> = fc
  .subarray(['network', 'storage', 'add-ons'] as const)
  .chain((kinds) =>
    fc.tuple(
      ...kinds.map((kind) =>
        fc
          .uniqueArray(
            fc.record({ name: fc.constantFrom('x', 'y', 'z'), objects: anyObjects, beforeNodes: fc.boolean() }),
            {
              selector: ({ name }) => name,
              maxLength: 3,
            },
          )
          .map((packs) => ({ kind, packs: packs.map(({ name, ...more }) => pack(name, more)) })),
      ),
    ),
  );
const anyProfile: fc.Arbitrary<Profile> = fc
  .record({ kubernetes: anyVersion, os: fc.constantFrom('ubuntu-1', 'ubuntu-2'), layers: anyLayers, digest: fc.uuid() })
  .map(({ kubernetes, os, layers, digest }) => profile(digest, { kubernetes, os }, layers));

test('in no plan does Kubernetes skip a minor or go down', () => {
  fc.assert(
    fc.property(anyProfile, anyProfile, fc.option(anyVersion), (current, target, now) => {
      const cluster = now === null ? {} : { clusterApi: clusterApi({ topologyVersion: kubernetes(now) }) };
      const decision = planProfileUpdate(facts({ current, target, ...cluster }));
      fc.pre(decision.kind === 'plan');
      const before = kubernetes(now ?? current.layers[1]?.packs[0]?.version ?? '');
      for (const step of decision.plan.steps) {
        if (step.kind === 'pack') continue;
        const [a, b] = [versionParts(before), versionParts(step.to.kubernetes)];
        expect(compareVersions(step.to.kubernetes, before)).toBeGreaterThanOrEqual(0);
        expect([b.major, b.minor - a.minor <= 1]).toEqual([a.major, true]);
      }
    }),
    { numRuns: 300 },
  );
});

test('no plan deletes what keeps data, or what the target still has', () => {
  fc.assert(
    fc.property(anyLayers, anyLayers, (before, after) => {
      const target = profile('new', from, after);
      const { steps } = planned({ current: profile('old', from, before), target });
      const wanted = target.layers.flatMap(({ packs }) => packs.flatMap(({ objects }) => objects));
      for (const deleted of steps.flatMap((step) => (step.kind === 'pack' ? step.deletes : []))) {
        expect(isNeverDeleted(deleted)).toBe(false);
        expect(wanted.some(({ kind, metadata }) => kind === deleted.kind && metadata.name === deleted.name)).toBe(
          false,
        );
      }
    }),
  );
});

test('every plan has its control planes once, its steps once each, and workers right after', () => {
  fc.assert(
    fc.property(anyLayers, anyLayers, fc.boolean(), (before, after, hasWorkers) => {
      const { steps } = planned({
        current: profile('old', from, before),
        target: profile('new', { kubernetes: '1.34.0', os: 'ubuntu-2' }, after),
        nodes: hasWorkers ? [...nodes, node('w-1', 'worker', t0)] : nodes,
      });
      const ids = steps.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const index = ids.indexOf('control-planes');
      expect(index).toBeGreaterThanOrEqual(0);
      expect(ids.indexOf('workers')).toBe(hasWorkers ? index + 1 : -1);
    }),
  );
});

test('one step of Kubernetes after another never refuses a patch or the next minor', () => {
  expect(refuseKubernetesStep(kubernetes('1.33.5'), kubernetes('1.33.5'))).toBeUndefined();
  expect(refuseKubernetesStep(kubernetes('1.33.5'), kubernetes('1.34.0'))).toBeUndefined();
});

test('a first profile: network, then the nodes are awaited, then the rest; nothing moves and nothing is deleted', () => {
  const first = profile('first', from, [
    network('cilium'),
    { kind: 'storage', packs: [pack('csi')] },
    addOns(pack('a', { beforeNodes: true })),
  ]);
  const steps = initialProfileSteps(first);
  expect(steps.map(({ id }) => id)).toEqual([
    'pack:network/cilium',
    'control-planes',
    'pack:storage/csi',
    'pack:add-ons/a',
  ]);
  expect(steps[1]).not.toHaveProperty('move');
});
