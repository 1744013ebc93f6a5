/** A pod of the agent, its Deployment and its ReplicaSets, as the decisions know them. */

import type {
  ContainerEnd,
  ObservedAgentDeployment,
  ObservedAgentPod,
  ObservedRehearsal,
} from '@gatehouse/domain/agent-cluster';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import { type PlatformVersion, parsePlatformVersion } from '@gatehouse/domain/version';
import { agentContainerName } from '@gatehouse/release/agent-deployment';
import { fieldManager, keys } from '@gatehouse/release/object-names';
import { defined } from '../../defined.ts';
import type { AgentTemplate } from '../cluster.ts';
import { at, conditionOf, countAt, instantAt, isObject, type JsonObject, objectsAt, textAt, textsAt } from './json.ts';

const unknownVersion = parsePlatformVersion('0.0.0');

/**
 * The release of an object that carries our annotations and a pod spec. Kubernetes knows only the image; the version
 * is believed only while the annotation's digest is the image's. An image without a digest is its own identity, which
 * no release has; its version reads as 0.0.0.
 */
function toRelease(annotations: Readonly<Record<string, string>>, podSpec: unknown): AgentRelease {
  const container = objectsAt(podSpec, 'containers').find((one) => one['name'] === agentContainerName);
  const image = textAt(container, 'image') ?? '';
  const digest = image.includes('@') ? image.slice(image.lastIndexOf('@') + 1) : image;
  const version = annotations[keys.agentDigest] === digest ? annotations[keys.agentVersion] : undefined;
  return { version: parseVersion(version), digest };
}

function parseVersion(text: string | undefined): PlatformVersion {
  const version = parsePlatformVersion(text ?? '') ?? unknownVersion;
  if (version === undefined) throw new TypeError('0.0.0 is a version');
  return version;
}

function createdAt(object: unknown): Instant {
  return instantAt(object, 'metadata', 'creationTimestamp') ?? toInstant(0);
}

export function toObservedDeployment(deployment: JsonObject): ObservedAgentDeployment {
  const annotations = textsAt(deployment, 'metadata', 'annotations');
  const template = at(deployment, 'spec', 'template');
  const failure = conditionOf(deployment, 'ReplicaFailure');
  return {
    resourceVersion: textAt(deployment, 'metadata', 'resourceVersion') ?? '',
    release: toRelease(textsAt(template, 'metadata', 'annotations'), at(template, 'spec')),
    minReadySeconds: countAt(deployment, 'spec', 'minReadySeconds'),
    isPaused: at(deployment, 'spec', 'paused') === true,
    isObserved: countAt(deployment, 'status', 'observedGeneration') >= countAt(deployment, 'metadata', 'generation'),
    replicas: countAt(deployment, 'status', 'replicas'),
    updatedReplicas: countAt(deployment, 'status', 'updatedReplicas'),
    availableReplicas: countAt(deployment, 'status', 'availableReplicas'),
    ...defined({
      attemptId: annotations[keys.attemptId],
      replicaFailure: failure?.['status'] === 'True' ? textAt(failure, 'message') : undefined,
      pausedBy:
        at(deployment, 'spec', 'paused') === true ? foreignOwner(deployment, ['f:spec', 'f:paused']) : undefined,
      imageSetBy: foreignOwner(deployment, imagePath),
    }),
  };
}

const imagePath = ['f:spec', 'f:template', 'f:spec', 'f:containers', `k:{"name":"${agentContainerName}"}`, 'f:image'];

/** Another field manager that owns that field; it need not be the one that wrote last. */
function foreignOwner(deployment: JsonObject, path: readonly string[]): string | undefined {
  const entry = objectsAt(deployment, 'metadata', 'managedFields').find(
    (one) => textAt(one, 'manager') !== fieldManager && at(one, 'fieldsV1', ...path) !== undefined,
  );
  return entry === undefined ? undefined : (textAt(entry, 'manager') ?? 'unknown');
}

