/**
 * The plan that brings a gateway from one profile to another: what is applied before the nodes move, how control planes
 * and workers move and which nodes that touches, then network, storage and add-on packs in order, and what is deleted.
 * From the two profiles, the gateway's settings and what its cluster is on now. It never plans what Kubernetes does not
 * allow, and what is merely healthy or not has no place in it.
 */

import type { GatewaySettings, Installation, Known, ObservedClusterApi, ObservedNode } from './gateway.ts';
import { canonicalText, isJsonObject } from './json.ts';
import { refuseKubernetesStep } from './kubernetes-step.ts';
import { isNeverDeleted, objectKey, referenceOf } from './object-reference.ts';
import type { Json, Layer, LayerKind, Pack, Profile } from './profile.ts';
import { diffProfiles, layerOf, type ProfileDiff } from './profile-diff.ts';
import { summarise } from './profile-summary.ts';
import type {
  NodeMove,
  NodeTarget,
  ObjectReference,
  ProfileUpdatePlan,
  ProfileUpdateStep,
} from './profile-update-types.ts';
import type { Reason, Reasons } from './reason.ts';
import { compareVersions, type KubernetesVersion, parseKubernetesVersion } from './version.ts';

export interface PlanFacts {
  readonly gatewayId: string;
  readonly installation: Installation;
  readonly settings: GatewaySettings;
  /** What was last applied. */
  readonly current: Profile;
  readonly target: Profile;
  readonly nodes: Known<readonly ObservedNode[]>;
  /** What the gateway's own Cluster is on now; absent: what `current` says. */
  readonly clusterApi?: Known<ObservedClusterApi>;
}

export type NoPlanCode =
  | 'existing-cluster'
  | 'same-profile'
  | 'other-provider'
  | 'nodes-unknown'
  | 'profile-invalid'
  | 'kubernetes-goes-down'
  | 'kubernetes-skips-minor';

export type UnidentifiedPlan = Omit<ProfileUpdatePlan, 'planId'>;

export type PlanDecision =
  | { readonly kind: 'plan'; readonly plan: UnidentifiedPlan }
  | { readonly kind: 'none'; readonly reasons: Reasons<NoPlanCode> };

export function planProfileUpdate(facts: PlanFacts): PlanDecision {
  const { current, target, nodes, clusterApi } = facts;
  const from = nodeTargetOf(current);
  const to = nodeTargetOf(target);
  const isKnown = nodes !== 'unknown' && clusterApi !== 'unknown';
  const [first, ...others] = refusals(facts, from, to, isKnown ? clusterApi : undefined);
  if (first !== undefined) return { kind: 'none', reasons: [first, ...others] };
  if (!isKnown || from === undefined || to === undefined) throw new TypeError('refusals has to name what is missing');
  const moves = decideMoves(from, to, clusterApi);
  const diff = diffProfiles(current, target);
  const steps: readonly ProfileUpdateStep[] = [
    ...packSteps(diff, current, target, 'before-nodes'),
    {
      id: 'control-planes',
      kind: 'control-planes',
      ...(moves.controlPlanes === undefined ? {} : { move: moves.controlPlanes }),
      to,
      nodes: moves.controlPlanes === undefined ? [] : inRepaveOrder(nodes, 'control-plane'),
    },
    ...workerSteps(facts.settings, nodes, moves.workers, to),
    ...packSteps(diff, current, target, 'after-nodes'),
  ];
  const plan = {
    gatewayId: facts.gatewayId,
    from: { version: current.version, digest: current.digest },
    to: { version: target.version, digest: target.digest },
    settings: facts.settings,
    steps,
  };
  return { kind: 'plan', plan: { ...plan, summary: summarise({ ...plan, diff, nodesFrom: from }) } };
}

