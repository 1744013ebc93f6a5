/** Whole facts for tests: each builder gives a plain case, and a test says only what differs. */

import type { ObservedAgentDeployment, ObservedAgentPod } from '../agent-cluster.ts';
import type { AgentAttempt, AgentRelease, AgentState } from '../agent-update-types.ts';
import type { GatewayIdentity, ObservedClusterApi, ObservedNode, ObservedReplicas, ReleaseFacts } from '../gateway.ts';
import type { ConfirmedProfileUpdate, GatewayFacts, ObservationFacts } from '../gateway-facts.ts';
import { addMilliseconds, type Instant, type Milliseconds, parseInstant } from '../instant.ts';
import type { Pause } from '../pause.ts';
import type { KubernetesObject, Layer, Pack, Profile } from '../profile.ts';
import type { ProfileUpdatePlan, ProfileUpdateProgress } from '../profile-update-types.ts';
import {
  type KubernetesVersion,
  type PlatformVersion,
  parseKubernetesVersion,
  parsePlatformVersion,
} from '../version.ts';

export const t0: Instant = parseInstant('2026-11-23T10:00:00Z');
export const at = (span: Milliseconds): Instant => addMilliseconds(t0, span);

export function platform(text: string): PlatformVersion {
  const version = parsePlatformVersion(text);
  if (version === undefined) throw new TypeError(`not a platform version: ${text}`);
  return version;
}

export function kubernetes(text: string): KubernetesVersion {
  const version = parseKubernetesVersion(text);
  if (version === undefined) throw new TypeError(`not a Kubernetes version: ${text}`);
  return version;
}

export const digestOf = (name: string): string => `sha256:${name}`;

export function agent(version: string, digest = digestOf(`agent-${version}`)): AgentRelease {
  return { version: platform(version), digest };
}

export const oldAgent = agent('4.1.12');
export const newAgent = agent('4.2.7');

export const cliGateway: GatewayIdentity = {
  id: 'gw-1',
  name: 'site-b',
  tenant: { id: 'tenant-1', name: 'acme' },
  project: { id: 'project-1', name: 'edge' },
  installation: 'cli',
  provider: 'vsphere',
};
export const ownersGateway: GatewayIdentity = {
  ...cliGateway,
  id: 'gw-2',
  name: 'site-a',
  installation: 'existing-cluster',
};

export const oldProfile = { version: platform('4.1.12'), digest: digestOf('profile-old') };
export const newProfile = { version: platform('4.2.7'), digest: digestOf('profile-new') };

export function release(more: Partial<ReleaseFacts> = {}): ReleaseFacts {
  return {
    platformVersion: platform('4.2.7'),
    agent: { ...newAgent, kubernetesMin: kubernetes('1.30.0'), kubernetesMax: kubernetes('1.35.0') },
    profileNeedsAgent: platform('4.2.0'),
    profile: newProfile,
    ...more,
  };
}

export function observation(more: Partial<ObservationFacts> = {}): ObservationFacts {
  return {
    receivedAt: t0,
    agent: oldAgent,
    takenBack: [],
    agentHolds: [],
    kubernetes: kubernetes('1.33.5'),
    nodes: [],
    appliedProfile: oldProfile,
    drift: [],
    ...more,
  };
}

/** A Running `cli` gateway on 4.1.12, on a platform that has moved to 4.2.7. */
export function gateway(more: Partial<GatewayFacts> = {}): GatewayFacts {
  return {
    identity: cliGateway,
    settings: { controlPlanes: 3, workers: 0 },
    provisioningBegunAt: t0,
    enrolledAt: t0,
    lastPollAt: t0,
    nextPollDueAt: at(900_000),
    observation: observation(),
    pauses: [],
    retriedAgentDigests: [],
    release: release(),
    generation: 1,
    ...more,
  };
}

export function ownersFacts(more: Partial<GatewayFacts> = {}): GatewayFacts {
  const { provisioningBegunAt: _none, ...rest } = gateway({ identity: ownersGateway });
  const { appliedProfile: _never, ...seen } = observation();
  return { ...rest, observation: seen, ...more };
}

export function attempt(more: Partial<AgentAttempt> = {}): AgentAttempt {
  return { id: 'attempt-1', from: oldAgent, to: newAgent, phase: 'watching', startedAt: t0, interruptions: 0, ...more };
}

