/**
 * Whether one gateway may be brought from where it stands to a release in one step, agent first, then profile. A step of
 * the agent, and one of the profile, is a supported step between their releases; the profile's also moves Kubernetes by
 * one minor at most and leaves it within the range of the agent that runs then. What is the same by digest does not move.
 */

import { isWithinKubernetesRange } from './agent-update.ts';
import type { Installation, Known, ReleaseFacts } from './gateway.ts';
import { type KubernetesStepRefusal, refuseKubernetesStep } from './kubernetes-step.ts';
import type { Reason } from './reason.ts';
import { type GraphNode, risksBetween, type UpgradeGraph } from './upgrade-graph.ts';
import { judgeRisk } from './upgrade-risk.ts';
import { compareVersions, type KubernetesVersion, type PlatformVersion } from './version.ts';

export interface WalkMap {
  /** Of all channels, with the steps that the platform took as kept edges. */
  readonly graph: UpgradeGraph;
  /** The version the platform is on; it is among the releases. */
  readonly platform: PlatformVersion;
  readonly provider: string;
  /** What each known release says for the provider. */
  readonly releases: ReadonlyMap<PlatformVersion, ReleaseFacts>;
  /** The steps that the platform took: what is dangerous about them did not apply, or was accepted, for the whole fleet. */
  readonly taken: readonly { readonly from: PlatformVersion; readonly to: PlatformVersion }[];
  /** Names of the risks that were accepted for this platform. */
  readonly acceptedRisks: readonly string[];
}

/** A known release that is not newer than the platform's. */
export interface WalkRelease {
  readonly version: PlatformVersion;
  readonly facts: ReleaseFacts;
  readonly node: GraphNode;
  /** From which known releases an edge leads to it, whether barred or not. */
  readonly into: ReadonlySet<PlatformVersion>;
  /** Of its profile. */
  readonly kubernetes: Known<KubernetesVersion>;
  /** The releases with the same agent, by digest, and those with the same profile, each with this one; oldest first. */
  readonly sameAgent: readonly PlatformVersion[];
  readonly sameProfile: readonly PlatformVersion[];
}

export interface Terrain extends WalkMap {
  /** Oldest first. */
  readonly all: readonly WalkRelease[];
  readonly takenSteps: ReadonlySet<string>;
  /** Where the platform itself stopped. */
  readonly visited: ReadonlySet<PlatformVersion>;
}

/** Where a gateway stands before a stop. */
export interface Standing {
  readonly name: string;
  readonly installation: Installation;
  readonly controlPlanes: number;
  readonly agent: { readonly version: PlatformVersion; readonly digest: string };
  /** The releases that have the agent. */
  readonly agentAt: readonly PlatformVersion[];
  /** Absent when no known release has the agent. */
  readonly agentRange?: ReleaseFacts['agent'];
  readonly profile?: { readonly version: PlatformVersion; readonly digest: string };
  readonly profileAt: readonly PlatformVersion[];
  /** Of the profile that was last applied. */
  readonly profileKubernetes: Known<KubernetesVersion>;
  /** What the agent meets. */
  readonly kubernetes: Known<KubernetesVersion>;
  /** As it is now, and not as an earlier stop will have left it. What was observed may still change. */
  readonly isNow: boolean;
}

export type WalkStepRefusal =
  | 'release-recalled'
  | 'no-supported-step'
  | 'floor-skipped'
  | 'risk-not-accepted'
  | 'agent-newer-than-release'
  | 'agent-not-accepted'
  | 'kubernetes-unknown'
  | 'kubernetes-outside-range'
  | KubernetesStepRefusal;

/** Worded only for whoever reads it: most obstacles are only gone around. */
export type Obstacle = () => Reason<WalkStepRefusal>;

export type WalkMove = {
  readonly agent: 'moves' | 'same' | 'stays-newer';
  readonly profile: 'moves' | 'same';
};

/** What of the gateway the release would move. An agent never goes back to an older version. */
export function moveTo({ agent, profile }: Standing, { facts }: WalkRelease): WalkMove {
  const isOther = agent.digest !== facts.agent.digest;
  const isNewer = isOther && compareVersions(agent.version, facts.agent.version) > 0;
  const isProfileOther =
    profile !== undefined && facts.profile !== undefined && profile.digest !== facts.profile.digest;
  return {
    agent: !isOther ? 'same' : isNewer ? 'stays-newer' : 'moves',
    profile: isProfileOther ? 'moves' : 'same',
  };
}