/** Deterministic text over everything of the plan but its summary; `planId` is `sha256:` and its SHA-256 in hex. */
export function canonicalPlan(plan: UnidentifiedPlan): string {
  const { gatewayId, from, to, settings, steps } = plan;
  const step = (item: ProfileUpdateStep): Json => {
    if (item.kind === 'pack') {
      const { id, kind, layer, pack, deletes, keeps } = item;
      return { id, kind, layer, pack, deletes: deletes.map(referenceJson), keeps: keeps.map(referenceJson) };
    }
    const { id, kind, move, to, nodes } = item;
    return { id, kind, move: move ?? null, to: { kubernetes: to.kubernetes, os: to.os }, nodes };
  };
  return canonicalText({
    gatewayId,
    from: { version: from.version, digest: from.digest },
    to: { version: to.version, digest: to.digest },
    settings: { controlPlanes: settings.controlPlanes, workers: settings.workers },
    steps: steps.map(step),
  });
}

function referenceJson({ apiVersion, kind, namespace, name }: ObjectReference): Json {
  return { apiVersion, kind, namespace: namespace ?? null, name };
}

/**
 * The steps that put the first profile on a new gateway: the network has to be there before nodes become ready, the
 * nodes before the rest. No node moves and nothing is deleted.
 */
export function initialProfileSteps(profile: Profile): readonly ProfileUpdateStep[] {
  const to = nodeTargetOf(profile);
  if (to === undefined) throw new TypeError(`profile ${profile.version} names no OS image or Kubernetes version`);
  const packs = (kinds: readonly LayerKind[]): readonly ProfileUpdateStep[] =>
    profile.layers
      .filter(({ kind }) => kinds.includes(kind))
      .flatMap((layer) => layer.packs.map((pack) => packStep(layer.kind, pack.name, [])));
  return [
    ...packs(['network']),
    { id: 'control-planes', kind: 'control-planes', to, nodes: [] },
    ...packs(['storage', 'add-ons']),
  ];
}

/** OS and Kubernetes of a profile: the os pack's `values.image` and the kubernetes pack's version. */
export function nodeTargetOf(profile: Profile): NodeTarget | undefined {
  const values = layerOf(profile, 'os')?.packs[0]?.values;
  const image = isJsonObject(values) ? values['image'] : undefined;
  const kubernetes = parseKubernetesVersion(layerOf(profile, 'kubernetes')?.packs[0]?.version ?? '');
  return typeof image === 'string' && image !== '' && kubernetes !== undefined ? { kubernetes, os: image } : undefined;
}

function refusals(
  facts: PlanFacts,
  from: NodeTarget | undefined,
  to: NodeTarget | undefined,
  clusterApi: ObservedClusterApi | undefined,
): readonly Reason<NoPlanCode>[] {
  const { current, target } = facts;
  if (facts.installation === 'existing-cluster') {
    return [
      {
        code: 'existing-cluster',
        message: 'On an existing cluster its owner keeps Kubernetes, network and storage; no profile is applied to it.',
      },
    ];
  }
  if (current.digest === target.digest) {
    return [{ code: 'same-profile', message: `Profile ${target.version} is what was last applied.` }];
  }
  const reasons: Reason<NoPlanCode>[] = [];
  if (current.provider !== target.provider) {
    reasons.push({
      code: 'other-provider',
      message: `Profile ${target.version} is for ${target.provider}, the gateway's is for ${current.provider}.`,
    });
  }
  if (facts.nodes === 'unknown' || facts.clusterApi === 'unknown') {
    reasons.push({
      code: 'nodes-unknown',
      message: "The gateway's nodes could not be read, so the plan cannot name those it would replace.",
      nextStep: 'Wait for the next observation.',
    });
  }
  for (const [profile, nodes] of [
    [current, from],
    [target, to],
  ] as const) {
    if (nodes === undefined) {
      reasons.push({
        code: 'profile-invalid',
        message: `Profile ${profile.version} names no OS image (\`image\` of the os pack) or no Kubernetes version.`,
        nextStep: 'Publish a corrected release.',
      });
    }
  }
  if (from !== undefined && to !== undefined) {
    const refusal = refuseKubernetesStep(clusterApi?.topologyVersion ?? from.kubernetes, to.kubernetes);
    if (refusal !== undefined) reasons.push(refusal);
  }
  return reasons;
}

interface NodeMoves {
  readonly controlPlanes: NodeMove | undefined;
  readonly workers: NodeMove | undefined;
}