/** A restart, a crash and a pull error all stand in the one container's status; the rest is about the pod. */
export function toObservedPod(pod: JsonObject): ObservedAgentPod {
  const status = objectsAt(pod, 'status', 'containerStatuses').find((one) => one['name'] === agentContainerName);
  const ready = conditionOf(pod, 'Ready');
  const isReady = ready?.['status'] === 'True';
  const scheduled = conditionOf(pod, 'PodScheduled');
  const waitingReason = textAt(status, 'state', 'waiting', 'reason');
  return {
    name: textAt(pod, 'metadata', 'name') ?? '',
    release: toRelease(textsAt(pod, 'metadata', 'annotations'), at(pod, 'spec')),
    createdAt: createdAt(pod),
    isReady,
    isDeleting: textAt(pod, 'metadata', 'deletionTimestamp') !== undefined,
    restarts: countAt(status, 'restartCount'),
    ...defined({
      // Whoever watches the nodes takes the pod's Ready away and leaves the container's own as the kubelet told it last.
      nodeSilentSince:
        ready?.['status'] === 'False' && status?.['ready'] === true
          ? instantAt(ready, 'lastTransitionTime')
          : undefined,
      readySince: isReady ? instantAt(ready, 'lastTransitionTime') : undefined,
      waiting:
        waitingReason === undefined
          ? undefined
          : { reason: waitingReason, ...defined({ message: textAt(status, 'state', 'waiting', 'message') }) },
      runningSince: instantAt(status, 'state', 'running', 'startedAt'),
      lastEnd: toEnd(at(status, 'state', 'terminated')) ?? toEnd(at(status, 'lastState', 'terminated')),
      unschedulable: scheduled?.['status'] === 'False' ? textAt(scheduled, 'message') : undefined,
    }),
  };
}

function toEnd(terminated: unknown): ContainerEnd | undefined {
  if (!isObject(terminated)) return undefined;
  const finishedAt = instantAt(terminated, 'finishedAt');
  if (finishedAt === undefined) return undefined;
  return {
    exitCode: countAt(terminated, 'exitCode'),
    finishedAt,
    ...defined({ reason: textAt(terminated, 'reason'), message: textAt(terminated, 'message') }),
  };
}

/**
 * A ReplicaSet's template as it can be applied again, if its image has that digest. The hash label is taken out: it is
 * the controller's own, and with it the template would be a new one.
 */
export function toAgentTemplate(replicaSet: JsonObject): AgentTemplate {
  const template = at(replicaSet, 'spec', 'template');
  const { 'pod-template-hash': _controllers, ...labels } = textsAt(template, 'metadata', 'labels');
  const annotations = textsAt(template, 'metadata', 'annotations');
  const spec = at(template, 'spec');
  return { release: toRelease(annotations, spec), template: { metadata: { labels, annotations }, spec } };
}

/** Number of the Deployment's rollout that a ReplicaSet belongs to; higher is newer. */
export function revisionOf(replicaSet: JsonObject): number {
  return Number(textsAt(replicaSet, 'metadata', 'annotations')['deployment.kubernetes.io/revision'] ?? 0);
}

/** `pods`: those with the Job's labels; one of another attempt may still be going. */
export function toObservedRehearsal(job: JsonObject, pods: readonly JsonObject[]): ObservedRehearsal {
  const attemptId = textsAt(job, 'metadata', 'labels')[keys.attemptId] ?? '';
  const uid = textAt(job, 'metadata', 'uid');
  const pod = pods.find((one) => objectsAt(one, 'metadata', 'ownerReferences').some((owner) => owner['uid'] === uid));
  const failed = ['Failed', 'FailureTarget'].map((type) => conditionOf(job, type)).find(isTrue);
  const isComplete = ['Complete', 'SuccessCriteriaMet'].some((type) => isTrue(conditionOf(job, type)));
  const phase = textAt(pod, 'status', 'phase');
  return {
    attemptId,
    state:
      isComplete || phase === 'Succeeded'
        ? 'succeeded'
        : failed !== undefined || phase === 'Failed'
          ? 'failed'
          : 'running',
    startedAt: createdAt(job),
    ...defined({ pod: pod === undefined ? undefined : toObservedPod(pod), message: textAt(failed, 'message') }),
  };
}

const isTrue = (condition: JsonObject | undefined): boolean => condition?.['status'] === 'True';