/** Nothing when the step is legal, or brings nothing. */
export function obstacleTo(
  terrain: Terrain,
  standing: Standing,
  stop: WalkRelease,
  move: WalkMove = moveTo(standing, stop),
): Obstacle | undefined {
  if (move.agent === 'same' && move.profile === 'same') return undefined;
  return (
    recallObstacle(terrain, stop) ??
    (move.agent === 'stays-newer' && move.profile === 'same' ? newerAgent(standing, stop) : undefined) ??
    (move.agent === 'moves' ? agentObstacle(terrain, standing, stop) : undefined) ??
    (move.profile === 'moves' ? profileObstacle(terrain, standing, stop, move) : undefined)
  );
}

/** The step is legal, and its agent would wait: for the owner to move Kubernetes, or for what is on its way. */
export function isWaitingForKubernetes(standing: Standing, stop: WalkRelease, move: WalkMove): boolean {
  return move.agent === 'moves' && !isInRange(standing.kubernetes, stop.facts.agent);
}

/** Where the gateway stands after the stop. */
export function standingAfter(standing: Standing, stop: WalkRelease, move: WalkMove): Standing {
  const { facts } = stop;
  const isAgentKept = move.agent === 'stays-newer';
  const { agentRange: _range, profile: _profile, ...rest } = standing;
  const range = isAgentKept ? standing.agentRange : facts.agent;
  const profile = standing.profile === undefined ? undefined : (facts.profile ?? standing.profile);
  const isOwners = standing.installation === 'existing-cluster';
  const kubernetes = isOwners || facts.profile === undefined ? standing.kubernetes : stop.kubernetes;
  return {
    ...rest,
    agent: isAgentKept ? standing.agent : facts.agent,
    agentAt: isAgentKept ? standing.agentAt : stop.sameAgent,
    ...(range === undefined ? {} : { agentRange: range }),
    ...(profile === undefined ? {} : { profile }),
    profileAt: stop.sameProfile,
    profileKubernetes: kubernetes,
    kubernetes,
    isNow: false,
  };
}

/** The end of the way is left to whoever offers it: the platform is there, recalled or not. */
function recallObstacle({ platform }: Terrain, { version, node }: WalkRelease): Obstacle | undefined {
  if (node.isOffered || version === platform) return undefined;
  return () => ({
    code: 'release-recalled',
    message: `${version} was recalled: ${node.release.recalled?.reason ?? 'it is offered to nobody'}`,
  });
}

function newerAgent({ agent }: Standing, { version, facts }: WalkRelease): Obstacle {
  return () => ({
    code: 'agent-newer-than-release',
    message: `The agent ${agent.version} is newer than ${facts.agent.version} of ${version}; it never goes back.`,
  });
}

function agentObstacle(terrain: Terrain, standing: Standing, stop: WalkRelease): Obstacle | undefined {
  const step = stepObstacle(terrain, standing, standing.agentAt, stop);
  if (step !== undefined) return step;
  // What is observed now, and what an owner keeps, may still change; what a release says does not.
  const mayChange = standing.isNow || standing.installation === 'existing-cluster';
  if (mayChange || isInRange(standing.kubernetes, stop.facts.agent)) return undefined;
  return outsideRange(standing.kubernetes, stop.facts.agent, 'before its profile comes');
}

