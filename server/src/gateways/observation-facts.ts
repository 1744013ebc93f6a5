/** The stored observation in the words of the domain. Versions and times were checked by the contract's schema. */

import type { Observation } from '@gatehouse/contract/agent-api';
import type { AgentAttempt, AgentRelease, AttemptReason } from '@gatehouse/domain/agent-update-types';
import type { Known, ObservedClusterApi, ObservedNode, ObservedReplicas } from '@gatehouse/domain/gateway';
import type { ObservationFacts } from '@gatehouse/domain/gateway-facts';
import { type Instant, parseInstant } from '@gatehouse/domain/instant';
import type { ProfileReference } from '@gatehouse/domain/profile';
import type { ProfileUpdateProgress, StepProgress } from '@gatehouse/domain/profile-update-types';
import type { Reason } from '@gatehouse/domain/reason';
import {
  type KubernetesVersion,
  type PlatformVersion,
  parseKubernetesVersion,
  parsePlatformVersion,
} from '@gatehouse/domain/version';

export function platformVersion(text: string): PlatformVersion {
  const version = parsePlatformVersion(text);
  if (version === undefined) throw new TypeError(`stored as a platform version, but is none: ${text}`);
  return version;
}

export function kubernetesVersion(text: string): KubernetesVersion {
  const version = parseKubernetesVersion(text);
  if (version === undefined) throw new TypeError(`stored as a Kubernetes version, but is none: ${text}`);
  return version;
}

export function toObservationFacts(seen: Observation, receivedAt: Instant): ObservationFacts {
  return {
    receivedAt,
    agent: toAgentRelease(seen.agent),
    ...(seen.attempt === undefined ? {} : { attempt: toAttempt(seen.attempt) }),
    takenBack: seen.takenBack.map(({ release, reason, at }) => ({
      release: toAgentRelease(release),
      reason: toAttemptReason(reason),
      at: parseInstant(at),
    })),
    agentHolds: seen.agentHolds.map(toReason),
    kubernetes: toKnownVersion(seen.kubernetes),
    nodes: seen.nodes === 'unknown' ? 'unknown' : seen.nodes.map(toNode),
    ...(seen.clusterApi === undefined ? {} : { clusterApi: toClusterApi(seen.clusterApi) }),
    ...(seen.appliedProfile === undefined ? {} : { appliedProfile: toProfileReference(seen.appliedProfile) }),
    drift: seen.drift,
    ...(seen.preflight === undefined ? {} : { preflight: seen.preflight }),
    ...(seen.profileUpdate === undefined ? {} : { profileUpdate: toProgress(seen.profileUpdate) }),
  };
}

const toAgentRelease = (release: { version: string; digest: string }): AgentRelease => ({
  version: platformVersion(release.version),
  digest: release.digest,
});

export const toProfileReference = (reference: { version: string; digest: string }): ProfileReference => ({
  version: platformVersion(reference.version),
  digest: reference.digest,
});

function toReason({ code, message, nextStep }: { code: string; message: string; nextStep?: string }): Reason {
  return { code, message, ...(nextStep === undefined ? {} : { nextStep }) };
}

function toAttemptReason(reason: NonNullable<NonNullable<Observation['attempt']>['reason']>): AttemptReason {
  return {
    code: reason.code,
    message: reason.message,
    ...(reason.exitCode === undefined ? {} : { exitCode: reason.exitCode }),
    ...(reason.lastLogLines === undefined ? {} : { lastLogLines: reason.lastLogLines }),
  };
}

function toAttempt(attempt: NonNullable<Observation['attempt']>): AgentAttempt {
  return {
    id: attempt.id,
    from: toAgentRelease(attempt.from),
    to: toAgentRelease(attempt.to),
    phase: attempt.phase,
    startedAt: parseInstant(attempt.startedAt),
    interruptions: attempt.interruptions,
    ...(attempt.swappedAt === undefined ? {} : { swappedAt: parseInstant(attempt.swappedAt) }),
    ...(attempt.endedAt === undefined ? {} : { endedAt: parseInstant(attempt.endedAt) }),
    ...(attempt.reason === undefined ? {} : { reason: toAttemptReason(attempt.reason) }),
  };
}

