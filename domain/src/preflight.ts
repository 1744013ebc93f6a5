/**
 * What is checked before a profile update touches anything: while its plan waits, so that the review shows it, and
 * again at its start. From what the agent saw; what could not be read is `unknown`, which is neither passed nor failed.
 */

import type { Known, ObservedClusterApi, ObservedReplicas } from './gateway.ts';
import type { PreflightResult, ProfileUpdateStep } from './profile-update-types.ts';

export interface PreflightFacts {
  readonly steps: readonly ProfileUpdateStep[];
  readonly clusterApi: Known<ObservedClusterApi>;
  /** `unknown`: no pool is known, so there is nothing to count. */
  readonly freeAddresses: Known<number>;
  /** Disruption budgets that allow no disruption now, with their namespace. */
  readonly blockingBudgets: Known<readonly string[]>;
  /** API versions in use that the new Kubernetes no longer serves. */
  readonly removedApis: Known<readonly string[]>;
  readonly images: Known<
    readonly { readonly image: string; readonly isReachable: Known<boolean>; readonly message: string }[]
  >;
}

export type PreflightCheck =
  | 'control-plane-available'
  | 'replicas-ready'
  | 'nothing-rolling'
  | 'no-machine-deleting'
  | 'etcd-healthy'
  | 'free-address'
  | 'disruption-budgets'
  | 'removed-apis'
  | 'images-reachable';

type Outcome = Omit<PreflightResult, 'check'>;

const passed = (message: string): Outcome => ({ outcome: 'passed', message });
const failed = (message: string): Outcome => ({ outcome: 'failed', message });
const unknown = (message: string): Outcome => ({ outcome: 'unknown', message });

/** One result for each check, always all of them. */
export function preflight(facts: PreflightFacts): readonly PreflightResult[] {
  const outcomes: Readonly<Record<PreflightCheck, Outcome>> = {
    'control-plane-available': onCluster(facts, checkAvailable),
    'replicas-ready': onCluster(facts, checkReplicas),
    'nothing-rolling': onCluster(facts, checkRolling),
    'no-machine-deleting': onCluster(facts, checkDeleting),
    'etcd-healthy': onCluster(facts, checkEtcd),
    'free-address': checkAddress(facts),
    'disruption-budgets': checkBudgets(facts),
    'removed-apis': checkApis(facts),
    'images-reachable': checkImages(facts),
  };
  return Object.entries(outcomes).map(([check, outcome]) => ({ check, ...outcome }));
}

/**
 * Checks whose `unknown` is shown and holds nothing: it is the nodes that pull images, through mirrors and credentials
 * that the agent's own pod may not have. An image that is certainly missing still fails.
 */
const advisory: ReadonlySet<string> = new Set<PreflightCheck>(['images-reachable']);

/** `passed` only when every check has, but for what is only advice; of no results at all, nothing is known. */
export function preflightOutcome(results: readonly PreflightResult[]): PreflightResult['outcome'] {
  if (results.some(({ outcome }) => outcome === 'failed')) return 'failed';
  const hasPassed = ({ check, outcome }: PreflightResult) =>
    outcome === 'passed' || (outcome === 'unknown' && advisory.has(check));
  return results.length > 0 && results.every(hasPassed) ? 'passed' : 'unknown';
}

function onCluster({ clusterApi }: PreflightFacts, check: (cluster: ObservedClusterApi) => Outcome): Outcome {
  return clusterApi === 'unknown' ? unknown("Cluster API's objects could not be read.") : check(clusterApi);
}

function checkAvailable({ isControlPlaneAvailable: isAvailable }: ObservedClusterApi): Outcome {
  if (isAvailable === 'unknown') return unknown('Whether the control plane is available is not known.');
  return isAvailable ? passed('The control plane is available.') : failed('The control plane is not available.');
}

function allReplicas({ controlPlane, workers }: ObservedClusterApi): readonly ObservedReplicas[] {
  return [controlPlane, ...workers];
}

