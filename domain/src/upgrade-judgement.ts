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
  const kinds = Map.groupBy(fleet, kindOf);
  // Under the name of its kind, since two tenants may each have a gateway of the same name.
  const oneOfEach = [...kinds].flatMap(([name, [first]]) => (first === undefined ? [] : [{ ...first, name }]));
  const judge = (risk: UpgradeRisk, from: PlatformVersion): JudgedRisk => {
    const before = from === start ? undefined : graph.nodes.get(from)?.release;
    const { verdict, gateways } = judgeRisk(risk, before === undefined ? oneOfEach : fleetOn(before, oneOfEach));
    const isAccepted = accepted.has(risk.name);
    return {
      risk,
      verdict,
      gateways: gateways
        .flatMap((kind) => kinds.get(kind) ?? [])
        .map(({ name }) => name)
        .toSorted(),
      isAccepted,
      isInTheWay: verdict !== 'does-not-apply' && !isAccepted,
    };
  };
  const remembered = new Map<PlatformVersion, Map<UpgradeRisk, JudgedRisk>>();
  return (release, from) => {
    const risks = risksBetween(release, from);
    if (risks.length === 0) return [];
    const judged = remembered.get(from) ?? new Map<UpgradeRisk, JudgedRisk>();
    remembered.set(from, judged);
    return risks.map((risk) => {
      const known = judged.get(risk) ?? judge(risk, from);
      judged.set(risk, known);
      return known;
    });
  };
}

/** Gateways of one kind pass the same tests, now and after each hop, so one of them is judged for all. */
function kindOf({ provider, installation, kubernetes, agent, profile, controlPlanes }: RiskGateway): string {
  return JSON.stringify([provider, installation, kubernetes, agent, profile, controlPlanes]);
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
