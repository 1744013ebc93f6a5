/**
 * What follows from a recall. A recalled release is offered to nobody: no agent of it, no plan for its profile, no new
 * installation. A gateway already on it keeps running, says so, and gets the next good version; until then no step that
 * replaces nodes begins on it (docs/decisions/0010). It never starts anything, and what is past its point of no return
 * goes forward: half a roll is worse than a whole one.
 */

import type { GatewayFacts } from './gateway-facts.ts';
import { confirmedProgress, hasBegun } from './gateway-status.ts';
import { isPastCancel } from './profile-update-step.ts';
import type { Reason, Reasons } from './reason.ts';
import type { Recall, RecalledRelease } from './recall-types.ts';
import { compareVersions, type PlatformVersion, versionParts } from './version.ts';

export interface KnownRelease {
  readonly platformVersion: PlatformVersion;
  readonly agentDigest: string;
  /** Of all providers. */
  readonly profileDigests: readonly string[];
}

/**
 * The recalled releases with what is theirs alone. An agent or profile that a good release has too, by digest, is good:
 * a gateway cannot tell, and need not, from which of the two it came. Of two recalls of a version the signed one counts.
 */
export function recalledReleases(
  known: readonly KnownRelease[],
  recalls: readonly Recall[],
): readonly RecalledRelease[] {
  const byVersion = new Map<PlatformVersion, Recall>();
  for (const recall of recalls) {
    if (recall.isSigned || !byVersion.has(recall.platformVersion)) byVersion.set(recall.platformVersion, recall);
  }
  const good = known.filter(({ platformVersion }) => !byVersion.has(platformVersion));
  const goodDigests = new Set(good.flatMap(({ agentDigest, profileDigests }) => [agentDigest, ...profileDigests]));
  const own = (digests: readonly string[]) => [...new Set(digests)].filter((digest) => !goodDigests.has(digest));
  return [...byVersion.values()]
    .toSorted((a, b) => compareVersions(b.platformVersion, a.platformVersion))
    .map((recall) => {
      const releases = known.filter(({ platformVersion }) => platformVersion === recall.platformVersion);
      return {
        recall,
        agentDigests: own(releases.map(({ agentDigest }) => agentDigest)),
        profileDigests: own(releases.flatMap(({ profileDigests }) => profileDigests)),
      };
    });
}

/** Why nothing of the release is offered that the gateway would get now. */
export function recallOfOffer({ release, recalls }: Pick<GatewayFacts, 'release' | 'recalls'>): Recall | undefined {
  if (release === undefined) return undefined;
  return recalls?.releases.find(({ recall }) => recall.platformVersion === release.platformVersion)?.recall;
}

/** Why nobody should be on the version the platform is on. What the gateway gets now may be an earlier, good stop. */
export function recallOfPlatform({
  release,
  platformRelease = release,
  recalls,
}: Pick<GatewayFacts, 'release' | 'platformRelease' | 'recalls'>): Recall | undefined {
  return platformRelease && recalls && recallOfOffer({ release: platformRelease, recalls });
}

export function recallOfAgent({ recalls }: Pick<GatewayFacts, 'recalls'>, digest: string): Recall | undefined {
  return recalls?.releases.find(({ agentDigests }) => agentDigests.includes(digest))?.recall;
}

export function recallOfProfile({ recalls }: Pick<GatewayFacts, 'recalls'>, digest: string): Recall | undefined {
  return recalls?.releases.find(({ profileDigests }) => profileDigests.includes(digest))?.recall;
}

/** The recalled releases a gateway is on, and by what. */
export interface RecalledPart {
  readonly part: 'agent' | 'profile';
  readonly version: PlatformVersion;
  readonly recall: Recall;
}

export function recalledParts(facts: Pick<GatewayFacts, 'observation' | 'recalls'>): readonly RecalledPart[] {
  const { agent, appliedProfile } = facts.observation ?? {};
  const ofAgent = agent && recallOfAgent(facts, agent.digest);
  const ofProfile = appliedProfile && recallOfProfile(facts, appliedProfile.digest);
  return [
    ...(agent && ofAgent ? [{ part: 'agent' as const, version: agent.version, recall: ofAgent }] : []),
    ...(appliedProfile && ofProfile
      ? [{ part: 'profile' as const, version: appliedProfile.version, recall: ofProfile }]
      : []),
  ];
}

/** `release-recalled` if the release the gateway would get is recalled: its agent is not offered. */
export function offerHolds(facts: GatewayFacts): readonly Reason<'release-recalled'>[] {
  const recall = recallOfOffer(facts);
  if (recall === undefined || facts.release === undefined) return [];
  return [
    {
      code: 'release-recalled',
      message: `${because(recall)} Its agent ${facts.release.agent.version} is offered to nobody.`,
      nextStep: wayOut(facts),
    },
  ];
}

