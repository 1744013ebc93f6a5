import type { Hop } from './platform-progress.ts';
import type { Reason } from './reason.ts';
import { riskReason } from './risk-reason.ts';
import { buildUpgradeGraph, type GraphRelease, stepBetween } from './upgrade-graph.ts';
import { judgeRisk, type RiskGateway } from './upgrade-risk.ts';

export interface StartedPlan {
  readonly hops: readonly Hop[];
  readonly channel: string | undefined;
  /** By name. */
  readonly acceptedRisks: readonly string[];
}

/**
 * What stands before a hop of a plan that has started, besides gates and preflight. A kept edge outlives newer patches,
 * but neither a recall nor a floor; its risks are judged for the fleet as it is.
 */
export function stepObstacles(
  { from, to }: Hop,
  releases: readonly GraphRelease[],
  { hops, channel, acceptedRisks }: StartedPlan,
  fleet: readonly RiskGateway[],
): readonly Reason[] {
  const step = stepBetween(buildUpgradeGraph(releases, { channel, keptEdges: hops }), from, to);
  if (step.kind === 'refused') return step.reasons;
  return step.risks
    .filter(({ name }) => !acceptedRisks.includes(name))
    .flatMap((risk): readonly Reason[] => {
      const judged = judgeRisk(risk, fleet);
      return judged.verdict === 'does-not-apply' ? [] : [riskReason({ risk, ...judged }, { from, to })];
    });
}
