/** The one rule for moving Kubernetes: never down, and never more than one minor at a time. */

import type { Reason } from './reason.ts';
import { compareVersions, type KubernetesVersion, versionParts } from './version.ts';

export type KubernetesStepRefusal = 'kubernetes-goes-down' | 'kubernetes-skips-minor';

/** Nothing when the step is allowed, or is none. */
export function refuseKubernetesStep(
  from: KubernetesVersion,
  to: KubernetesVersion,
): Reason<KubernetesStepRefusal> | undefined {
  if (compareVersions(to, from) < 0) {
    return {
      code: 'kubernetes-goes-down',
      message: `Kubernetes would go from ${from} down to ${to}; it never goes down.`,
      nextStep: `Upgrade the platform to a release whose profile has Kubernetes ${from} or newer.`,
    };
  }
  const before = versionParts(from);
  const after = versionParts(to);
  if (after.major !== before.major || after.minor > before.minor + 1) {
    return {
      code: 'kubernetes-skips-minor',
      message: `Kubernetes would go from ${from} to ${to}; it moves one minor at a time.`,
      nextStep: `A release whose profile has Kubernetes ${before.major}.${before.minor + 1} has to come first.`,
    };
  }
  return undefined;
}
