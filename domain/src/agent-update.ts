/**
 * Which agent a gateway's target names: the release's, one whose attempt has begun, or the one that runs, with every
 * reason why it is not the release's yet. From the gateway's facts; the same for both installations. It never starts
 * anything on the gateway: whether an attempt may begin there at this moment is the agent's own decision.
 */

import { attemptReasonText, isAttemptRunning, isSameAgent } from './agent-attempt.ts';
import type { AgentAttempt, AgentRelease, TakenBack } from './agent-update-types.ts';
import type { ReleaseFacts } from './gateway.ts';
import type { GatewayFacts } from './gateway-facts.ts';
import { gatewayStatus } from './gateway-status.ts';
import type { Instant } from './instant.ts';
import { pauseReasons } from './pause.ts';
import type { Reason, Reasons } from './reason.ts';
import { attemptToGiveUp, isHeldBeforeBeginning, isPauseLifted, offerHolds } from './recall.ts';
import { productionTimings, type Timings } from './timings.ts';
import { compareVersions, type KubernetesVersion, versionParts } from './version.ts';

export type AgentHoldCode =
  | 'no-platform-version'
  | 'pending-enrolment'
  | 'provisioning'
  | 'gateway-deleting'
  | 'paused'
  | 'agent-taken-back'
  | 'agent-update-interrupted'
  | 'agent-newer-than-release'
  | 'release-recalled'
  | 'profile-update-in-progress'
  | 'kubernetes-unknown'
  | 'kubernetes-outside-range'
  | 'agent-hold';

export type AgentUpdateDecision =
  | { readonly kind: 'upToDate' }
  /** The target names `to`. `isRetried`: a person asked for it again after it was taken back. */
  | { readonly kind: 'update'; readonly to: AgentRelease; readonly isRetried: boolean }
  /** An attempt has begun; what has begun finishes, also when paused. The target names `to`. */
  | { readonly kind: 'continue'; readonly to: AgentRelease; readonly attempt: AgentAttempt }
  /** The target names the agent that runs. */
  | { readonly kind: 'hold'; readonly reasons: Reasons };

type Hold = Reason<AgentHoldCode>;

export function decideAgentUpdate(
  facts: GatewayFacts,
  now: Instant,
  timings: Timings = productionTimings,
): AgentUpdateDecision {
  const { observation, release } = facts;
  const attempt = observation?.attempt;
  const givenUp = attemptToGiveUp(facts);
  if (givenUp !== undefined) return { kind: 'hold', reasons: [givenUp] };
  if (isAttemptRunning(attempt)) return { kind: 'continue', to: attempt.to, attempt };
  if (release !== undefined && observation !== undefined && isSameAgent(observation.agent, release.agent)) {
    return { kind: 'upToDate' };
  }
  const to = release && { version: release.agent.version, digest: release.agent.digest };
  const isRetried = to !== undefined && facts.retriedAgentDigests.includes(to.digest);
  const [first, ...others] = [
    ...lifeHolds(facts, now),
    ...walkHolds(facts),
    ...offerHolds(facts),
    ...(release ? releaseHolds(facts, release, isRetried, timings) : []),
    ...(isPauseLifted(facts) ? [] : pauseReasons(facts, now)),
    ...profileUpdateHolds(facts),
    ...agentHolds(facts, to),
  ];
  if (first !== undefined) return { kind: 'hold', reasons: [first, ...others] };
  if (to === undefined) throw new TypeError('no release, and yet no reason: lifeHolds has to name it');
  return { kind: 'update', to, isRetried };
}

function lifeHolds(facts: GatewayFacts, now: Instant): readonly Hold[] {
  const { name } = facts.identity;
  const holds: Hold[] = [];
  if (facts.release === undefined) {
    holds.push({
      code: 'no-platform-version',
      message: 'No release was imported yet, so no agent version is wanted.',
      nextStep: 'Import a release with `gatehouse release import`.',
    });
  }
  const status = gatewayStatus(facts, now);
  if (status === 'Deleting' || status === 'Deleted') {
    holds.push({
      code: 'gateway-deleting',
      message: `The gateway ${name} is ${status === 'Deleted' ? 'deleted' : 'being deleted'}.`,
    });
  } else if (facts.observation === undefined) {
    holds.push({
      code: 'pending-enrolment',
      message: `No agent of the gateway ${name} has reported yet.`,
      nextStep:
        facts.identity.installation === 'cli'
          ? 'Run `gatehouse gateway install`, or wait until it has installed the agent.'
          : 'Run the two kubectl commands that `gatehouse gateway create` printed.',
    });
  } else if (status === 'Provisioning') {
    holds.push({
      code: 'provisioning',
      message: `The gateway ${name} is Provisioning: its control plane or its first profile is not complete.`,
    });
  }
  return holds;
}

/** Without a way to the platform's version it would be left where no way leads on. */
function walkHolds({ walk }: GatewayFacts): readonly Reason[] {
  return walk?.kind === 'held' ? walk.reasons : [];
}

function takenBackOf(facts: GatewayFacts, release: AgentRelease): TakenBack | undefined {
  return facts.observation?.takenBack.findLast((entry) => isSameAgent(entry.release, release));
}