export function pause(more: Partial<Pause> = {}): Pause {
  return { scope: { kind: 'gateway', id: 'gw-1', name: 'site-b' }, by: 'ann', reason: 'audit', since: t0, ...more };
}

export function plan(more: Partial<ProfileUpdatePlan> = {}): ProfileUpdatePlan {
  const to = { kubernetes: kubernetes('1.34.1'), os: 'ubuntu-2' };
  return {
    planId: digestOf('plan'),
    gatewayId: 'gw-1',
    from: oldProfile,
    to: newProfile,
    settings: { controlPlanes: 3, workers: 0 },
    steps: [
      { id: 'control-planes', kind: 'control-planes', move: 'version', to, nodes: ['cp-1', 'cp-2', 'cp-3'] },
      { id: 'pack:network/cilium', kind: 'pack', layer: 'network', pack: 'cilium', deletes: [], keeps: [] },
    ],
    summary: { layersMoved: [], deletes: [], repaves: [], usualDuration: 0, downtime: 'possible', sentences: [] },
    ...more,
  };
}

export function confirmed(more: Partial<ConfirmedProfileUpdate> = {}): ConfirmedProfileUpdate {
  return { plan: plan(), confirmedAt: t0, confirmedBy: 'ann', retry: 0, isCancelled: false, ...more };
}

export function progress(more: Partial<ProfileUpdateProgress> = {}): ProfileUpdateProgress {
  return {
    planId: digestOf('plan'),
    phase: 'running',
    startedAt: t0,
    steps: [
      { id: 'control-planes', state: 'running' },
      { id: 'pack:network/cilium', state: 'waiting' },
    ],
    retry: 0,
    ...more,
  };
}

export function object(kind: string, name: string, more: Partial<KubernetesObject> = {}): KubernetesObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'kube-system' }, ...more };
}

export function pack(name: string, more: Partial<Pack> = {}): Pack {
  return { name, version: '1.0.0', values: {}, secretPaths: [], objects: [], beforeNodes: false, ...more };
}

/** OS, Kubernetes and what a test adds. */
export function profile(
  name: string,
  nodes: { readonly kubernetes: string; readonly os: string },
  layers: readonly Layer[] = [],
): Profile {
  return {
    provider: 'vsphere',
    version: platform('4.2.7'),
    digest: digestOf(name),
    layers: [
      { kind: 'os', packs: [pack('ubuntu', { values: { image: nodes.os } })] },
      { kind: 'kubernetes', packs: [pack('kubernetes', { version: nodes.kubernetes })] },
      ...layers,
    ],
  };
}

export function node(name: string, role: ObservedNode['role'], createdAt: Instant = t0): ObservedNode {
  return { name, role, kubernetesVersion: kubernetes('1.33.5'), ready: true, createdAt };
}

export function replicas(name: string, count: number, more: Partial<ObservedReplicas> = {}): ObservedReplicas {
  return {
    name,
    wanted: count,
    replicas: count,
    ready: count,
    available: count,
    upToDate: count,
    isObserved: true,
    isRollingOut: false,
    specVersion: kubernetes('1.33.5'),
    ...more,
  };
}

export function clusterApi(more: Partial<ObservedClusterApi> = {}): ObservedClusterApi {
  return {
    clusterName: 'site-b',
    topologyVersion: kubernetes('1.33.5'),
    topologyVariables: { osImage: 'ubuntu-1' },
    controlPlaneOverrides: {},
    isTopologyReconciled: true,
    isObserved: true,
    isPaused: false,
    controlPlane: replicas('site-b-cp', 3, { statusVersion: kubernetes('1.33.5'), specOs: 'ubuntu-1' }),
    isControlPlaneAvailable: true,
    isEtcdHealthy: true,
    workers: [],
    machines: [],
    ...more,
  };
}

export function deployment(more: Partial<ObservedAgentDeployment> = {}): ObservedAgentDeployment {
  return {
    resourceVersion: '1',
    release: oldAgent,
    minReadySeconds: 60,
    isPaused: false,
    isObserved: true,
    replicas: 1,
    updatedReplicas: 1,
    availableReplicas: 1,
    ...more,
  };
}

export function agentPod(name: string, of: AgentRelease, more: Partial<ObservedAgentPod> = {}): ObservedAgentPod {
  return { name, release: of, createdAt: t0, isReady: false, isDeleting: false, restarts: 0, ...more };
}

export const emptyState: AgentState = { good: [], takenBack: [], handOverNumber: 0 };