/** `release-recalled` if the profile the gateway would get is that of a recalled release: there is no plan for it. */
export function proposalHolds(facts: GatewayFacts): readonly Reason<'release-recalled'>[] {
  const recall = recallOfOffer(facts);
  const profile = facts.release?.profile;
  if (recall === undefined || profile === undefined) return [];
  return [
    {
      code: 'release-recalled',
      message: `${because(recall)} Its profile ${profile.version} is offered to nobody.`,
      nextStep: wayOut(facts),
    },
  ];
}

/**
 * The attempt to become a recalled agent that can still be given up, because the swap was not made. Once swapped the
 * attempt is judged to its end on the gateway; what comes of it runs a recalled agent, or was taken back.
 */
export function attemptToGiveUp(facts: GatewayFacts): Reason<'release-recalled'> | undefined {
  const attempt = facts.observation?.attempt;
  if (attempt?.phase !== 'rehearsing' && attempt?.phase !== 'swapping') return undefined;
  const recall = recallOfAgent(facts, attempt.to.digest);
  if (recall === undefined) return undefined;
  return {
    code: 'release-recalled',
    message: `${because(recall)} The attempt to update to its agent ${attempt.to.version} is given up.`,
  };
}

/** A person said of this gateway by name that a pause does not keep it on what is recalled, and there is better. */
export function isPauseLifted(facts: GatewayFacts): boolean {
  const evenIfPaused = facts.recalls?.evenIfPaused ?? [];
  if (evenIfPaused.length === 0 || facts.release === undefined || recallOfOffer(facts) !== undefined) return false;
  const { agent, appliedProfile } = facts.observation ?? {};
  const running = [agent?.digest, appliedProfile?.digest];
  return (facts.recalls?.releases ?? []).some(
    ({ recall, agentDigests, profileDigests }) =>
      evenIfPaused.includes(recall.platformVersion) &&
      [...agentDigests, ...profileDigests].some((digest) => running.includes(digest)),
  );
}

/**
 * Why no step that replaces nodes may begin on the gateway: its agent is recalled, or the confirmed profile is. None
 * once such a step has begun: there is only forward. Read with the progress that was last reported; the agent asks the
 * same of its own.
 */
export function repaveHolds(facts: GatewayFacts): readonly Reason<'release-recalled'>[] {
  const { observation, profileUpdate, identity } = facts;
  const progress = confirmedProgress(facts);
  if (observation === undefined || facts.recalls === undefined) return [];
  if (profileUpdate !== undefined && progress !== undefined && isPastCancel(profileUpdate.plan.steps, progress)) {
    return [];
  }
  const holds = [...recalledAgentHolds(facts)];
  const ofProfile = profileUpdate && recallOfProfile(facts, profileUpdate.plan.to.digest);
  if (profileUpdate !== undefined && ofProfile !== undefined) {
    holds.push({
      code: 'release-recalled',
      message:
        `${because(ofProfile)} The profile update of the gateway ${identity.name} to its profile ` +
        `${profileUpdate.plan.to.version} is held.`,
      nextStep:
        recallOfOffer(facts) === undefined
          ? `It is cancelled by itself; then review and confirm the plan for ${facts.release?.platformVersion ?? 'the next release'}.`
          : `Cancel it with \`gatehouse profile-update cancel ${identity.name}\`, or wait for the next good release.`,
    });
  }
  return holds;
}

/**
 * A recalled agent replaces no node: another one has to come first. Unless none comes, because the next good stop of the
 * gateway brings a profile alone: to wait there would be to stay for ever.
 */
export function recalledAgentHolds(facts: GatewayFacts): readonly Reason<'release-recalled'>[] {
  const { observation, identity, release } = facts;
  const recall = observation && recallOfAgent(facts, observation.agent.digest);
  if (observation === undefined || recall === undefined) return [];
  const isKept = release?.agentRelease !== undefined && release.agent.digest === observation.agent.digest;
  if (isKept && recallOfOffer(facts) === undefined) return [];
  return [
    {
      code: 'release-recalled',
      message:
        `${because(recall)} The gateway ${identity.name} runs its agent ${observation.agent.version}, and a recalled ` +
        'agent replaces no node.',
      nextStep:
        recallOfOffer(facts) === undefined
          ? `Let the agent update first; \`gatehouse gateway explain ${identity.name}\` says what it waits for.`
          : wayOut(facts),
    },
  ];
}

/** Held before its first step: it keeps nobody waiting, so the agent may go first. */
export function isHeldBeforeBeginning(facts: GatewayFacts): boolean {
  if (facts.profileUpdate === undefined || repaveHolds(facts).length === 0) return false;
  const progress = confirmedProgress(facts);
  return progress === undefined || !hasBegun(progress);
}

/**
 * The confirmed update is to a recalled profile, can still be cancelled, and the platform has a better one: it will
 * never begin, so the control plane cancels it. While the platform is on the recalled release it is only held: the
 * recall may be withdrawn, and nothing else could be confirmed in its place.
 */