function checkReplicas(cluster: ObservedClusterApi): Outcome {
  const lacking = allReplicas(cluster).filter(
    ({ wanted, replicas, ready, available, upToDate }) =>
      replicas !== wanted || ready !== wanted || available !== wanted || upToDate !== wanted,
  );
  if (lacking.length === 0) return passed('All replicas are ready and up to date.');
  const texts = lacking.map(
    ({ name, wanted, ready, upToDate }) => `${name}: ${ready} of ${wanted} ready, ${upToDate} up to date`,
  );
  return failed(`Not all replicas are ready and up to date: ${texts.join('; ')}.`);
}

function checkRolling(cluster: ObservedClusterApi): Outcome {
  if (cluster.isPaused) return failed(`The Cluster ${cluster.clusterName} is paused.`);
  const sets = allReplicas(cluster);
  const rolling = sets.filter(({ isRollingOut }) => isRollingOut === true);
  if (rolling.length > 0) return failed(`A rollout is on its way: ${rolling.map(({ name }) => name).join(', ')}.`);
  const isSettled =
    cluster.isObserved && sets.every(({ isObserved, isRollingOut }) => isObserved && isRollingOut === false);
  return isSettled ? passed('Nothing is rolling.') : unknown('The controllers have not seen the newest state yet.');
}

function checkDeleting({ machines }: ObservedClusterApi): Outcome {
  const deleting = machines.filter(({ isDeleting }) => isDeleting).map(({ name }) => name);
  return deleting.length === 0
    ? passed('No machine is being deleted.')
    : failed(`Machines are being deleted: ${deleting.join(', ')}.`);
}

function checkEtcd({ isEtcdHealthy }: ObservedClusterApi): Outcome {
  if (isEtcdHealthy === 'unknown') return unknown('The health of etcd is not known.');
  return isEtcdHealthy ? passed('etcd is healthy.') : failed('etcd is not healthy.');
}

function movesNodes(steps: readonly ProfileUpdateStep[]): boolean {
  return steps.some((step) => step.kind !== 'pack' && step.move !== undefined);
}

const noNodeMoves = passed('No node is replaced.');

function checkAddress({ steps, freeAddresses }: PreflightFacts): Outcome {
  if (!movesNodes(steps)) return noNodeMoves;
  if (freeAddresses === 'unknown') return passed('No address pool is known, so none is counted.');
  return freeAddresses >= 1
    ? passed(`${freeAddresses} addresses are free; one more node is needed at each step.`)
    : failed('No address is free for the one more node that each step needs.');
}

function checkBudgets({ steps, blockingBudgets }: PreflightFacts): Outcome {
  if (!movesNodes(steps)) return noNodeMoves;
  if (blockingBudgets === 'unknown') return unknown('Disruption budgets could not be read.');
  return blockingBudgets.length === 0
    ? passed('No disruption budget blocks a drain.')
    : failed(`Disruption budgets that allow no disruption now: ${blockingBudgets.join(', ')}.`);
}

function checkApis({ steps, removedApis }: PreflightFacts): Outcome {
  if (!steps.some((step) => step.kind !== 'pack' && step.move === 'version')) {
    return passed('Kubernetes does not move.');
  }
  if (removedApis === 'unknown') return unknown('The API versions in use could not be read.');
  return removedApis.length === 0
    ? passed('Nothing uses an API that the new Kubernetes no longer serves.')
    : failed(`In use, and no longer served by the new Kubernetes: ${removedApis.join(', ')}.`);
}

function checkImages({ images }: PreflightFacts): Outcome {
  if (images === 'unknown') return unknown('Whether the images can be had could not be checked.');
  const list = (isReachable: Known<boolean>) =>
    images.filter((image) => image.isReachable === isReachable).map(({ image, message }) => `${image} (${message})`);
  const missing = list(false);
  if (missing.length > 0) return failed(`Images that cannot be had: ${missing.join(', ')}.`);
  const unclear = list('unknown');
  if (unclear.length > 0) return unknown(`The registry did not answer for: ${unclear.join(', ')}.`);
  return passed(`All ${images.length} images can be had.`);
}
