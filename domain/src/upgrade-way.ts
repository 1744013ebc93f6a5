/**
 * Ways through the graph of releases. Every edge leads to a newer version, so one pass over the releases in the order of
 * their versions settles each of them.
 */

import type { GraphEdge, GraphNode, UpgradeGraph } from './upgrade-graph.ts';
import { compareVersions, type PlatformVersion } from './version.ts';

/** Compared from the left; the parts add up along a way. */
export type WayCost = readonly [number, number, number];

export interface WayStep extends GraphEdge {
  readonly node: GraphNode;
}

type Ends = { readonly from: PlatformVersion; readonly to: PlatformVersion };

interface Rest {
  readonly cost: WayCost;
  /** Absent at the end of the way. */
  readonly next?: WayStep;
}

/**
 * The steps of a cheapest way; of equally cheap ones the one whose next release is the newest, at each step. Nothing when
 * there is no way. `costOf` gives nothing for a step that may not be taken.
 */
export function cheapestWay(
  graph: UpgradeGraph,
  { from, to }: Ends,
  costOf: (step: WayStep) => WayCost | undefined,
): readonly WayStep[] | undefined {
  const rests = new Map<PlatformVersion, Rest>([[to, { cost: [0, 0, 0] }]]);
  // From the newest on: what comes later is taken only when it is cheaper, so the newest next release stands.
  for (const node of between(graph, { from, to }).toReversed()) {
    const rest = rests.get(node.release.version);
    if (rest === undefined) continue;
    for (const edge of edgesInto(graph, node, from)) {
      const step = { ...edge, node };
      const own = costOf(step);
      if (own === undefined) continue;
      const cost = sum(own, rest.cost);
      const known = rests.get(edge.from);
      if (known === undefined || isCheaper(cost, known.cost)) rests.set(edge.from, { cost, next: step });
    }
  }
  if (!rests.has(from)) return undefined;
  const steps: WayStep[] = [];
  let next = rests.get(from)?.next;
  while (next !== undefined) {
    steps.push(next);
    next = rests.get(next.node.release.version)?.next;
  }
  return steps;
}

/** Every release before `to` that can be reached, oldest first; without the one it starts from. */
export function reachedBefore(
  graph: UpgradeGraph,
  { from, to }: Ends,
  isOpen: (step: WayStep) => boolean,
): readonly PlatformVersion[] {
  const reached = new Set([from]);
  for (const node of between(graph, { from, to })) {
    const isReached = edgesInto(graph, node, from).some((edge) => reached.has(edge.from) && isOpen({ ...edge, node }));
    if (isReached) reached.add(node.release.version);
  }
  return [...reached].filter((version) => version !== from && version !== to);
}

/** Every release from which `to` can be reached, newest first, and `to` itself; none before `from`. */
export function leadingTo(graph: UpgradeGraph, ends: Ends): readonly GraphNode[] {
  const leading = new Set([ends.to]);
  const nodes = between(graph, ends)
    .toReversed()
    .filter((node) => {
      if (!leading.has(node.release.version)) return false;
      for (const edge of edgesInto(graph, node, ends.from)) leading.add(edge.from);
      return true;
    });
  return nodes;
}

/** The releases after `from` up to `to`, oldest first. */
function between(graph: UpgradeGraph, { from, to }: Ends): readonly GraphNode[] {
  return [...graph.nodes.values()].filter(
    ({ release: { version } }) => compareVersions(version, from) > 0 && compareVersions(version, to) <= 0,
  );
}

/** Also from where the way starts when no such release is known. */
function edgesInto(graph: UpgradeGraph, node: GraphNode, start: PlatformVersion): readonly GraphEdge[] {
  if (graph.nodes.has(start)) return node.edges;
  const basis = graph.basisOf(start, node.release);
  return basis === undefined ? node.edges : [...node.edges, { from: start, basis }];
}

function sum(a: WayCost, b: WayCost): WayCost {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

function isCheaper(a: WayCost, b: WayCost): boolean {
  return (a[0] - b[0] || a[1] - b[1] || a[2] - b[2]) < 0;
}