function profileObstacle(
  terrain: Terrain,
  standing: Standing,
  stop: WalkRelease,
  move: WalkMove,
): Obstacle | undefined {
  const step = stepObstacle(terrain, standing, standing.profileAt, stop);
  if (step !== undefined) return step;
  const { facts, kubernetes, version } = stop;
  if (kubernetes === 'unknown') {
    return () => ({
      code: 'kubernetes-unknown',
      message: `Which Kubernetes the profile of ${version} has is not known.`,
    });
  }
  // While the gateway's own cannot be read, its plan refuses what would be a skip.
  const refusal =
    standing.profileKubernetes === 'unknown' ? undefined : refuseKubernetesStep(standing.profileKubernetes, kubernetes);
  if (refusal !== undefined) return () => ({ ...refusal, message: `On the way to ${version}: ${refusal.message}` });
  const agent = move.agent === 'stays-newer' ? standing.agentRange : facts.agent;
  const agentVersion = agent?.version ?? standing.agent.version;
  if (compareVersions(agentVersion, facts.profileNeedsAgent) < 0) {
    return () => ({
      code: 'agent-not-accepted',
      message: `The profile of ${version} needs agent ${facts.profileNeedsAgent} or newer; there it would be ${agentVersion}.`,
    });
  }
  if (agent === undefined) {
    return () => ({
      code: 'kubernetes-outside-range',
      message: `No imported release has the agent ${agentVersion}, so it is not known whether it supports Kubernetes ${kubernetes} of ${version}.`,
    });
  }
  return isInRange(kubernetes, agent) ? undefined : outsideRange(kubernetes, agent, `after the profile of ${version}`);
}

function isInRange(kubernetes: Known<KubernetesVersion>, agent: ReleaseFacts['agent']): boolean {
  return kubernetes === 'unknown' || isWithinKubernetesRange(kubernetes, agent);
}

function outsideRange(kubernetes: Known<KubernetesVersion>, agent: ReleaseFacts['agent'], when: string): Obstacle {
  return () => ({
    code: 'kubernetes-outside-range',
    message: `Agent ${agent.version} supports Kubernetes ${agent.kubernetesMin} to ${agent.kubernetesMax}; ${when} it would meet ${kubernetes}.`,
  });
}

/** From the one of these releases that it is possible from; they are one to the gateway. */
function stepObstacle(
  terrain: Terrain,
  standing: Standing,
  froms: readonly PlatformVersion[],
  stop: WalkRelease,
): Obstacle | undefined {
  let newest: Obstacle | undefined;
  for (const from of froms.toReversed()) {
    const obstacle = edgeObstacle(terrain, standing, from, stop);
    if (obstacle === undefined) return undefined;
    newest ??= obstacle;
  }
  return newest;
}

function edgeObstacle(
  terrain: Terrain,
  standing: Standing,
  from: PlatformVersion,
  stop: WalkRelease,
): Obstacle | undefined {
  const { version, node, into } = stop;
  // What runs there has the version and not the digest: the release itself brings the right one.
  if (from === version) return undefined;
  if (!into.has(from) && (terrain.graph.nodes.has(from) || terrain.graph.basisOf(from, node.release) === undefined)) {
    return () => ({ code: 'no-supported-step', message: noStep(from, stop) });
  }
  if (node.floorBefore !== undefined && compareVersions(from, node.floorBefore) < 0) {
    return () => ({
      code: 'floor-skipped',
      message: `Between ${from} and ${version} nobody passes ${node.floorBefore} without stopping at it.`,
    });
  }
  if (node.release.risks.length === 0 || terrain.takenSteps.has(`${from} ${version}`)) return undefined;
  const gateway = riskGatewayOn(terrain, standing);
  const risk = risksBetween(node.release, from).find(
    (each) => !terrain.acceptedRisks.includes(each.name) && judgeRisk(each, [gateway]).verdict !== 'does-not-apply',
  );
  if (risk === undefined) return undefined;
  return () => ({
    code: 'risk-not-accepted',
    message: `The step from ${from} to ${version} has the risk ${risk.name}, which nobody accepted: ${risk.message}`,
  });
}

function riskGatewayOn({ provider }: Terrain, standing: Standing): Parameters<typeof judgeRisk>[1][number] {
  const { name, installation, kubernetes, agent, profile, controlPlanes } = standing;
  return {
    name,
    provider,
    installation,
    kubernetes,
    agent: agent.version,
    ...(profile === undefined ? {} : { profile: profile.version }),
    ...(installation === 'cli' ? { controlPlanes } : {}),
  };
}

function noStep(from: PlatformVersion, { version, node }: WalkRelease): string {
  const { upgradeFrom } = node.release;
  if (upgradeFrom === undefined) return `By the rule of thumb no step leads from ${from} to ${version}.`;
  return upgradeFrom.length === 0
    ? `${version} is for new installations only.`
    : `${version} may be upgraded from ${upgradeFrom.join(', ')} only, and not from ${from}.`;
}
