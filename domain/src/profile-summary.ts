/** What the review of a plan says in words: what moves, what goes, which nodes in which order, how long, and downtime. */

import type { GatewaySettings } from './gateway.ts';
import { type Milliseconds, minutes } from './instant.ts';
import { objectText } from './object-reference.ts';
import type { LayerKind } from './profile.ts';
import type { ProfileDiff } from './profile-diff.ts';
import type { DowntimeClass, NodeTarget, ProfileUpdateStep, ProfileUpdateSummary } from './profile-update-types.ts';

/** What one step usually takes on virtual machines; shown to a person, never used as a deadline. */
export const usualDuration = { node: minutes(10), pack: minutes(2), preflight: minutes(1) } as const;

export interface SummaryFacts {
  readonly settings: GatewaySettings;
  readonly steps: readonly ProfileUpdateStep[];
  readonly diff: ProfileDiff;
  /** OS and Kubernetes of the profile last applied. */
  readonly nodesFrom: NodeTarget;
}

export function summarise(facts: SummaryFacts): ProfileUpdateSummary {
  const { steps, diff } = facts;
  const layersMoved = diff.layers.filter(({ isMoved }) => isMoved).map(({ kind }) => kind);
  const deletes = steps.flatMap((step) => (step.kind === 'pack' ? step.deletes : []));
  const repaves = steps.flatMap((step) => (step.kind === 'pack' ? [] : step.nodes));
  const usual = usualDurationOf(steps);
  const downtime = downtimeOf(facts, layersMoved);
  return {
    layersMoved,
    deletes,
    repaves,
    usualDuration: usual,
    downtime,
    sentences: [
      layerSentence(layersMoved),
      ...nodeSentences(facts),
      ...objectSentences(steps),
      `It usually takes about ${Math.round(usual / minutes(1))} minutes.`,
      downtimeSentence[downtime],
    ],
  };
}

function usualDurationOf(steps: readonly ProfileUpdateStep[]): Milliseconds {
  return steps.reduce(
    (sum, step) => sum + (step.kind === 'pack' ? usualDuration.pack : step.nodes.length * usualDuration.node),
    usualDuration.preflight,
  );
}

function downtimeOf({ settings, steps }: SummaryFacts, layersMoved: readonly LayerKind[]): DowntimeClass {
  const isControlPlaneRepaved = steps.some((step) => step.kind === 'control-planes' && step.move !== undefined);
  if (isControlPlaneRepaved && settings.controlPlanes === 1) return 'yes';
  return layersMoved.includes('network') || layersMoved.includes('storage') ? 'possible' : 'not-expected';
}

const downtimeSentence = {
  yes: 'Downtime: yes. The only control plane is replaced; host clusters go on, and cannot be created or deleted meanwhile.',
  possible: 'Downtime: possible, since network or storage moves.',
  'not-expected': 'Downtime: not expected.',
} as const satisfies Record<DowntimeClass, string>;

function layerSentence(layersMoved: readonly LayerKind[]): string {
  return layersMoved.length === 0 ? 'No layer moves.' : `Layers that move: ${layersMoved.join(', ')}.`;
}

function nodeSentences({ steps, nodesFrom }: SummaryFacts): readonly string[] {
  const nodeSteps = steps.flatMap((step) => (step.kind === 'pack' || step.move === undefined ? [] : [step]));
  const [first] = nodeSteps;
  if (first === undefined) return ['No node is replaced.'];
  const kubernetes =
    nodesFrom.kubernetes === first.to.kubernetes
      ? []
      : [`Kubernetes moves from ${nodesFrom.kubernetes} to ${first.to.kubernetes}.`];
  const os = nodesFrom.os === first.to.os ? [] : [`The OS moves from ${nodesFrom.os} to ${first.to.os}.`];
  const order = nodeSteps.map((step) => {
    const what = step.kind === 'control-planes' ? 'Control planes' : 'Workers';
    const names = step.nodes.length === 0 ? 'those that are there then' : step.nodes.join(', then ');
    return `${what} are replaced one at a time: ${names}.`;
  });
  return [...kubernetes, ...os, ...order];
}

/** Objects named in one sentence at most; the full list stands beside it. */
const namedMax = 10;

function objectSentences(steps: readonly ProfileUpdateStep[]): readonly string[] {
  const packs = steps.flatMap((step) => (step.kind === 'pack' ? [step] : []));
  const sentence = (start: string, objects: readonly string[]): readonly string[] => {
    if (objects.length === 0) return [];
    const rest = objects.length > namedMax ? ` and ${objects.length - namedMax} more` : '';
    return [`${start}: ${objects.slice(0, namedMax).join(', ')}${rest}.`];
  };
  return [
    ...sentence(
      'Packs applied or removed, in order',
      packs.map(({ pack }) => pack),
    ),
    ...sentence(
      'Objects deleted',
      packs.flatMap(({ deletes }) => deletes.map(objectText)),
    ),
    ...sentence(
      'Left in place although the profile no longer has them',
      packs.flatMap(({ keeps }) => keeps.map(objectText)),
    ),
  ];
}
