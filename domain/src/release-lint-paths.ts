/** The paths that the releases make together: where nobody gets out or in, for all of them and for each channel. */

import { refuseKubernetesStep } from './kubernetes-step.ts';
import { type LintFinding, lintFinding, type SoundRelease } from './release-lint-types.ts';
import { buildUpgradeGraph, type GraphEdge, type GraphNode, isBarred, type UpgradeGraph } from './upgrade-graph.ts';
import { compareVersions, type PlatformVersion } from './version.ts';

export function lintPaths(releases: readonly SoundRelease[]): readonly LintFinding[] {
  const graphs = releases.map((release) => release.graph);
  const everything = buildUpgradeGraph(graphs);
  const overall = [...lintWays(everything), ...lintHops(everything, releases)];
  const channels = [...new Set(graphs.flatMap((release) => release.channels))].toSorted();
  const said = new Set(overall.map(keyOf));
  // What is so for everybody is not said again for each channel.
  const byChannel = channels
    .flatMap((channel) => lintWays(buildUpgradeGraph(graphs, { channel })))
    .filter((finding) => !said.has(keyOf(finding)));
  return [...overall, ...byChannel];
}

const keyOf = ({ code, releases }: LintFinding): string => `${code} ${releases.join(' ')}`;

/** Where the ways of one graph end or do not begin. */
function lintWays(graph: UpgradeGraph): readonly LintFinding[] {
  const nodes = [...graph.nodes.values()];
  return [...lintDeadEnds(graph, nodes), ...lintEntries(graph, nodes), ...lintFloors(graph, nodes)];
}

const within = ({ channel }: UpgradeGraph): string => (channel === undefined ? '' : ` in the channel ${channel}`);

const isIn = ({ channel }: UpgradeGraph, { release }: GraphNode): boolean =>
  channel === undefined || release.channels.includes(channel);

/** The edges to a release that anybody may take, as far as the releases decide it. */
const openEdges = (node: GraphNode): readonly GraphEdge[] => node.edges.filter((edge) => !isBarred(node, edge.from));

/** Whoever is on such a release stays there, although there are newer ones that others move to. */
function lintDeadEnds(graph: UpgradeGraph, nodes: readonly GraphNode[]): readonly LintFinding[] {
  const left = new Set(nodes.flatMap((node) => openEdges(node).map((edge) => edge.from)));
  const newest = nodes.findLast((node) => node.isOffered && node.release.upgradeFrom?.length !== 0);
  return nodes
    .filter((node) => isIn(graph, node) && newest !== undefined && node.place < newest.place)
    .filter(({ release }) => !left.has(release.version))
    .map(({ release: { version, recalled } }) =>
      lintFinding(
        'dead-end',
        [version],
        `${version}${recalled === undefined ? '' : ', which was recalled,'} is a dead end${within(graph)}: no step leads on from it, and there are newer releases.`,
        { nextStep: `Publish a newer release that may be upgraded from ${version}.` },
      ),
    );
}

/** Releases that nobody gets to, though they are not for new installations only. */
function lintEntries(graph: UpgradeGraph, nodes: readonly GraphNode[]): readonly LintFinding[] {
  const findings: LintFinding[] = [];
  const reached = new Set<PlatformVersion>();
  const cut: PlatformVersion[] = [];
  for (const [place, node] of nodes.entries()) {
    const { version, upgradeFrom, floor } = node.release;
    // Whoever stands outside the channel may come into it.
    const isEntry = place === 0 || upgradeFrom?.length === 0 || !isIn(graph, node);
    const edges = openEdges(node);
    if (isEntry || edges.some((edge) => reached.has(edge.from))) reached.add(version);
    else if (edges.length > 0) cut.push(version);
    // Of floors more is said elsewhere.
    else if (node.isOffered && floor === undefined) findings.push(noWayIn(graph, node));
  }
  const [first] = cut;
  if (first === undefined) return findings;
  return [
    ...findings,
    lintFinding(
      'unreachable',
      cut,
      `${cut.join(', ')} cannot be reached${within(graph)}: every way there begins at a release that no step leads to.`,
      { nextStep: `Let a release before ${first} lead there, or one that can be reached.` },
    ),
  ];
}

function noWayIn(graph: UpgradeGraph, node: GraphNode): LintFinding {
  const { version, upgradeFrom } = node.release;
  const named =
    upgradeFrom === undefined
      ? 'it names no edges, and by the rule of thumb it follows on no release that is there'
      : `of ${upgradeFrom.join(', ')} none is a release that is there and older`;
  const why = node.edges.length === 0 ? named : `every edge to it passes the floor ${node.floorBefore ?? ''}`;
  return lintFinding('no-way-in', [version], `No step leads to ${version}${within(graph)}: ${why}.`, {
    nextStep: 'Name an edge from an older release, or an empty list when it is for new installations only.',
  });
}

