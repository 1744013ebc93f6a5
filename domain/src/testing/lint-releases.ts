/** Releases for tests of `release lint`. */

import { lintReleases } from '../release-lint.ts';
import type { LintRelease } from '../release-lint-types.ts';

type More = Partial<LintRelease> & { readonly kubernetes?: string };

export function lintRelease(version: string, { kubernetes, ...more }: More = {}): LintRelease {
  return {
    origin: `./${version}`,
    content: version,
    version,
    channels: ['stable'],
    risks: [],
    agent: { version, kubernetes: { min: '1.20.0', max: '1.40.0' } },
    profiles: kubernetes === undefined ? {} : { vsphere: { version: '1.0.0', digest: kubernetes, kubernetes } },
    ...more,
  };
}

export const from = (...upgradeFrom: readonly string[]) => ({ upgradeFrom });
export const floor = { floor: { reason: 'It moves the database.' } };
export const recalled = { recalled: { reason: 'It loses data.' } };

export interface LintCase {
  readonly name: string;
  readonly releases: readonly LintRelease[];
  /** Code and versions of each finding. */
  readonly found: readonly string[];
}

/** Code and versions of each finding. */
export const found = (releases: readonly LintRelease[]): readonly string[] =>
  lintReleases(releases).map(({ code, releases: concerned }) => [code, ...concerned].join(' '));
