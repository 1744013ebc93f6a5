/**
 * Why there is no plan, from the graph and the judged risks: what stands on the way that would need the fewest things
 * moved aside, or which release is missing for there to be any way at all.
 */

import type { Reason, Reasons } from './reason.ts';
import { riskReason } from './risk-reason.ts';
import {
  floorsBetween,
  type GraphNode,
  isBarred,
  patternMatches,
  type StepRefusal,
  stepBetween,
} from './upgrade-graph.ts';
import type { JudgeStep, PlanQuestion } from './upgrade-judgement.ts';
import { cheapestWay, leadingTo, reachedBefore, type WayCost, type WayStep } from './upgrade-way.ts';
import { compareVersions, type PlatformVersion, versionParts } from './version.ts';

export type PlanRefusal = StepRefusal | 'risk-applies' | 'risk-not-judged' | 'release-missing' | 'dead-end';

export interface NoPlan {
  readonly reasons: Reasons<PlanRefusal>;
  /** The newest version before the one asked for that can be reached. */
  readonly nearest?: PlatformVersion;
  /**
   * Where the way ends: it can be reached, and no legal step leads on from there towards the one asked for. Absent when
   * no way could lead to that one, whatever there were before it.
   */
  readonly deadEnd?: PlatformVersion;
}

/** Only for ends between which there is no legal way. */
export function explainNoPlan(question: PlanQuestion, judge: JudgeStep): NoPlan {
  const { graph, from, to } = question;
  const reached = reachedBefore(graph, { from, to }, (step) => isOpen(step, judge));
  const nearest = reached.at(-1);
  const answer = (deadEnd: PlatformVersion | undefined, reasons: Reasons<PlanRefusal>): NoPlan => ({
    reasons,
    ...(nearest === undefined ? {} : { nearest }),
    ...(deadEnd === undefined ? {} : { deadEnd }),
  });

  const step = stepBetween(graph, from, to);
  const [hopeless, ...more] = step.kind === 'refused' ? step.reasons.filter(({ code }) => ofTarget.has(code)) : [];
  if (hopeless !== undefined) return answer(undefined, [hopeless, ...more]);

  const way = cheapestWay(graph, { from, to }, (each) => obstacles(question, each, judge));
  const closed = way?.find((each) => !isOpen(each, judge));
  if (way === undefined || closed === undefined) {
    return answer(nearest ?? from, missingSteps(question, nearest ?? from));
  }
  const reasons = way.flatMap((each) => reasonsOf(question, each, judge));
  const passed = way.flatMap((each) => floorsBetween(graph, each.from, each.node)).at(0)?.release.version;
  if (passed !== undefined) {
    // The floor itself has to be on the way: what keeps it from being there is the reason behind the reason.
    const part = reached.includes(passed) ? { from: passed, to } : { from, to: passed };
    const behind = explainNoPlan({ ...question, ...part }, judge);
    const [first, ...others] = distinct([...reasons, ...behind.reasons]);
    if (first !== undefined) return answer(behind.deadEnd, [first, ...others]);
  }
  const [first, ...others] = reasons;
  if (first === undefined) throw new TypeError('a step that is not open has a reason');
  return answer(closed.from, [first, ...others]);
}

/** What no other way to the same release would change. */
const ofTarget: ReadonlySet<StepRefusal> = new Set<StepRefusal>([
  'downgrade',
  'release-unknown',
  'release-recalled',
  'not-in-channel',
  'new-installations-only',
]);

function isOpen({ from, node }: WayStep, judge: JudgeStep): boolean {
  return !isBarred(node, from) && !judge(node.release, from).some(({ isInTheWay }) => isInTheWay);
}

/** What the step passes that nobody can move aside; the risks that a person could accept; one hop. */
function obstacles({ graph }: PlanQuestion, { from, node }: WayStep, judge: JudgeStep): WayCost {
  const risks = judge(node.release, from).filter(({ isInTheWay }) => isInTheWay).length;
  return [floorsBetween(graph, from, node).length + (node.isOffered ? 0 : 1), risks, 1];
}

function reasonsOf({ graph }: PlanQuestion, { from, node }: WayStep, judge: JudgeStep): readonly Reason<PlanRefusal>[] {
  const { version } = node.release;
  const step = stepBetween(graph, from, version);
  const barred = step.kind === 'refused' ? step.reasons : [];
  return [
    ...barred.map((reason) => ({ ...reason, message: `From ${from} to ${version}: ${reason.message}` })),
    ...judge(node.release, from).flatMap((judged) =>
      judged.isInTheWay ? [riskReason(judged, { from, to: version })] : [],
    ),
  ];
}

const endsNamedMax = 5;

/** No edges lead from one to the other at all, not even closed ones: says what the releases would need that lead on. */
function missingSteps({ graph, from, to }: PlanQuestion, deadEnd: PlatformVersion): Reasons<PlanRefusal> {
  const known = [...graph.nodes.keys()];
  const isKnown = (pattern: string) => [from, ...known].some((version) => patternMatches(pattern, version));
  const ends = leadingTo(graph, { from, to }).toReversed();
  const isFirst = (node: GraphNode) => node.edges.every((edge) => compareVersions(edge.from, from) < 0);
  const reasons = [...ends.filter(isFirst), ...ends.filter((node) => !isFirst(node))].flatMap(
    (node): readonly Reason<PlanRefusal>[] => {
      const { version, upgradeFrom } = node.release;
      const absent = sourcePatterns(node).filter((pattern) => !isKnown(pattern));
      if (absent.length === 0 && !isFirst(node)) return [];
      if (upgradeFrom?.length === 0) {
        return [
          {
            code: 'new-installations-only',
            message: `${version}, which leads on to ${to}, is for new installations only; no version may be upgraded to it.`,
          },
        ];
      }
      const edges =
        upgradeFrom === undefined
          ? `By the rule of thumb ${version} follows on ${sourcePatterns(node).join(' and ')} only`
          : `${version} may be upgraded from ${upgradeFrom.join(', ')} only`;
      if (absent.length === 0) {
        return [{ code: 'no-supported-step', message: `${edges}, which cannot be reached from ${from}.` }];
      }
      return [
        {
          code: 'release-missing',
          message: `${edges}; ${absent.join(', ')} was not imported.`,
          nextStep: `Import ${absent.join(' or ')}, if there is such a release.`,
        },
      ];
    },
  );
  return [
    {
      code: 'dead-end',
      message: `From ${deadEnd} no supported step leads on towards ${to}.`,
      nextStep: `Import a release that may be upgraded from ${deadEnd}.`,
    },
    ...distinct(reasons).slice(0, endsNamedMax),
  ];
}

/** By the rule of thumb: the minor before it, or the major, since within its own minor every patch is an edge. */
function sourcePatterns({ release: { version, upgradeFrom } }: GraphNode): readonly string[] {
  const { major, minor } = versionParts(version);
  return upgradeFrom ?? [minor === 0 ? `${major - 1}.x` : `${major}.${minor - 1}.x`];
}

function distinct(reasons: readonly Reason<PlanRefusal>[]): readonly Reason<PlanRefusal>[] {
  return [...new Map(reasons.map((reason) => [`${reason.code} ${reason.message}`, reason])).values()];
}
