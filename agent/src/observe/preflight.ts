/**
 * Whether a profile update could begin on the gateway now: read what each check needs, then judge. A check whose facts
 * could not be read is `unknown`, never passed. Reads are bounded: the dear ones (registry, objects of the cluster) are
 * read again only after a while, the others each time.
 */

import type { Known, ObservedClusterApi, ObservedReplicas } from '@gatehouse/domain/gateway';
import type { Profile } from '@gatehouse/domain/profile';
import type { PreflightResult, ProfileUpdateStep } from '@gatehouse/domain/profile-update-types';
import type { KubernetesVersion } from '@gatehouse/domain/version';
import type { ProfileCluster } from '../cluster/cluster.ts';
import { known } from './observe.ts';

export type ImageReach = Awaited<ReturnType<ProfileCluster['checkImages']>>[number];

export interface PreflightFacts {
  readonly steps: readonly ProfileUpdateStep[];
  readonly clusterApi: Known<ObservedClusterApi>;
  readonly freeAddresses: number | 'unknown' | 'no-pool';
  readonly blockingBudgets: Known<readonly string[]>;
  readonly removedApis: Known<readonly string[]>;
  readonly images: Known<readonly ImageReach[]>;
}

const imagesMax = 200;

export async function readPreflightFacts(
  profileCluster: ProfileCluster,
  order: { readonly steps: readonly ProfileUpdateStep[]; readonly profile: Profile },
): Promise<PreflightFacts> {
  const kubernetes = movedKubernetes(order.steps);
  const movesNodes = order.steps.some((step) => step.kind !== 'pack' && step.move !== undefined);
  const [clusterApi, free, blockingBudgets, removedApis, images] = await Promise.all([
    known(() => profileCluster.readClusterApi()),
    movesNodes ? known(() => profileCluster.countFreeAddresses()) : ('unknown' as const),
    movesNodes ? known(() => profileCluster.listBlockingBudgets()) : [],
    kubernetes === undefined ? [] : known(() => profileCluster.listRemovedApis(kubernetes)),
    known(() => profileCluster.checkImages(imagesOf(order.profile).slice(0, imagesMax))),
  ]);
  return {
    steps: order.steps,
    clusterApi,
    freeAddresses: free === 'unknown' ? 'no-pool' : free,
    blockingBudgets,
    removedApis,
    images,
  };
}

export function movedKubernetes(steps: readonly ProfileUpdateStep[]): KubernetesVersion | undefined {
  return steps.flatMap((step) => (step.kind !== 'pack' && step.move === 'version' ? [step.to.kubernetes] : []))[0];
}

/** Every image in the profile's objects, wherever a pod spec stands. */
export function imagesOf(profile: Profile): readonly string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      value.forEach(visit);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      if (key === 'image' && typeof member === 'string') found.add(member);
      else visit(member);
    }
  };
  for (const layer of profile.layers) for (const pack of layer.packs) visit(pack.objects);
  return [...found].sort();
}

/** Every result, the good ones too: the review shows that they were looked at. */
export function judgePreflight(facts: PreflightFacts): readonly PreflightResult[] {
  const movesNodes = facts.steps.some((step) => step.kind !== 'pack' && step.move !== undefined);
  return [...(movesNodes ? nodeChecks(facts) : []), imageCheck(facts.images)];
}

function nodeChecks(facts: PreflightFacts): readonly PreflightResult[] {
  const { clusterApi } = facts;
  return [
    ...(clusterApi === 'unknown'
      ? [unreadable('control-plane-available', 'Cluster API')]
      : clusterApiChecks(clusterApi)),
    addressCheck(facts.freeAddresses),
    listCheck('disruption-budgets', facts.blockingBudgets, {
      none: 'No disruption budget blocks a drain.',
      some: 'These disruption budgets allow no disruption and would block a drain',
    }),
    listCheck('removed-apis', facts.removedApis, {
      none: 'No object uses an API that the new Kubernetes version removes.',
      some: 'The new Kubernetes version no longer serves these APIs, which are in use',
    }),
  ];
}