/**
 * From what the Cluster asks for now rather than from the profile last applied: after a stopped update some of the
 * nodes may already be on their way, and what has been reached is not done again.
 */
function decideMoves(from: NodeTarget, to: NodeTarget, clusterApi: ObservedClusterApi | undefined): NodeMoves {
  if (clusterApi === undefined) return { controlPlanes: moveBetween(from, to), workers: moveBetween(from, to) };
  const { controlPlane, workers, topologyVersion } = clusterApi;
  const controlPlanes = moveBetween(
    {
      kubernetes: oldest([topologyVersion, controlPlane.specVersion, controlPlane.statusVersion ?? topologyVersion]),
      os: controlPlane.specOs ?? from.os,
    },
    to,
  );
  const ofWorkers = moveBetween(
    {
      kubernetes: oldest([topologyVersion, ...workers.map(({ specVersion }) => specVersion)]),
      os:
        workers.find(({ specOs }) => specOs !== undefined && specOs !== to.os)?.specOs ?? workers[0]?.specOs ?? from.os,
    },
    to,
  );
  return { controlPlanes, workers: ofWorkers };
}

function moveBetween(from: NodeTarget, to: NodeTarget): NodeMove | undefined {
  if (from.kubernetes !== to.kubernetes) return 'version';
  return from.os === to.os ? undefined : 'os';
}

function oldest(versions: readonly [KubernetesVersion, ...KubernetesVersion[]]): KubernetesVersion {
  return versions.reduce((least, version) => (compareVersions(version, least) < 0 ? version : least));
}

/** Cluster API replaces the oldest first. */
function inRepaveOrder(nodes: readonly ObservedNode[], role: ObservedNode['role']): readonly string[] {
  return nodes
    .filter((node) => node.role === role)
    .toSorted((a, b) => a.createdAt - b.createdAt || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

function workerSteps(
  settings: GatewaySettings,
  nodes: readonly ObservedNode[],
  move: NodeMove | undefined,
  to: NodeTarget,
): readonly ProfileUpdateStep[] {
  const names = inRepaveOrder(nodes, 'worker');
  if (move === undefined || (settings.workers === 0 && names.length === 0)) return [];
  return [{ id: 'workers', kind: 'workers', move, to, nodes: names }];
}

const packLayers: readonly LayerKind[] = ['network', 'storage', 'add-ons'];

function packSteps(
  diff: ProfileDiff,
  current: Profile,
  target: Profile,
  when: 'before-nodes' | 'after-nodes',
): readonly ProfileUpdateStep[] {
  return diff.layers
    .filter(({ kind }) => packLayers.includes(kind))
    .flatMap((layer) => {
      const before = packs(layerOf(current, layer.kind));
      const after = packs(layerOf(target, layer.kind));
      return layer.packs
        .filter(({ name, change }) => {
          // What goes is deleted where its layer stands; only what comes can be marked to come early.
          const isEarly = after.get(name)?.beforeNodes === true;
          return change !== 'same' && isEarly === (when === 'before-nodes');
        })
        .map(({ name }) => packStep(layer.kind, name, gone(before.get(name), target)));
    });
}

function packs(layer: Layer | undefined): ReadonlyMap<string, Pack> {
  return new Map((layer?.packs ?? []).map((pack) => [pack.name, pack]));
}

/** Objects of the old pack that no pack of the target has: what moved to another pack is not gone. */
function gone(pack: Pack | undefined, target: Profile): readonly ObjectReference[] {
  const wanted = new Set(
    target.layers.flatMap((layer) =>
      layer.packs.flatMap(({ objects }) => objects.map((object) => objectKey(referenceOf(object)))),
    ),
  );
  return (pack?.objects ?? []).map(referenceOf).filter((reference) => !wanted.has(objectKey(reference)));
}

function packStep(layer: LayerKind, pack: string, goneObjects: readonly ObjectReference[]): ProfileUpdateStep {
  return {
    id: `pack:${layer}/${pack}`,
    kind: 'pack',
    layer,
    pack,
    deletes: goneObjects.filter((object) => !isNeverDeleted(object)),
    keeps: goneObjects.filter(isNeverDeleted),
  };
}
