/**
 * Why a gateway is not current yet: every reason that holds, for console, CLI and API alike, and for the gates of a
 * platform upgrade. Current means: the agent of the platform's release runs and no attempt is on its way; and, on the
 * installation `cli`, its profile was last applied and the gateway is Running; and nothing that runs there was recalled.
 * Empty if and only if that is so, and one agent alone uses the gateway's identity. A gateway that is brought there along
 * several releases is current only at the last.
 */

import { attemptReasonText, isAttemptRunning, isSameAgent } from './agent-attempt.ts';
import { type AgentUpdateDecision, decideAgentUpdate } from './agent-update.ts';
import type { ReleaseFacts } from './gateway.ts';
import type { ConfirmedProfileUpdate, GatewayFacts } from './gateway-facts.ts';
import { confirmedProgress, gatewayHealth, gatewayStatus, silenceExpectedUntil } from './gateway-status.ts';
import { identityHolds } from './identity-hold.ts';
import { formatInstant, type Instant } from './instant.ts';
import { profileAgentHolds } from './profile-hold.ts';
import type { ProfileUpdateProgress } from './profile-update-types.ts';
import type { Reason } from './reason.ts';
import { proposalHolds, recalledParts, recallOfOffer, recallOfPlatform, recallReasons, repaveHolds } from './recall.ts';
import { productionTimings, type Timings } from './timings.ts';
import { unreachable } from './unreachable.ts';
import { compareVersions } from './version.ts';
import { wayText } from './walk-text.ts';

/** By digest, and with nothing on its way. A release without a profile for the gateway's provider moves none. */
export function isCurrent(facts: GatewayFacts, now: Instant): boolean {
  if (identityHolds(facts).length > 0) return false;
  const isAsWanted = isAgentCurrent(facts) && isProfileCurrent(facts) && gatewayStatus(facts, now) === 'Running';
  return isAsWanted && recalledParts(facts).length === 0;
}

/** Of the version the platform is on. What the gateway gets next may be an earlier stop. */
function platformReleaseOf({ platformRelease, release }: GatewayFacts): ReleaseFacts | undefined {
  return platformRelease ?? release;
}

function isAgentCurrent(facts: GatewayFacts): boolean {
  const { observation } = facts;
  const release = platformReleaseOf(facts);
  return (
    observation !== undefined &&
    release !== undefined &&
    isSameAgent(observation.agent, release.agent) &&
    !isAttemptRunning(observation.attempt)
  );
}

function isProfileCurrent(facts: GatewayFacts): boolean {
  if (facts.identity.installation === 'existing-cluster') return true;
  const wanted = platformReleaseOf(facts)?.profile;
  const applied = facts.observation?.appliedProfile;
  return (
    applied !== undefined &&
    (wanted === undefined || applied.digest === wanted.digest) &&
    facts.profileUpdate === undefined
  );
}

export function explain(facts: GatewayFacts, now: Instant, timings: Timings = productionTimings): readonly Reason[] {
  if (isCurrent(facts, now)) return [];
  const agent = isAgentCurrent(facts) ? [] : agentReasons(facts, decideAgentUpdate(facts, now, timings), now, timings);
  const profile = profileReasons(facts, now);
  return withoutRepeats([
    ...identityHolds(facts),
    ...recallReasons(facts),
    ...statusReasons(facts, now),
    ...walkReasons(facts),
    ...agent,
    ...profile,
    // Also with the agent up to date: it may refuse a profile.
    ...(facts.observation?.agentHolds ?? []),
    ...silenceReasons(facts, now, timings),
  ]);
}

/**
 * What of it keeps the platform from leaving the version it is on. Nobody can become current for a recalled version, nor
 * a gateway that is ahead of the platform for a version behind it; so then only what has begun is waited for: an attempt
 * that runs, a profile update on its way.
 */
export function hopReasons(facts: GatewayFacts, now: Instant, timings: Timings = productionTimings): readonly Reason[] {
  if (recallOfPlatform(facts) === undefined && !isAheadOfPlatform(facts)) return explain(facts, now, timings);
  const decision = decideAgentUpdate(facts, now, timings);
  const agent = decision.kind === 'continue' ? agentReasons(facts, decision, now, timings) : [];
  const isOnItsWay = gatewayStatus(facts, now) === 'Updating' && repaveHolds(facts).length === 0;
  return withoutRepeats([...agent, ...(isOnItsWay ? profileReasons(facts, now) : [])]);
}

/**
 * Its agent is newer than the platform's, as after the database was set back to before a hop, and no profile of it is
 * older: it never comes back to the platform's version, and the platform has to come to it.
 */