const toKnownVersion = (version: Known<string>): Known<KubernetesVersion> =>
  version === 'unknown' ? 'unknown' : kubernetesVersion(version);

type NodeMessage = Exclude<Observation['nodes'], 'unknown'>[number];

const toNode = (node: NodeMessage): ObservedNode => ({
  name: node.name,
  role: node.role,
  kubernetesVersion: toKnownVersion(node.kubernetesVersion),
  ready: node.ready,
  createdAt: parseInstant(node.createdAt),
});

type ClusterApiMessage = Exclude<NonNullable<Observation['clusterApi']>, 'unknown'>;

function toClusterApi(seen: Known<ClusterApiMessage>): Known<ObservedClusterApi> {
  if (seen === 'unknown') return 'unknown';
  return {
    clusterName: seen.clusterName,
    topologyVersion: kubernetesVersion(seen.topologyVersion),
    topologyVariables: seen.topologyVariables,
    controlPlaneOverrides: seen.controlPlaneOverrides,
    isTopologyReconciled: seen.isTopologyReconciled,
    isObserved: seen.isObserved,
    isPaused: seen.isPaused,
    controlPlane: toReplicas(seen.controlPlane),
    isControlPlaneAvailable: seen.isControlPlaneAvailable,
    isEtcdHealthy: seen.isEtcdHealthy,
    workers: seen.workers.map(toReplicas),
    machines: seen.machines.map((machine) => ({
      name: machine.name,
      role: machine.role,
      phase: machine.phase,
      version: kubernetesVersion(machine.version),
      isDeleting: machine.isDeleting,
      isUpToDate: machine.isUpToDate,
      createdAt: parseInstant(machine.createdAt),
      ...(machine.nodeName === undefined ? {} : { nodeName: machine.nodeName }),
      ...(machine.message === undefined ? {} : { message: machine.message }),
    })),
  };
}

function toReplicas(seen: ClusterApiMessage['controlPlane']): ObservedReplicas {
  const { name, wanted, replicas, ready, available, upToDate, isObserved, isRollingOut } = seen;
  return {
    name,
    wanted,
    replicas,
    ready,
    available,
    upToDate,
    isObserved,
    isRollingOut,
    specVersion: kubernetesVersion(seen.specVersion),
    ...(seen.statusVersion === undefined ? {} : { statusVersion: kubernetesVersion(seen.statusVersion) }),
    ...(seen.specOs === undefined ? {} : { specOs: seen.specOs }),
  };
}

type ProgressMessage = NonNullable<Observation['profileUpdate']>;

export function toProgress(progress: ProgressMessage): ProfileUpdateProgress {
  return {
    planId: progress.planId,
    phase: progress.phase,
    startedAt: parseInstant(progress.startedAt),
    steps: progress.steps.map(toStepProgress),
    retry: progress.retry,
    ...(progress.stopped === undefined ? {} : { stopped: toReason(progress.stopped) }),
    ...(progress.controlPlanesUpdatedAt === undefined
      ? {}
      : { controlPlanesUpdatedAt: parseInstant(progress.controlPlanesUpdatedAt) }),
    ...(progress.completedAt === undefined ? {} : { completedAt: parseInstant(progress.completedAt) }),
    ...(progress.repairs === undefined
      ? {}
      : { repairs: progress.repairs.map(({ at, what }) => ({ at: parseInstant(at), what })) }),
  };
}

function toStepProgress(step: ProgressMessage['steps'][number]): StepProgress {
  return {
    id: step.id,
    state: step.state,
    ...(step.startedAt === undefined ? {} : { startedAt: parseInstant(step.startedAt) }),
    ...(step.finishedAt === undefined ? {} : { finishedAt: parseInstant(step.finishedAt) }),
    ...(step.movedMark === undefined ? {} : { movedMark: step.movedMark }),
    ...(step.movedAt === undefined ? {} : { movedAt: parseInstant(step.movedAt) }),
    ...(step.message === undefined ? {} : { message: step.message }),
  };
}
