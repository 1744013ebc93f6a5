/**
 * Whether the platform may move to another version now, from the known releases, their edges, and what each gateway
 * still waits for. Edges of a release: present → they alone count; empty → new installations only; absent → the rule of
 * thumb. It never goes back and never starts a step that is not supported or for which a gateway is not ready.
 */

import type { Reason, Reasons } from './reason.ts';
import { compareVersions, type PlatformVersion, versionParts } from './version.ts';

export interface ReleaseEdges {
  readonly version: PlatformVersion;
  /** Versions such as `4.1.12`, or wildcards such as `4.1.x`, from which it may be reached. */
  readonly upgradeFrom?: readonly string[];
}

export type UpgradeRefusal =
  | 'same-version'
  | 'downgrade'
  | 'release-unknown'
  | 'new-installations-only'
  | 'no-supported-step'
  | 'gateway-not-current';

/** By what a step is supported. The rule of thumb is marked wherever it is shown. */
export type StepBasis = 'edge' | 'rule-of-thumb';

export type PlatformUpgradeDecision =
  | { readonly kind: 'accepted'; readonly basis: StepBasis }
  | { readonly kind: 'refused'; readonly reasons: Reasons<UpgradeRefusal> };

export interface PlatformUpgradeFacts {
  readonly from: PlatformVersion;
  readonly to: PlatformVersion;
  /** Every imported release. */
  readonly releases: readonly ReleaseEdges[];
  /** Each gateway that counts, with what `explain` says of it. */
  readonly gateways: readonly { readonly name: string; readonly reasons: readonly Reason[] }[];
}

export function decidePlatformUpgrade(facts: PlatformUpgradeFacts): PlatformUpgradeDecision {
  const step = supportedStep(facts);
  const notCurrent = facts.gateways
    .filter(({ reasons }) => reasons.length > 0)
    .map(
      ({ name, reasons }): Reason<UpgradeRefusal> => ({
        code: 'gateway-not-current',
        message: `The gateway ${name} is not current for ${facts.from}: ${reasons.map(({ message }) => message).join(' ')}`,
        nextStep: `See \`gatehouse gateway explain ${name}\`.`,
      }),
    );
  const [first, ...others] = [...(step.kind === 'unsupported' ? [step.reason] : []), ...notCurrent];
  if (first !== undefined) return { kind: 'refused', reasons: [first, ...others] };
  if (step.kind === 'unsupported') throw new TypeError('an unsupported step has a reason');
  return { kind: 'accepted', basis: step.basis };
}

/** The versions that one supported step leads to, oldest first; whether every gateway is ready is another matter. */
export function reachableVersions(
  facts: Pick<PlatformUpgradeFacts, 'from' | 'releases'>,
): readonly { readonly version: PlatformVersion; readonly basis: StepBasis }[] {
  return facts.releases
    .flatMap(({ version }) => {
      const step = supportedStep({ ...facts, to: version });
      return step.kind === 'supported' ? [{ version, basis: step.basis }] : [];
    })
    .toSorted((a, b) => compareVersions(a.version, b.version));
}

type Step =
  | { readonly kind: 'supported'; readonly basis: StepBasis }
  | { readonly kind: 'unsupported'; readonly reason: Reason<UpgradeRefusal> };

function supportedStep({ from, to, releases }: Omit<PlatformUpgradeFacts, 'gateways'>): Step {
  const unsupported = (code: UpgradeRefusal, message: string, nextStep?: string): Step => ({
    kind: 'unsupported',
    reason: { code, message, ...(nextStep === undefined ? {} : { nextStep }) },
  });
  const order = compareVersions(to, from);
  if (order === 0) return unsupported('same-version', `The platform is on ${from} already.`);
  if (order < 0) {
    return unsupported('downgrade', `${to} is older than ${from}; the platform never goes back.`);
  }
  const release = releases.find(({ version }) => version === to);
  if (release === undefined) {
    return unsupported(
      'release-unknown',
      `No release ${to} was imported.`,
      'Import it with `gatehouse release import`; `gatehouse release list` shows what is there.',
    );
  }
  const edges = release.upgradeFrom;
  if (edges === undefined) {
    if (followsRuleOfThumb(from, to, releases)) return { kind: 'supported', basis: 'rule-of-thumb' };
    return unsupported(
      'no-supported-step',
      `${to} names no versions it may be upgraded from, and by the rule of thumb ${from} is not one of them.`,
      otherSteps(from, to, releases),
    );
  }
  if (edges.some((edge) => edgeMatches(edge, from))) return { kind: 'supported', basis: 'edge' };
  if (edges.length === 0) {
    return unsupported(
      'new-installations-only',
      `${to} is for new installations only; no version may be upgraded to it.`,
      otherSteps(from, to, releases),
    );
  }
  return unsupported(
    'no-supported-step',
    `${to} may be upgraded from ${edges.join(', ')} only, and the platform is on ${from}.`,
    otherSteps(from, to, releases),
  );
}

/** The steps there are instead. Asked for other versions only, so that it ends. */
function otherSteps(from: PlatformVersion, to: PlatformVersion, releases: readonly ReleaseEdges[]): string {
  const versions = releases
    .map(({ version }) => version)
    .filter((version) => version !== to && compareVersions(version, from) > 0 && isReachable(from, version, releases))
    .toSorted(compareVersions);
  return versions.length > 0
    ? `From ${from} the next step may be ${versions.join(', ')}.`
    : `Import a release that may be upgraded from ${from}.`;
}

function isReachable(from: PlatformVersion, to: PlatformVersion, releases: readonly ReleaseEdges[]): boolean {
  const edges = releases.find(({ version }) => version === to)?.upgradeFrom;
  return edges === undefined ? followsRuleOfThumb(from, to, releases) : edges.some((edge) => edgeMatches(edge, from));
}

/** `4.1.12` is that version, `4.1.x` each patch of 4.1, `4.x` each version of 4. Anything else matches nothing. */
export function edgeMatches(edge: string, version: PlatformVersion): boolean {
  const { major, minor } = versionParts(version);
  return edge === version || edge === `${major}.${minor}.x` || edge === `${major}.x` || edge === `${major}.x.x`;
}

/**
 * A later patch of the same minor always; the latest known patch → any patch of the next minor; the latest patch of the
 * latest minor → any patch of the next major's first minor.
 */
function followsRuleOfThumb(from: PlatformVersion, to: PlatformVersion, releases: readonly ReleaseEdges[]): boolean {
  const left = versionParts(from);
  const right = versionParts(to);
  if (compareVersions(to, from) <= 0) return false;
  if (left.major === right.major && left.minor === right.minor) return true;
  const known = releases.map(({ version }) => versionParts(version));
  const isLatestPatch = !known.some((v) => v.major === left.major && v.minor === left.minor && v.patch > left.patch);
  if (!isLatestPatch) return false;
  if (left.major === right.major) return right.minor === left.minor + 1;
  const isLatestMinor = !known.some((v) => v.major === left.major && v.minor > left.minor);
  return isLatestMinor && right.major === left.major + 1 && right.minor === 0;
}
