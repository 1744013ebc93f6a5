import { describe, expect, test } from 'vitest';
import type { ObservedClusterApi } from './gateway.ts';
import { type PreflightCheck, type PreflightFacts, preflight, preflightOutcome } from './preflight.ts';
import { clusterApi, kubernetes, plan, replicas, t0 } from './testing/facts.ts';

const good: PreflightFacts = {
  steps: plan().steps,
  clusterApi: clusterApi(),
  freeAddresses: 2,
  blockingBudgets: [],
  removedApis: [],
  images: [{ image: 'registry/a@sha256:1', isReachable: true, message: 'ok' }],
};
const seen = (more: Partial<ObservedClusterApi>): Partial<PreflightFacts> => ({ clusterApi: clusterApi(more) });
const machine = {
  name: 'cp-1',
  role: 'control-plane',
  phase: 'Deleting',
  version: kubernetes('1.33.5'),
  isUpToDate: true,
  createdAt: t0,
} as const;

test('a gateway at rest passes every check', () => {
  const results = preflight(good);
  expect(results.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 9 }, () => 'passed'));
  expect(preflightOutcome(results)).toBe('passed');
});

const cases: readonly { name: string; more: Partial<PreflightFacts>; check: PreflightCheck; outcome: string }[] = [
  {
    name: 'control plane not available',
    more: seen({ isControlPlaneAvailable: false }),
    check: 'control-plane-available',
    outcome: 'failed',
  },
  {
    name: 'control plane unknown',
    more: seen({ isControlPlaneAvailable: 'unknown' }),
    check: 'control-plane-available',
    outcome: 'unknown',
  },
  {
    name: 'a control plane is not ready',
    more: seen({ controlPlane: replicas('cp', 3, { ready: 2 }) }),
    check: 'replicas-ready',
    outcome: 'failed',
  },
  {
    name: 'a worker is not up to date',
    more: seen({ workers: [replicas('md', 2, { upToDate: 1 })] }),
    check: 'replicas-ready',
    outcome: 'failed',
  },
  {
    name: 'one machine too many',
    more: seen({ controlPlane: replicas('cp', 3, { replicas: 4 }) }),
    check: 'replicas-ready',
    outcome: 'failed',
  },
  {
    name: 'something rolls',
    more: seen({ workers: [replicas('md', 2, { isRollingOut: true })] }),
    check: 'nothing-rolling',
    outcome: 'failed',
  },
  { name: 'the Cluster is paused', more: seen({ isPaused: true }), check: 'nothing-rolling', outcome: 'failed' },
  {
    name: 'a controller lags behind',
    more: seen({ controlPlane: replicas('cp', 3, { isObserved: false }) }),
    check: 'nothing-rolling',
    outcome: 'unknown',
  },
  {
    name: 'whether it rolls is unknown',
    more: seen({ controlPlane: replicas('cp', 3, { isRollingOut: 'unknown' }) }),
    check: 'nothing-rolling',
    outcome: 'unknown',
  },
  {
    name: 'a machine is being deleted',
    more: seen({ machines: [{ ...machine, isDeleting: true }] }),
    check: 'no-machine-deleting',
    outcome: 'failed',
  },
  { name: 'etcd is not healthy', more: seen({ isEtcdHealthy: false }), check: 'etcd-healthy', outcome: 'failed' },
  { name: 'etcd unknown', more: seen({ isEtcdHealthy: 'unknown' }), check: 'etcd-healthy', outcome: 'unknown' },
  { name: 'no address is free', more: { freeAddresses: 0 }, check: 'free-address', outcome: 'failed' },
  { name: 'no pool is known', more: { freeAddresses: 'unknown' }, check: 'free-address', outcome: 'passed' },
  {
    name: 'no address, and no node moves',
    more: { freeAddresses: 0, steps: [] },
    check: 'free-address',
    outcome: 'passed',
  },
  {
    name: 'a budget blocks',
    more: { blockingBudgets: ['kube-system/dns'] },
    check: 'disruption-budgets',
    outcome: 'failed',
  },
  {
    name: 'a budget blocks, and no node moves',
    more: { blockingBudgets: ['a/b'], steps: [] },
    check: 'disruption-budgets',
    outcome: 'passed',
  },
  { name: 'budgets unknown', more: { blockingBudgets: 'unknown' }, check: 'disruption-budgets', outcome: 'unknown' },
  { name: 'an API goes away', more: { removedApis: ['policy/v1beta1'] }, check: 'removed-apis', outcome: 'failed' },
  { name: 'APIs unknown', more: { removedApis: 'unknown' }, check: 'removed-apis', outcome: 'unknown' },
  {
    name: 'an API goes away, and Kubernetes stays',
    more: { removedApis: ['policy/v1beta1'], steps: [] },
    check: 'removed-apis',
    outcome: 'passed',
  },
  {
    name: 'an image is missing',
    more: { images: [{ image: 'a', isReachable: false, message: '404' }] },
    check: 'images-reachable',
    outcome: 'failed',
  },
  {
    name: 'the registry does not answer',
    more: { images: [{ image: 'a', isReachable: 'unknown', message: 'timeout' }] },
    check: 'images-reachable',
    outcome: 'unknown',
  },
  { name: 'images unknown', more: { images: 'unknown' }, check: 'images-reachable', outcome: 'unknown' },
];

describe('one check', () => {
  test.each(cases)('$name', ({ more, check, outcome }) => {
    const results = preflight({ ...good, ...more });
    expect(results.find((result) => result.check === check)).toMatchObject({ outcome });
    // Whether images can be had is advice where it is not known; the test at the end says so.
    expect(preflightOutcome(results)).toBe(check === 'images-reachable' && outcome === 'unknown' ? 'passed' : outcome);
  });
});

test('a Cluster that cannot be read is unknown throughout, and neither passed nor failed', () => {
  const results = preflight({ ...good, clusterApi: 'unknown' });
  expect(results.filter(({ outcome }) => outcome === 'unknown')).toHaveLength(5);
  expect(preflightOutcome(results)).toBe('unknown');
});

test('one failure outweighs what is unknown, and nothing checked is nothing passed', () => {
  expect(preflightOutcome(preflight({ ...good, images: 'unknown', freeAddresses: 0 }))).toBe('failed');
  expect(preflightOutcome([])).toBe('unknown');
});

test('a registry that the agent cannot ask holds nothing, since the nodes pull; an image that is missing does', () => {
  const withImage = (isReachable: boolean | 'unknown') =>
    preflight({ ...good, images: [{ image: 'registry/a@sha256:1', isReachable, message: 'no route' }] });
  expect(preflightOutcome(withImage('unknown'))).toBe('passed');
  expect(preflightOutcome(withImage(false))).toBe('failed');
  expect(preflightOutcome(preflight({ ...good, images: 'unknown', blockingBudgets: 'unknown' }))).toBe('unknown');
});