export function isAheadOfPlatform(facts: GatewayFacts): boolean {
  const release = platformReleaseOf(facts);
  const { observation, identity } = facts;
  if (release === undefined || observation === undefined) return false;
  if (compareVersions(observation.agent.version, release.agent.version) <= 0) return false;
  if (identity.installation === 'existing-cluster' || release.profile === undefined) return true;
  const applied = observation.appliedProfile;
  return (
    applied !== undefined &&
    (applied.digest === release.profile.digest || compareVersions(applied.version, release.profile.version) > 0)
  );
}

/** One reason said by two decisions is one reason. */
function withoutRepeats(reasons: readonly Reason[]): readonly Reason[] {
  return reasons.filter(
    (reason, index) =>
      reasons.findIndex((other) => other.code === reason.code && other.message === reason.message) === index,
  );
}

function by(facts: GatewayFacts, now: Instant): string {
  const due = facts.nextPollDueAt;
  if (due === undefined) return 'with the next poll';
  return due >= now
    ? `with the next poll, by ${formatInstant(due)}`
    : `with the next poll, due since ${formatInstant(due)}`;
}

/** Where it is on a way of several stops, or why no way is known. */
function walkReasons(facts: GatewayFacts): readonly Reason[] {
  const { walk, identity } = facts;
  if (walk === undefined) return [];
  if (walk.kind === 'held') return walk.reasons;
  const [next] = walk.stops;
  return [
    {
      code: 'on-its-way',
      message:
        `The gateway ${identity.name} is on its way to platform version ${platformReleaseOf(facts)?.platformVersion}: ` +
        `${wayText(walk)}. Next is ${next.release}.`,
    },
  ];
}

/** What the status alone explains; the decisions below name the same states where they hold something up. */
function statusReasons(facts: GatewayFacts, now: Instant): readonly Reason[] {
  const { name } = facts.identity;
  const status = gatewayStatus(facts, now);
  switch (status) {
    case 'Pending':
      return facts.observation === undefined ? [] : [{ code: 'pending', message: `The gateway ${name} is Pending.` }];
    case 'Provisioning':
      return [
        {
          code: 'provisioning',
          message: `The gateway ${name} is Provisioning: its control plane or its first profile is not complete.`,
        },
      ];
    case 'Deleting':
      return [{ code: 'gateway-deleting', message: `The gateway ${name} is being deleted.` }];
    case 'Deleted':
      return [{ code: 'gateway-deleting', message: `The gateway ${name} is deleted.` }];
    case 'Running':
    case 'Updating':
    case 'Error':
      return [];
    default:
      return unreachable(status);
  }
}

function agentReasons(
  facts: GatewayFacts,
  decision: AgentUpdateDecision,
  now: Instant,
  timings: Timings,
): readonly Reason[] {
  switch (decision.kind) {
    case 'upToDate':
      return [];
    case 'hold':
      return [...decision.reasons, ...(facts.observation?.agentHolds ?? [])];
    case 'continue':
      return [
        {
          code: 'agent-update-in-progress',
          message:
            `The agent is being updated from ${decision.attempt.from.version} to ${decision.to.version}: ` +
            phaseText[decision.attempt.phase],
        },
        ...(facts.observation?.agentHolds ?? []),
      ];
    case 'update':
      return [
        {
          code: 'agent-update-waiting-for-poll',
          message: `Agent ${decision.to.version} is offered; the gateway takes it up ${by(facts, now)}.`,
        },
        ...interruptionReasons(facts, timings),
        ...(facts.observation?.agentHolds ?? []),
      ];
    default:
      return unreachable(decision);
  }
}

const phaseText = {
  rehearsing: 'the new agent is rehearsed beside the running one.',
  swapping: 'the new agent is being put in place.',
  watching: 'the new agent runs and the old one still stands by.',
  settled: 'settled.',
  'taken-back': 'taken back.',
  interrupted: 'interrupted.',
  'rehearsal-failed': 'the rehearsal failed.',
} as const;

function interruptionReasons(facts: GatewayFacts, timings: Timings): readonly Reason[] {
  const attempt = facts.observation?.attempt;
  const wanted = facts.release?.agent;
  if (attempt?.phase !== 'interrupted' || wanted === undefined || !isSameAgent(attempt.to, wanted)) return [];
  return [
    {
      code: 'agent-update-interrupted',
      message:
        `Attempt ${attempt.interruptions} of ${timings.agentUpdate.interruptionsMax} to update to agent ` +
        `${attempt.to.version} was interrupted${attempt.reason ? `: ${attemptReasonText(attempt.reason)}` : '.'}`,
    },
  ];
}

