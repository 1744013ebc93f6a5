/**
 * The shortest legal list of hops from one platform version to another, from the graph of known releases, the risks that
 * were accepted by name, and what is known of the fleet. Where there is none it says where the way ends and why. It does
 * not ask whether a hop may begin now.
 *
 * Of equally short plans it takes the one with the fewest risks that count as applying, since a danger avoided is better
 * than one accepted; then the one with the fewest steps by the rule of thumb, since an edge is the publisher's word; then
 * the newest release at each hop, since that mends most. So the same facts always give the same plan.
 */

import { type KubernetesStepRefusal, refuseKubernetesStep } from './kubernetes-step.ts';
import type { Reason } from './reason.ts';
import { type GraphProfile, type GraphRelease, isBarred, type StepBasis, type UpgradeGraph } from './upgrade-graph.ts';
import { type JudgedRisk, type JudgeStep, judgeSteps, type PlanQuestion } from './upgrade-judgement.ts';
import { explainNoPlan, type NoPlan } from './upgrade-obstacles.ts';
import { cheapestWay, type WayStep } from './upgrade-way.ts';
import type { KubernetesVersion, PlatformVersion } from './version.ts';

export type UpgradePlan =
  | { readonly kind: 'plan'; readonly hops: readonly UpgradeHop[] }
  | ({ readonly kind: 'none' } & NoPlan);

export interface UpgradeHop {
  readonly from: PlatformVersion;
  readonly to: PlatformVersion;
  readonly basis: StepBasis;
  /** `from` is absent when the release one comes from is not known. */
  readonly agent: { readonly from?: PlatformVersion; readonly to: PlatformVersion };
  /** Of every provider that one of the two releases has, by name. */
  readonly providers: readonly HopProvider[];
  /** Every risk of this step, also those that do not apply. */
  readonly risks: readonly JudgedRisk[];
  /** What the release it leads to mends. */
  readonly fixes: readonly string[];
  /** Present when the hop ends at a floor. */
  readonly floor?: { readonly reason: string };
}

export interface HopProvider {
  readonly provider: string;
  /** `unknown`: the release one comes from is not known. `missing`: the one it leads to has no profile for it. */
  readonly profile: 'changed' | 'unchanged' | 'new' | 'missing' | 'unknown';
  /** As far as it is known. */
  readonly kubernetes: { readonly from?: KubernetesVersion; readonly to?: KubernetesVersion };
  /** Why no gateway of ours could take this step of Kubernetes at once. */
  readonly kubernetesRefusal?: Reason<KubernetesStepRefusal>;
}

/** `hops` is empty if and only if `from` is `to`. */
export function planUpgrade(question: PlanQuestion): UpgradePlan {
  const { graph, from, to } = question;
  const judge = judgeSteps(question);
  const way = cheapestWay(graph, { from, to }, (step) => {
    if (isBarred(step.node, step.from)) return undefined;
    const risks = judge(step.node.release, step.from);
    if (risks.some(({ isInTheWay }) => isInTheWay)) return undefined;
    return [1, risks.filter(({ verdict }) => verdict !== 'does-not-apply').length, step.basis === 'edge' ? 0 : 1];
  });
  if (way === undefined) return { kind: 'none', ...explainNoPlan(question, judge) };
  return { kind: 'plan', hops: way.map((step) => toHop(graph, step, judge)) };
}

function toHop(graph: UpgradeGraph, { from, basis, node }: WayStep, judge: JudgeStep): UpgradeHop {
  const { release } = node;
  const before = graph.nodes.get(from)?.release;
  return {
    from,
    to: release.version,
    basis,
    agent: { ...(before === undefined ? {} : { from: before.agent }), to: release.agent },
    providers: providersOf(before, release),
    risks: judge(release, from),
    fixes: release.fixes,
    ...(release.floor === undefined ? {} : { floor: release.floor }),
  };
}

function providersOf(before: GraphRelease | undefined, release: GraphRelease): readonly HopProvider[] {
  const names = new Set([...Object.keys(before?.profiles ?? {}), ...Object.keys(release.profiles)]);
  return [...names].toSorted().map((provider) => {
    const old = profileOf(before, provider);
    const next = profileOf(release, provider);
    const [from, to] = [old?.kubernetes, next?.kubernetes];
    const refusal = from === undefined || to === undefined ? undefined : refuseKubernetesStep(from, to);
    return {
      provider,
      profile: before === undefined ? 'unknown' : compareProfiles(old, next),
      kubernetes: { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) },
      ...(refusal === undefined ? {} : { kubernetesRefusal: refusal }),
    };
  });
}

function profileOf(release: GraphRelease | undefined, provider: string): GraphProfile | undefined {
  return release !== undefined && Object.hasOwn(release.profiles, provider) ? release.profiles[provider] : undefined;
}

function compareProfiles(old: GraphProfile | undefined, next: GraphProfile | undefined): HopProvider['profile'] {
  if (next === undefined) return 'missing';
  if (old === undefined) return 'new';
  return old.digest === next.digest ? 'unchanged' : 'changed';
}