export function isUpdateToCancel(facts: GatewayFacts): boolean {
  const { profileUpdate, release } = facts;
  if (profileUpdate === undefined || profileUpdate.isCancelled || release === undefined) return false;
  if (recallOfProfile(facts, profileUpdate.plan.to.digest) === undefined) return false;
  return recallOfOffer(facts) === undefined && repaveHolds(facts).length > 0;
}

/** For `explain`: what recalled release the gateway is on, and what replaces it. */
export function recallReasons(facts: GatewayFacts): readonly Reason<'runs-recalled-release'>[] {
  const parts = recalledParts(facts);
  const recalls = [...new Set(parts.map(({ recall }) => recall))];
  return recalls.map((recall) => {
    const own = parts.filter((part) => part.recall === recall);
    const what = own.map(({ part, version }) => `${part} ${version}`).join(' and ');
    return {
      code: 'runs-recalled-release',
      message: `The gateway ${facts.identity.name} runs ${what} of a recalled release. ${because(recall)}`,
      nextStep: recallOfOffer(facts) === undefined ? replacement(facts, own) : wayOut(facts),
    };
  });
}

/** What of the platform's good release takes its place, and by whose act. */
function replacement({ release, identity }: GatewayFacts, own: readonly RecalledPart[]): string {
  if (release === undefined) return 'Import a good release.';
  const sentences = own.map(({ part }) =>
    part === 'agent'
      ? `Agent ${release.agent.version} replaces it by itself as soon as nothing holds it.`
      : `Profile ${release.profile?.version ?? release.platformVersion} replaces it once it is confirmed with ` +
        `\`gatehouse profile-update confirm ${identity.name}\`.`,
  );
  return sentences.join(' ');
}

function because({ platformVersion, reason, isSigned, by }: Recall): string {
  const end = /[.!?]$/.test(reason) ? '' : '.';
  return `Release ${platformVersion} was recalled by ${isSigned ? 'its publisher' : by}: ${reason}${end}`;
}

function wayOut({ recalls, release }: GatewayFacts): string {
  if (recalls?.next !== undefined) {
    return `Upgrade the platform with \`gatehouse platform upgrade ${recalls.next}\`; what it brings replaces what was recalled.`;
  }
  return `No imported release leads on from ${release?.platformVersion ?? 'here'}; import the next good one with \`gatehouse release import\`.`;
}

/** Of the good versions that one step leads to: the latest patch of the same minor, else the nearest other. */
export function nextGood(from: PlatformVersion, versions: readonly PlatformVersion[]): PlatformVersion | undefined {
  const ordered = versions.toSorted(compareVersions);
  return ordered.findLast((version) => isSameMinor(version, from)) ?? ordered.at(0);
}

function isSameMinor(a: PlatformVersion, b: PlatformVersion): boolean {
  const left = versionParts(a);
  const right = versionParts(b);
  return left.major === right.major && left.minor === right.minor;
}

export interface RecallsOfVersion {
  readonly version: PlatformVersion;
  /** It was imported. */
  readonly isKnown: boolean;
  /** All recalls of this version. */
  readonly recalls: readonly Recall[];
}

export type RecallDecision =
  | { readonly kind: 'recall' }
  /** It is recalled already; what was said first stays. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly code: 'release-unknown'; readonly reasons: Reasons };

/** An operator marks a release bad. */
export function decideRecall({ version, isKnown, recalls }: RecallsOfVersion): RecallDecision {
  if (recalls.length > 0) return { kind: 'repeated' };
  if (isKnown) return { kind: 'recall' };
  const code = 'release-unknown';
  const message = `No release ${version} was imported, so there is none to recall.`;
  const nextStep = '`gatehouse release list` shows what is there.';
  return { kind: 'refused', code, reasons: [{ code, message, nextStep }] };
}

export type WithdrawalDecision =
  | { readonly kind: 'withdraw' }
  | { readonly kind: 'refused'; readonly code: 'recall-signed' | 'not-recalled'; readonly reasons: Reasons };

/** An operator takes back an operator's recall. What is signed only the publisher could, and the publisher never does. */
export function decideWithdrawal({ version, recalls }: RecallsOfVersion): WithdrawalDecision {
  if (recalls.some(({ isSigned }) => isSigned)) {
    const code = 'recall-signed';
    const message = `The publisher has recalled release ${version} in signed metadata; no operator can take that back.`;
    const nextStep = 'Upgrade the platform to a release that is good.';
    return { kind: 'refused', code, reasons: [{ code, message, nextStep }] };
  }
  if (recalls.length > 0) return { kind: 'withdraw' };
  const code = 'not-recalled';
  const message = `Release ${version} is not recalled, so there is nothing to withdraw.`;
  return { kind: 'refused', code, reasons: [{ code, message }] };
}