function clusterApiChecks(seen: ObservedClusterApi): readonly PreflightResult[] {
  const all = [seen.controlPlane, ...seen.workers];
  const lacking = all
    .filter((one) => !isComplete(one))
    .map(({ name, ready, wanted }) => `${name} (${ready} of ${wanted} ready)`);
  const rolling = all.filter(({ isRollingOut }) => isRollingOut === true).map(({ name }) => name);
  const isRollingKnown = all.every(({ isRollingOut }) => isRollingOut !== 'unknown');
  const deleting = seen.machines.filter(({ isDeleting }) => isDeleting).map(({ name }) => name);
  return [
    result(
      'cluster-not-paused',
      !seen.isPaused,
      'The Cluster is not paused.',
      'The Cluster is paused; Cluster API would change nothing.',
    ),
    result(
      'control-plane-available',
      seen.isControlPlaneAvailable,
      'The control plane is available.',
      'The control plane is not available.',
    ),
    result(
      'replicas-ready',
      lacking.length === 0,
      'All nodes are ready and up to date.',
      `Not all nodes are ready and up to date: ${lacking.join(', ')}.`,
    ),
    result(
      'nothing-rolling',
      rolling.length > 0 ? false : isRollingKnown ? true : 'unknown',
      'No nodes are being replaced.',
      `Nodes are being replaced: ${rolling.join(', ')}.`,
    ),
    result(
      'no-machine-deleting',
      deleting.length === 0,
      'No machine is being deleted.',
      `These machines are being deleted: ${deleting.join(', ')}.`,
    ),
    result(
      'etcd-healthy',
      seen.isEtcdHealthy,
      'etcd is healthy.',
      'etcd is not healthy as the control plane reports it.',
    ),
  ];
}

function isComplete({ wanted, replicas, ready, available, upToDate }: ObservedReplicas): boolean {
  return [replicas, ready, available, upToDate].every((count) => count === wanted);
}

/** Where no pool is known nothing can be counted, which is no fault. */
function addressCheck(free: PreflightFacts['freeAddresses']): PreflightResult {
  if (free === 'no-pool' || free === 'unknown') {
    return { check: 'free-address', outcome: 'passed', message: 'No address pool is known; none is counted.' };
  }
  return result(
    'free-address',
    free > 0,
    `${free} addresses are free.`,
    'No address is free for the extra node that a replacement needs.',
  );
}

function imageCheck(images: PreflightFacts['images']): PreflightResult {
  if (images === 'unknown') return unreadable('images', 'the registry');
  const missing = images.filter(({ isReachable }) => isReachable === false);
  const unsure = images.filter(({ isReachable }) => isReachable === 'unknown');
  const names = (some: readonly ImageReach[]): string =>
    some
      .slice(0, 10)
      .map(({ image, message }) => `${image} (${message})`)
      .join('; ');
  if (missing.length > 0)
    return { check: 'images', outcome: 'failed', message: `Images cannot be had: ${names(missing)}.` };
  if (unsure.length > 0)
    return { check: 'images', outcome: 'unknown', message: `No answer about images: ${names(unsure)}.` };
  return { check: 'images', outcome: 'passed', message: `All ${images.length} images can be had.` };
}

function listCheck(
  check: string,
  items: Known<readonly string[]>,
  words: { readonly none: string; readonly some: string },
): PreflightResult {
  if (items === 'unknown') return unreadable(check, 'the cluster');
  return result(check, items.length === 0, words.none, `${words.some}: ${items.slice(0, 20).join(', ')}.`);
}

function result(check: string, isGood: Known<boolean>, good: string, bad: string): PreflightResult {
  if (isGood === 'unknown') return unreadable(check, 'Cluster API');
  return { check, outcome: isGood ? 'passed' : 'failed', message: isGood ? good : bad };
}

function unreadable(check: string, what: string): PreflightResult {
  return { check, outcome: 'unknown', message: `It could not be checked, since ${what} could not be read.` };
}
