/** The words of `release lint`: what it reads of a release, and what it finds. */

import type { GraphRelease } from './upgrade-graph.ts';
import type { UpgradeRisk } from './upgrade-risk.ts';
import type { KubernetesVersion } from './version.ts';

/** A release as it was read, with versions that may be none. */
export interface LintRelease {
  /** Where it was read, for people. */
  readonly origin: string;
  /** The whole of it in one text: two of the same version have to be the same. */
  readonly content: string;
  readonly version: string;
  readonly channels: readonly string[];
  readonly upgradeFrom?: readonly string[];
  readonly risks: readonly UpgradeRisk[];
  readonly floor?: { readonly reason: string };
  readonly recalled?: { readonly reason: string };
  readonly agent: { readonly version: string; readonly kubernetes: { readonly min: string; readonly max: string } };
  /** By provider. */
  readonly profiles: Readonly<
    Record<string, { readonly version: string; readonly digest: string; readonly kubernetes?: string }>
  >;
}

/** One whose versions can be read. */
export interface SoundRelease {
  readonly origin: string;
  readonly graph: GraphRelease;
  /** Inclusive; an end that cannot be read is absent. */
  readonly agentKubernetes: {
    readonly min: KubernetesVersion | undefined;
    readonly max: KubernetesVersion | undefined;
  };
}

/** An error strands somebody or contradicts itself; a warning is most likely a mistake. */
const lintSeverities = {
  'source-invalid': 'error',
  'version-malformed': 'error',
  'release-differs': 'error',
  'edge-malformed': 'error',
  'edge-not-older': 'error',
  'edge-passes-floor': 'error',
  'edge-twice': 'warning',
  'edge-matches-nothing': 'warning',
  'risk-text-differs': 'error',
  'risk-past-its-fix': 'error',
  'risk-gap': 'warning',
  'risk-matches-nothing': 'warning',
  'risk-test-unknown': 'warning',
  'dead-end': 'error',
  unreachable: 'error',
  'no-way-in': 'error',
  'floor-unreachable': 'error',
  'kubernetes-skips-minor': 'error',
  'kubernetes-goes-down': 'error',
  'kubernetes-outside-agent': 'error',
  'provider-missing': 'warning',
  'agent-goes-back': 'warning',
} as const satisfies Readonly<Record<string, 'error' | 'warning'>>;

export type LintCode = keyof typeof lintSeverities;

export interface LintFinding {
  readonly code: LintCode;
  readonly severity: 'error' | 'warning';
  /** The versions concerned, the first of them being where to look. */
  readonly releases: readonly string[];
  readonly message: string;
  readonly nextStep: string;
}

export function lintFinding(
  code: LintCode,
  releases: readonly string[],
  message: string,
  { nextStep }: { readonly nextStep: string },
): LintFinding {
  return { code, severity: lintSeverities[code], releases, message, nextStep };
}
