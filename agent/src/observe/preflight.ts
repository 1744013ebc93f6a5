/**
 * Reads what the preflight judges. Bounded: a profile's images are asked for once each, and only so many; what a plan
 * that replaces no node does not need is not read.
 */

import type { Known, ObservedClusterApi } from '@gatehouse/domain/gateway';
import type { PreflightFacts } from '@gatehouse/domain/preflight';
import type { Profile } from '@gatehouse/domain/profile';
import type { ProfileUpdateStep } from '@gatehouse/domain/profile-update-types';
import type { KubernetesVersion } from '@gatehouse/domain/version';
import type { ProfileCluster } from '../cluster/cluster.ts';
import { known } from '../cluster/known.ts';

const imagesMax = 200;

export async function readPreflightFacts(
  cluster: ProfileCluster,
  order: {
    readonly steps: readonly ProfileUpdateStep[];
    readonly profile: Profile;
    readonly clusterApi: Known<ObservedClusterApi>;
  },
): Promise<PreflightFacts> {
  const { steps, clusterApi } = order;
  const kubernetes = movedKubernetes(steps);
  const isMoving = steps.some((step) => step.kind !== 'pack' && step.move !== undefined);
  const [freeAddresses, blockingBudgets, removedApis, images] = await Promise.all([
    isMoving ? known(() => cluster.countFreeAddresses()) : ('unknown' as const),
    isMoving ? known(() => cluster.listBlockingBudgets()) : [],
    kubernetes === undefined ? [] : known(() => cluster.listRemovedApis(kubernetes)),
    known(() => cluster.checkImages(imagesOf(order.profile).slice(0, imagesMax))),
  ]);
  return { steps, clusterApi, freeAddresses, blockingBudgets, removedApis, images };
}

function movedKubernetes(steps: readonly ProfileUpdateStep[]): KubernetesVersion | undefined {
  return steps.flatMap((step) => (step.kind !== 'pack' && step.move === 'version' ? [step.to.kubernetes] : []))[0];
}

/** Every image in the profile's objects, wherever a pod spec stands. */
export function imagesOf(profile: Profile): readonly string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      value.forEach(visit);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) {
        if (key === 'image' && typeof member === 'string') found.add(member);
        else visit(member);
      }
    }
  };
  for (const layer of profile.layers) for (const pack of layer.packs) visit(pack.objects);
  return [...found].toSorted();
}
