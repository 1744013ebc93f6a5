/**
 * The Job that tries a new agent beside the running one before the swap. Its own deadline is longer than the agent's ten
 * minutes, because at that deadline Kubernetes deletes the pod and with it the reason (agent-protocol §3): the agent
 * reads the pod first and deletes the Job afterwards. It is also what pulls the image ahead of the swap.
 */

import { agentContainerName } from './agent-deployment.ts';
import { isJsonObject } from './json-object.ts';
import type { KubernetesManifest } from './kubernetes-object.ts';
import { keys, objectNames } from './object-names.ts';

const deadlineSeconds = 15 * 60;

interface PodTemplateShape {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly containers: readonly Readonly<Record<string, unknown>>[] } & Readonly<
    Record<string, unknown>
  >;
}

/** `template` is the one the swap would apply; the rehearsal runs the same pod with the argument `rehearse`. */
export function renderRehearsalJob(input: {
  readonly namespace: string;
  readonly attemptId: string;
  readonly template: unknown;
}): KubernetesManifest {
  const { template } = input;
  if (!isPodTemplate(template)) throw new TypeError('not a pod template');
  const { metadata, spec } = template;
  const labels = {
    [keys.name]: objectNames.rehearsal,
    [keys.partOf]: 'gatehouse',
    [keys.attemptId]: input.attemptId,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: objectNames.rehearsal, namespace: input.namespace, labels },
    spec: {
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      activeDeadlineSeconds: deadlineSeconds,
      template: {
        metadata: { labels, ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }) },
        spec: {
          ...spec,
          restartPolicy: 'Never',
          containers: spec.containers.map((container) => rehearsing(container, input.attemptId)),
        },
      },
    },
  };
}

function rehearsing(
  container: Readonly<Record<string, unknown>>,
  attemptId: string,
): Readonly<Record<string, unknown>> {
  if (container['name'] !== agentContainerName) return container;
  const { readinessProbe: _noneInAJob, ports: _noneInAJobEither, env, ...rest } = container;
  const variables: readonly unknown[] = Array.isArray(env) ? env : [];
  return { ...rest, args: ['rehearse'], env: [...variables, { name: 'GATEHOUSE_ATTEMPT_ID', value: attemptId }] };
}

function isPodTemplate(value: unknown): value is PodTemplateShape {
  if (!isJsonObject(value) || !isJsonObject(value['metadata']) || !isJsonObject(value['spec'])) return false;
  const { containers } = value['spec'];
  return Array.isArray(containers) && containers.every(isJsonObject);
}