function profileReasons(facts: GatewayFacts, now: Instant): readonly Reason[] {
  const { identity, observation, release } = facts;
  if (identity.installation === 'existing-cluster' || observation?.appliedProfile === undefined) return [];
  if (facts.profileUpdate !== undefined) {
    const holds = repaveHolds(facts);
    return [...holds, ...confirmedReasons(facts, facts.profileUpdate, confirmedProgress(facts), now, holds.length > 0)];
  }
  const wanted = release?.profile;
  if (wanted === undefined || wanted.digest === observation.appliedProfile.digest) return [];
  if (facts.walk?.kind === 'held') return [];
  if (recallOfOffer(facts) !== undefined) return proposalHolds(facts);
  return [
    {
      code: 'profile-update-waiting-for-confirmation',
      message: `Profile ${wanted.version} is available and waits for a person to confirm it.`,
      nextStep: `Review it and run \`gatehouse profile-update confirm ${identity.name}\`, or press Updates on its page.`,
    },
    ...profileAgentHolds(facts),
  ];
}

function confirmedReasons(
  facts: GatewayFacts,
  confirmed: ConfirmedProfileUpdate,
  progress: ProfileUpdateProgress | undefined,
  now: Instant,
  isHeld: boolean,
): readonly Reason[] {
  const version = confirmed.plan.to.version;
  const isTakenUp = progress !== undefined && progress.retry >= confirmed.retry;
  // It would not begin, whatever else it waits for.
  if (isHeld && (!isTakenUp || progress.phase === 'preflight')) return [];
  if (!isTakenUp) {
    const what = progress === undefined ? 'is confirmed' : 'is to be retried';
    return [
      {
        code: 'profile-update-waiting-for-poll',
        message: `The profile update to ${version} ${what} and starts ${by(facts, now)}.`,
      },
    ];
  }
  switch (progress.phase) {
    case 'preflight':
      return [
        {
          code: 'profile-update-preflight',
          message: `The profile update to ${version} is confirmed; its preflight has not passed yet.`,
        },
        ...preflightReasons(facts, confirmed),
      ];
    case 'running': {
      const step = progress.steps.find(({ state }) => state === 'running');
      const message = step?.message === undefined ? '' : ` ${step.message}`;
      return [
        {
          code: 'profile-update-in-progress',
          message: `The profile update to ${version} is at step ${step?.id ?? 'between two steps'}.${message}`,
        },
      ];
    }
    case 'stopped':
      return [
        {
          code: 'profile-update-stopped',
          message: `The profile update to ${version} has stopped${progress.stopped ? `: ${progress.stopped.message}` : '.'}`,
          nextStep: `Remove the cause and run \`gatehouse profile-update retry ${facts.identity.name}\`.`,
        },
        ...(progress.stopped ? [progress.stopped] : []),
      ];
    case 'completed':
    case 'cancelled':
      return [
        {
          code: `profile-update-${progress.phase}`,
          message: `The gateway reports the profile update to ${version} as ${progress.phase}; this is being recorded.`,
        },
      ];
    default:
      return unreachable(progress.phase);
  }
}

function preflightReasons(facts: GatewayFacts, confirmed: ConfirmedProfileUpdate): readonly Reason[] {
  const preflight = facts.observation?.preflight;
  if (preflight === undefined || preflight.planId !== confirmed.plan.planId) return [];
  return preflight.results
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ check, message }) => ({ code: `preflight-${check}`, message }));
}

/** Silence does not make a current gateway less current; where something is still to come, it is why it does not. */
function silenceReasons(facts: GatewayFacts, now: Instant, timings: Timings): readonly Reason[] {
  if (facts.lastPollAt === undefined || facts.deletedAt !== undefined) return [];
  const expected = silenceExpectedUntil(facts, now);
  const isOverdue = facts.nextPollDueAt !== undefined && now > facts.nextPollDueAt;
  if (expected !== undefined && isOverdue) {
    return [
      {
        code: 'silence-expected',
        message: `The gateway announced that it is silent until ${formatInstant(expected)}.`,
      },
    ];
  }
  if (gatewayHealth(facts, now, timings) !== 'unhealthy') return [];
  return [
    {
      code: 'silent',
      message: `The gateway ${facts.identity.name} was last heard at ${formatInstant(facts.lastPollAt)}.`,
      nextStep: 'Look at the agent and at the way from the gateway to the control plane.',
    },
  ];
}