function releaseHolds(
  facts: GatewayFacts,
  release: ReleaseFacts,
  isRetried: boolean,
  timings: Timings,
): readonly Hold[] {
  const { observation } = facts;
  if (observation === undefined) return [];
  const { agent } = release;
  const holds: Hold[] = [];
  if (compareVersions(observation.agent.version, agent.version) > 0) {
    holds.push({
      code: 'agent-newer-than-release',
      message:
        `The agent ${observation.agent.version} is newer than ${agent.version} of platform version ` +
        `${release.platformVersion}; an agent never goes back to an older version.`,
      nextStep: `Upgrade the platform to a release whose agent is ${observation.agent.version} or newer.`,
    });
  }
  const takenBack = takenBackOf(facts, agent);
  if (takenBack !== undefined && !isRetried) {
    holds.push({
      code: 'agent-taken-back',
      message: `Agent ${agent.version} was tried and taken back: ${attemptReasonText(takenBack.reason)}`,
      nextStep: `Run \`gatehouse agent-update retry ${facts.identity.name}\`, or upgrade to a release with a newer agent.`,
    });
  }
  const attempt = observation.attempt;
  if (
    attempt?.phase === 'interrupted' &&
    isSameAgent(attempt.to, agent) &&
    attempt.interruptions >= timings.agentUpdate.interruptionsMax &&
    !isRetried
  ) {
    holds.push({
      code: 'agent-update-interrupted',
      message:
        `The update to agent ${agent.version} was interrupted ${attempt.interruptions} times, and the version is not ` +
        `to blame${attempt.reason ? `: ${attemptReasonText(attempt.reason)}` : '.'}`,
      nextStep: `Remove the cause, then run \`gatehouse agent-update retry ${facts.identity.name}\`.`,
    });
  }
  return [...holds, ...kubernetesHolds(facts, agent, observation.kubernetes)];
}

/** `min` is the least version; `max` names the last minor: its later patches are within the range too. */
export function isWithinKubernetesRange(
  version: KubernetesVersion,
  range: { readonly kubernetesMin: KubernetesVersion; readonly kubernetesMax: KubernetesVersion },
): boolean {
  const own = versionParts(version);
  const last = versionParts(range.kubernetesMax);
  const isAboveMax = own.major > last.major || (own.major === last.major && own.minor > last.minor);
  return compareVersions(version, range.kubernetesMin) >= 0 && !isAboveMax;
}

function kubernetesHolds(
  facts: GatewayFacts,
  agent: ReleaseFacts['agent'],
  version: KubernetesVersion | 'unknown',
): readonly Hold[] {
  const { name, installation } = facts.identity;
  if (version === 'unknown') {
    return [
      {
        code: 'kubernetes-unknown',
        message: `The Kubernetes version of the gateway ${name} could not be read, so agent ${agent.version} is not offered.`,
        nextStep: 'Wait for the next observation; if it stays so, look at the API server of the gateway.',
      },
    ];
  }
  if (isWithinKubernetesRange(version, agent)) return [];
  const last = versionParts(agent.kubernetesMax);
  const range = `Kubernetes ${agent.kubernetesMin} to ${last.major}.${last.minor}`;
  return [
    {
      code: 'kubernetes-outside-range',
      message: `Agent ${agent.version} supports ${range}; the gateway ${name} runs Kubernetes ${version}.`,
      nextStep:
        installation === 'existing-cluster'
          ? `Send this to the owner of the cluster: "The Gatehouse gateway ${name} runs on your cluster with Kubernetes ` +
            `${version}. Its next agent, ${agent.version}, supports ${range}. Please bring the cluster to a version in ` +
            'that range; the agent then updates itself, and until then it stays as it is."'
          : 'Confirm the profile update that brings Kubernetes into that range, or upgrade the platform to a release that supports it.',
    },
  ];
}

function profileUpdateHolds(facts: GatewayFacts): readonly Hold[] {
  // One that a recall holds before its first step keeps nobody waiting: the agent goes first.
  if (facts.profileUpdate === undefined || isHeldBeforeBeginning(facts)) return [];
  return [
    {
      code: 'profile-update-in-progress',
      message:
        `The profile update to ${facts.profileUpdate.plan.to.version} is confirmed and not completed; ` +
        'only one update runs on a gateway at a time.',
      nextStep: 'Wait until it is completed, or retry or cancel it if it has stopped.',
    },
  ];
}

/**
 * What the agent itself waits for. Once the target names the new agent these no longer take the name away: the agent
 * waits by itself, and reports them only while it has something to wait with.
 */
function agentHolds(facts: GatewayFacts, to: AgentRelease | undefined): readonly Reason[] {
  const isNamed = to !== undefined && facts.targetAgent !== undefined && isSameAgent(facts.targetAgent, to);
  return isNamed ? [] : (facts.observation?.agentHolds ?? []);
}

/**
 * The retries that are still open after a new observation. A person's retry counts for one attempt: once the version
 * was taken back again, or is the agent now, it has been used.
 */
export function openRetries(
  retried: readonly string[],
  before: { readonly takenBack: readonly TakenBack[] },
  after: { readonly takenBack: readonly TakenBack[]; readonly agent: AgentRelease; readonly attempt?: AgentAttempt },
): readonly string[] {
  const isKnown = (entry: TakenBack) =>
    before.takenBack.some((known) => isSameAgent(known.release, entry.release) && known.at === entry.at);
  return retried.filter((digest) => {
    const isTakenBackAgain = after.takenBack.some((entry) => entry.release.digest === digest && !isKnown(entry));
    const isTheAgent = after.agent.digest === digest && !isAttemptRunning(after.attempt);
    return !isTakenBackAgain && !isTheAgent;
  });
}
