/**
 * Reads what the preflight judges. Bounded: a profile's images are asked for once each, and only so many; what a plan
 * that replaces no node does not need is not read.
 */

import type { Known, ObservedClusterApi } from '@gatehouse/domain/gateway';
import type { PreflightFacts } from '@gatehouse/domain/preflight';
import type { Profile } from '@gatehouse/domain/profile';
import type { ProfileUpdateStep } from '@gatehouse/domain/profile-update-types';
import type { KubernetesVersion } from '@gatehouse/domain/version';
import { imagesIn } from '@gatehouse/release/image-reference';
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
  const packs = order.profile.layers.flatMap((layer) => layer.packs);
  const isMoving = steps.some((step) => step.kind !== 'pack' && step.move !== undefined);
  const [freeAddresses, blockingBudgets, removedApis, images] = await Promise.all([
    isMoving ? known(() => cluster.countFreeAddresses()) : ('unknown' as const),
    isMoving ? known(() => cluster.listBlockingBudgets()) : [],
    kubernetes === undefined ? [] : known(() => cluster.listRemovedApis(kubernetes)),
    known(() => cluster.checkImages(imagesIn(packs.map(({ objects }) => objects)).slice(0, imagesMax))),
  ]);
  return { steps, clusterApi, freeAddresses, blockingBudgets, removedApis, images };
}

function movedKubernetes(steps: readonly ProfileUpdateStep[]): KubernetesVersion | undefined {
  return steps.flatMap((step) => (step.kind !== 'pack' && step.move === 'version' ? [step.to.kubernetes] : []))[0];
}
