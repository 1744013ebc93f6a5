/** Releases with agents, profiles and Kubernetes, written in one line each, and the map of walks over them. */

import type { ReleaseFacts } from '../gateway.ts';
import type { WalkGateway } from '../gateway-walk.ts';
import type { WalkMap } from '../gateway-walk-step.ts';
import { buildUpgradeGraph, type GraphRelease } from '../upgrade-graph.ts';
import type { UpgradeRisk } from '../upgrade-risk.ts';
import type { PlatformVersion } from '../version.ts';
import { digestOf, kubernetes, platform } from './facts.ts';

export interface SmallRelease {
  readonly version: string;
  /** Of its profile; absent: it has none for the provider. */
  readonly kubernetes?: string;
  /** Minors its agent supports; `1.20` to `1.40` by default. */
  readonly range?: readonly [string, string];
  /** Its agent is that of another release. */
  readonly agentOf?: string;
  /** Its profile is that of another release. */
  readonly profileOf?: string;
  readonly profileNeedsAgent?: string;
  readonly upgradeFrom?: readonly string[];
  readonly isRecalled?: boolean;
  readonly isFloor?: boolean;
  readonly risks?: readonly UpgradeRisk[];
}

export type SmallMap = Omit<Partial<WalkMap>, 'platform' | 'releases' | 'graph' | 'taken'> & {
  readonly platform?: string;
  readonly taken?: readonly (readonly [string, string])[];
};

/** On the newest release unless `platform` says another. */
export function walkMap(releases: readonly SmallRelease[], more: SmallMap = {}): WalkMap {
  const { platform: on = releases.at(-1)?.version ?? '', taken: steps = [], ...rest } = more;
  const taken = steps.map(([from, to]) => ({ from: platform(from), to: platform(to) }));
  return {
    graph: buildUpgradeGraph(releases.map(toGraphRelease), { keptEdges: taken }),
    platform: platform(on),
    provider: 'vsphere',
    releases: new Map(
      releases.map((release): [PlatformVersion, ReleaseFacts] => [platform(release.version), toFacts(release)]),
    ),
    taken,
    acceptedRisks: [],
    ...rest,
  };
}

function toFacts(release: SmallRelease): ReleaseFacts {
  const { version, agentOf = version, profileOf = version, range = ['1.20', '1.40'] } = release;
  return {
    platformVersion: platform(version),
    agent: {
      version: platform(agentOf),
      digest: digestOf(`agent-${agentOf}`),
      kubernetesMin: kubernetes(`${range[0]}.0`),
      kubernetesMax: kubernetes(`${range[1]}.99`),
    },
    profileNeedsAgent: platform(release.profileNeedsAgent ?? '0.0.0'),
    ...(release.kubernetes === undefined
      ? {}
      : { profile: { version: platform(profileOf), digest: digestOf(`profile-${profileOf}`) } }),
  };
}

function toGraphRelease(release: SmallRelease): GraphRelease {
  const { profile, agent } = toFacts(release);
  return {
    version: platform(release.version),
    channels: [],
    ...(release.upgradeFrom === undefined ? {} : { upgradeFrom: release.upgradeFrom }),
    risks: release.risks ?? [],
    ...(release.isFloor === true ? { floor: { reason: 'data moves' } } : {}),
    ...(release.isRecalled === true ? { recalled: { reason: 'it loses data' } } : {}),
    agent: agent.version,
    profiles:
      profile === undefined || release.kubernetes === undefined
        ? {}
        : { vsphere: { ...profile, kubernetes: kubernetes(release.kubernetes) } },
    fixes: [],
  };
}

/** A gateway of ours that is on the release, or with its agent and another one's profile. */
export function walker(agentOf: string, on: { readonly profileOf?: string; readonly kubernetes: string }): WalkGateway {
  const { profileOf = agentOf } = on;
  return {
    name: 'site-b',
    installation: 'cli',
    agent: { version: platform(agentOf), digest: digestOf(`agent-${agentOf}`) },
    profile: { version: platform(profileOf), digest: digestOf(`profile-${profileOf}`) },
    kubernetes: kubernetes(on.kubernetes),
    controlPlanes: 3,
  };
}

/** One on its owner's cluster. */
export function ownersWalker(agentOf: string, on: { readonly kubernetes: string }): WalkGateway {
  const { profile: _none, ...rest } = walker(agentOf, on);
  return { ...rest, installation: 'existing-cluster' };
}
