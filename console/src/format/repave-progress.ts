/** How far a step that replaces nodes is, from the nodes that it was to replace and those that are there now. */

import type { Gateway, ProfileUpdate } from '@gatehouse/contract/operator-types';

type Node = Gateway['nodes'][number];
type Step = ProfileUpdate['steps'][number];

export interface RepaveProgress {
  readonly total: number;
  readonly replaced: number;
  /** Still to go, in the order in which they are replaced. */
  readonly left: readonly string[];
  /** There now and not among those that the plan found. */
  readonly fresh: readonly Node[];
}

/** Undefined where the step replaces nothing. */
export function repaveProgress(step: Step, nodes: readonly Node[]): RepaveProgress | undefined {
  if (step.nodes.length === 0) return undefined;
  const there = new Set(nodes.map(({ name }) => name));
  const planned = new Set(step.nodes);
  const left = step.nodes.filter((name) => there.has(name));
  const role = step.id === 'control-planes' ? 'control-plane' : 'worker';
  return {
    total: step.nodes.length,
    replaced: step.nodes.length - left.length,
    left,
    fresh: nodes.filter((node) => node.role === role && !planned.has(node.name)),
  };
}

export type NodePart = 'stays' | 'will-be-replaced' | 'new';

/** What an update on its way means for one node; undefined while none is. */
export function nodePart(node: Node, update: Pick<ProfileUpdate, 'steps'> | undefined): NodePart | undefined {
  if (update === undefined) return undefined;
  const steps = update.steps.filter((step) => step.nodes.length > 0);
  const step = steps.find(({ id }) => id === (node.role === 'control-plane' ? 'control-planes' : 'workers'));
  if (step === undefined) return 'stays';
  return step.nodes.includes(node.name) ? 'will-be-replaced' : 'new';
}
