/**
 * The risks of each step of a plan, judged for the fleet as it will be when the platform takes that step. Every gate
 * before it has made the gateways current, so for all but the first step the release tells what they run.
 */

import type { GraphRelease, UpgradeGraph } from './upgrade-graph.ts';
import { risksBetween } from './upgrade-graph.ts';
import { judgeRisk, type RiskGateway, type RiskJudgement, type UpgradeRisk } from './upgrade-risk.ts';
import type { PlatformVersion } from './version.ts';

export interface PlanQuestion {
  readonly graph: UpgradeGraph;
  readonly from: PlatformVersion;
  readonly to: PlatformVersion;
  /** As it is before the first hop. For a later hop, what the hops before it bring is reckoned with. */
  readonly fleet: readonly RiskGateway[];
  /** By name. */
  readonly acceptedRisks: readonly string[];
}

export interface JudgedRisk extends RiskJudgement {
  readonly risk: UpgradeRisk;
  readonly isAccepted: boolean;
  /** It applies or cannot be judged, and nobody accepted it: the step is not taken. */
  readonly isInTheWay: boolean;
}

/** The risks of the step from a version to a release. */
export type JudgeStep = (release: GraphRelease, from: PlatformVersion) => readonly JudgedRisk[];

export function judgeSteps({ graph, from: start, fleet, acceptedRisks }: PlanQuestion): JudgeStep {
  const accepted = new Set(acceptedRisks);
  const remembered = new Map<PlatformVersion, Map<UpgradeRisk, JudgedRisk>>();
  return (release, from) => {
    const risks = risksBetween(release, from);
    if (risks.length === 0) return [];
    const judged = remembered.get(from) ?? new Map<UpgradeRisk, JudgedRisk>();
    remembered.set(from, judged);
    return risks.map((risk) => {
      const before = graph.nodes.get(from)?.release;
      const known =
        judged.get(risk) ??
        toJudgedRisk(risk, from === start || before === undefined ? fleet : fleetOn(before, fleet), accepted);
      judged.set(risk, known);
      return known;
    });
  };
}

function toJudgedRisk(risk: UpgradeRisk, fleet: readonly RiskGateway[], accepted: ReadonlySet<string>): JudgedRisk {
  const judgement = judgeRisk(risk, fleet);
  const isAccepted = accepted.has(risk.name);
  return { ...judgement, risk, isAccepted, isInTheWay: judgement.verdict !== 'does-not-apply' && !isAccepted };
}

/** The fleet once every gateway is current for that release. On an existing cluster only the agent moves. */
export function fleetOn(release: GraphRelease, fleet: readonly RiskGateway[]): readonly RiskGateway[] {
  return fleet.map((gateway) => {
    if (gateway.installation === 'existing-cluster') return { ...gateway, agent: release.agent };
    const profile = Object.hasOwn(release.profiles, gateway.provider) ? release.profiles[gateway.provider] : undefined;
    return {
      ...gateway,
      agent: release.agent,
      profile: profile?.version ?? 'unknown',
      kubernetes: profile?.kubernetes ?? 'unknown',
    };
  });
}