/** A floor that nobody can stop at is one that nobody gets past. */
function lintFloors(graph: UpgradeGraph, nodes: readonly GraphNode[]): readonly LintFinding[] {
  const barriers = new Set(nodes.filter((node) => node.isOffered).map((node) => node.floorBefore));
  const oldest = nodes.find((node) => node.release.recalled === undefined);
  return nodes
    .filter(({ release, place }) => release.floor !== undefined && oldest !== undefined && oldest.place < place)
    .filter((node) => (node.isOffered || barriers.has(node.release.version)) && openEdges(node).length === 0)
    .map((node) => {
      const { version, recalled, upgradeFrom } = node.release;
      const why =
        recalled !== undefined
          ? 'it was recalled'
          : !isIn(graph, node)
            ? 'it is not in that channel'
            : upgradeFrom?.length === 0
              ? 'it is for new installations only'
              : 'no step leads to it';
      return lintFinding(
        'floor-unreachable',
        [version],
        `Nobody can stop at the floor ${version}${within(graph)}, since ${why}, so nobody before it gets past it.`,
        {
          nextStep: node.isOffered
            ? 'Publish a later floor of the same minor, with edges from the releases before it.'
            : 'Publish a later floor of the same minor, which takes its place.',
        },
      );
    });
}

/** What the gateways would meet on each step that may be taken. */
function lintHops(graph: UpgradeGraph, releases: readonly SoundRelease[]): readonly LintFinding[] {
  const soundOf = new Map(releases.map((release) => [release.graph.version, release]));
  return [...graph.nodes.values()].flatMap((node) => {
    const to = soundOf.get(node.release.version);
    if (to === undefined) return [];
    const faults = openEdges(node).flatMap((edge) => {
      const from = soundOf.get(edge.from);
      return from === undefined ? [] : hopFaults(from, to);
    });
    return [...Map.groupBy(faults, ({ code, fault }) => `${code} ${fault}`).values()].flatMap((all) => {
      const [first] = all;
      if (first === undefined) return [];
      const sources = all.map(({ from }) => from);
      const { version } = node.release;
      return [
        lintFinding(first.code, [version, ...sources], `From ${sources.join(', ')} to ${version}: ${first.fault}`, {
          nextStep: first.nextStep,
        }),
      ];
    });
  });
}

interface HopFault {
  readonly code: LintFinding['code'];
  readonly from: PlatformVersion;
  readonly fault: string;
  readonly nextStep: string;
}

function hopFaults(from: SoundRelease, to: SoundRelease): readonly HopFault[] {
  const faults: HopFault[] = [];
  const add = (code: LintFinding['code'], fault: string, nextStep: string) =>
    faults.push({ code, from: from.graph.version, fault, nextStep });
  if (compareVersions(from.graph.agent, to.graph.agent) > 0) {
    add(
      'agent-goes-back',
      `the agent would go from ${from.graph.agent} back to ${to.graph.agent}.`,
      'Ship the newer agent with the later release.',
    );
  }
  for (const [provider, { kubernetes: old }] of Object.entries(from.graph.profiles)) {
    const profile = Object.hasOwn(to.graph.profiles, provider) ? to.graph.profiles[provider] : undefined;
    if (profile === undefined) {
      add(
        'provider-missing',
        `the later one has no profile for ${provider}, so its gateways stay on the one they have.`,
        `Add profiles/${provider}, or say in the notes that it has ended.`,
      );
    }
    if (old === undefined) continue;
    const { min, max } = to.agentKubernetes;
    const isOutside =
      (min !== undefined && compareVersions(old, min) < 0) || (max !== undefined && compareVersions(old, max) > 0);
    if (isOutside) {
      add(
        'kubernetes-outside-agent',
        `on ${provider} the agent moves first, and ${to.graph.agent} does not run on Kubernetes ${old}, which is there then.`,
        'Widen agent.kubernetes, or take the edge out.',
      );
    }
    const refusal = profile?.kubernetes === undefined ? undefined : refuseKubernetesStep(old, profile.kubernetes);
    if (refusal !== undefined) {
      add(
        refusal.code,
        `on ${provider}, ${refusal.message}`,
        refusal.code === 'kubernetes-skips-minor'
          ? 'Take the edge out, or publish a release with the Kubernetes between.'
          : 'Take the edge out, or ship the newer Kubernetes.',
      );
    }
  }
  return faults;
}
