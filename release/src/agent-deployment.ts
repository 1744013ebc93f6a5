/**
 * The pods that run the agent and the guard, and the agent's whole Deployment as guard and agent apply it by server-side
 * apply. The attempt's id stands on the Deployment only, never in the pod template: a take-back applies the old template
 * unchanged, and only then does Kubernetes keep the old ReplicaSet and its running pod (agent-protocol §2).
 */

import { imageReference } from './image-reference.ts';
import type { KubernetesManifest } from './kubernetes-object.ts';
import { keys, objectNames } from './object-names.ts';

/** The agent's container in its Deployment and in a rehearsal; the guard's in its own. */
export const agentContainerName = 'agent';
export const guardContainerName = 'guard';

/** Where the agent answers `/readyz`, in its pod. */
export const healthPort = 8086;

/** Group and user of the image's files. */
const unprivilegedId = 10001;

export interface AgentImageReference {
  readonly version: string;
  readonly digest: string;
  /** As the release has it; a registry prefix takes the registry's place. */
  readonly repository: string;
  readonly registryPrefix?: string | undefined;
}

/** A `PodTemplateSpec`, as far as it is rendered here. */
export interface RenderedPodTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

/**
 * The template of the agent's Deployment for one release. What differs from gateway to gateway comes from the ConfigMap
 * `gatehouse-agent-settings` when the container starts, so that a changed proxy needs no new template.
 */
export function renderAgentPodTemplate(image: AgentImageReference): RenderedPodTemplate {
  const base = renderPodTemplate({ name: objectNames.agent, account: objectNames.agent, image });
  return {
    metadata: base.metadata,
    spec: {
      ...base.spec,
      containers: [
        {
          ...containerBase(agentContainerName, image),
          args: ['agent'],
          ports: [{ name: 'health', containerPort: healthPort, protocol: 'TCP' }],
          readinessProbe: {
            httpGet: { path: '/readyz', port: 'health', scheme: 'HTTP' },
            periodSeconds: 1,
            timeoutSeconds: 3,
            failureThreshold: 3,
            successThreshold: 1,
          },
        },
      ],
    },
  };
}

/** The guard's template, which comes with the install manifest and is not moved by agent updates. */
export function renderGuardPodTemplate(image: AgentImageReference): RenderedPodTemplate {
  const base = renderPodTemplate({ name: objectNames.guard, account: objectNames.guard, image });
  return {
    metadata: base.metadata,
    spec: { ...base.spec, containers: [{ ...containerBase(guardContainerName, image), args: ['guard'] }] },
  };
}

export interface AgentDeploymentInput {
  readonly namespace: string;
  readonly version: string;
  readonly digest: string;
  /** As rendered above, or as it was read back from a ReplicaSet. */
  readonly template: unknown;
  readonly attemptId?: string | undefined;
  readonly minReadySeconds: number;
  readonly resourceVersion?: string | undefined;
}

/** The whole object: an apply by the manager that owns it removes what it leaves out. */
export function renderAgentDeployment(input: AgentDeploymentInput): KubernetesManifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: objectNames.agent,
      namespace: input.namespace,
      ...(input.resourceVersion === undefined ? {} : { resourceVersion: input.resourceVersion }),
      labels: { [keys.name]: objectNames.agent, [keys.partOf]: 'gatehouse' },
      annotations: {
        [keys.agentVersion]: input.version,
        [keys.agentDigest]: input.digest,
        ...(input.attemptId === undefined ? {} : { [keys.attemptId]: input.attemptId }),
      },
    },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 5,
      minReadySeconds: input.minReadySeconds,
      selector: { matchLabels: { [keys.name]: objectNames.agent } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: input.template,
    },
  };
}

export function renderPodTemplate(input: {
  readonly name: string;
  readonly account: string;
  readonly image: AgentImageReference;
}): RenderedPodTemplate {
  return {
    metadata: {
      labels: { [keys.name]: input.name, [keys.partOf]: 'gatehouse' },
      annotations: { [keys.agentVersion]: input.image.version, [keys.agentDigest]: input.image.digest },
    },
    spec: {
      serviceAccountName: input.account,
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      // A drained or rebooting control plane must not keep the agent away, and a lost node not for the usual 5 minutes.
      tolerations: [
        { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' },
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
        { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 },
      ],
      securityContext: {
        runAsNonRoot: true,
        runAsUser: unprivilegedId,
        runAsGroup: unprivilegedId,
        fsGroup: unprivilegedId,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '64Mi' } }],
    },
  };
}

const setting = (name: string, key: string) => ({
  name,
  valueFrom: { configMapKeyRef: { name: objectNames.settings, key, optional: true } },
});
const podField = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

export function containerBase(name: string, image: AgentImageReference): Readonly<Record<string, unknown>> {
  return {
    name,
    image: imageReference(image),
    imagePullPolicy: 'IfNotPresent',
    env: [
      podField('POD_NAME', 'metadata.name'),
      podField('POD_NAMESPACE', 'metadata.namespace'),
      { name: 'GATEHOUSE_AGENT_VERSION', value: image.version },
      { name: 'GATEHOUSE_AGENT_DIGEST', value: image.digest },
      { name: 'GATEHOUSE_AGENT_REPOSITORY', value: image.repository },
      setting('GATEHOUSE_REGISTRY_PREFIX', 'registryPrefix'),
      setting('GATEHOUSE_TIMINGS', 'timings'),
      setting('HTTPS_PROXY', 'httpsProxy'),
      setting('HTTP_PROXY', 'httpProxy'),
      setting('NO_PROXY', 'noProxy'),
    ],
    resources: { requests: { cpu: '20m', memory: '96Mi' }, limits: { memory: '384Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [{ name: 'scratch', mountPath: '/tmp' }],
  };
}
