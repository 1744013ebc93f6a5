/**
 * What guard and agent need of a real Kubernetes to run and replace the agent. Everything is in one namespace; each name
 * is fixed, and each right is on that name. `node:` modules only, since the guard is made of it.
 */

import type { ObservedLease } from '@gatehouse/domain/agent-cluster';
import { formatInstant } from '@gatehouse/domain/instant';
import { renderAgentDeployment, renderAgentPodTemplate } from '@gatehouse/release/agent-deployment';
import { keys, objectNames } from '@gatehouse/release/object-names';
import { renderRehearsalJob } from '@gatehouse/release/rehearsal-job';
import { defined } from '../../defined.ts';
import type {
  AgentCluster,
  AgentTemplate,
  ApplyAgentDeployment,
  MapName,
  Refused,
  StoredMap,
  WriteResult,
} from '../cluster.ts';
import { at, instantAt, isObject, type JsonObject, textAt, textsAt } from './json.ts';
import type { KubernetesApi } from './kubernetes-api.ts';
import {
  revisionOf,
  toAgentTemplate,
  toObservedDeployment,
  toObservedPod,
  toObservedRehearsal,
} from './observed-pod.ts';

export interface AgentClusterOptions {
  readonly api: KubernetesApi;
  /** The same way again, for the Lease alone: a slow answer to something else must not cost it. */
  readonly leaseApi: KubernetesApi;
  /** Of guard and agent. */
  readonly namespace: string;
  readonly registryPrefix?: string | undefined;
  /** Written into the Lease for those who look at it; what counts is the agent's own clock. */
  readonly leaseDurationSeconds: number;
}

export function createAgentCluster(options: AgentClusterOptions): AgentCluster {
  const { api, leaseApi, namespace } = options;
  const core = `/api/v1/namespaces/${namespace}`;
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  const deploymentPath = `${apps}/deployments/${objectNames.agent}`;
  const jobPath = `/apis/batch/v1/namespaces/${namespace}/jobs/${objectNames.rehearsal}`;
  const leasePath = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/${objectNames.lease}`;

  const applyDeployment = async (order: ApplyAgentDeployment, dryRun: boolean): Promise<WriteResult> => {
    // An apply cannot say "must not exist", so it is looked for first. Only the guard makes it.
    if (order.resourceVersion === undefined && (await api.get(deploymentPath)) !== undefined) return 'conflict';
    const { release, template } = order.template;
    const { attemptId, minReadySeconds, resourceVersion } = order;
    const deployment = renderAgentDeployment({
      namespace,
      ...release,
      template,
      attemptId,
      minReadySeconds,
      resourceVersion,
    });
    return api.apply(deploymentPath, deployment, { dryRun });
  };

  return {
    now: () => api.now(),

    async readMap(name) {
      const found = await api.get(mapPath(core, name));
      return found === undefined ? undefined : toStoredMap(name, found);
    },
    async writeMap(name, data, resourceVersion) {
      const path = mapPath(core, name);
      const encoded = Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, value === null ? null : encode(name, value)]),
      );
      if (resourceVersion === undefined) {
        const present = Object.fromEntries(Object.entries(encoded).filter(([, value]) => value !== null));
        const made = await api.create(path, { ...mapHead(name, namespace), data: present });
        return made === 'conflict' ? made : toStoredMap(name, made);
      }
      const written = await api.merge(path, { metadata: { resourceVersion }, data: encoded });
      if (written === 'conflict') return written;
      if (isRefusal(written)) {
        // It was deleted since it was read.
        if (written.status === 404) return 'conflict';
        throw new Error(`${objectNames[name]} could not be written: ${written.message}`);
      }
      return toStoredMap(name, written);
    },

    async readLease() {
      const found = await leaseApi.get(leasePath);
      return found === undefined ? undefined : toObservedLease(found);
    },
    async writeLease(holder, resourceVersion) {
      const spec = {
        holderIdentity: holder ?? null,
        leaseDurationSeconds: options.leaseDurationSeconds,
        renewTime: microTime(formatInstant(await leaseApi.now())),
      };
      if (resourceVersion === undefined) {
        const { holderIdentity, ...rest } = spec;
        const made = await leaseApi.create(leasePath, {
          apiVersion: 'coordination.k8s.io/v1',
          kind: 'Lease',
          metadata: { name: objectNames.lease, namespace, labels: { [keys.partOf]: 'gatehouse' } },
          spec: holderIdentity === null ? rest : { ...rest, holderIdentity },
        });
        return made === 'conflict' ? made : toObservedLease(made);
      }
      const written = await leaseApi.merge(leasePath, { metadata: { resourceVersion }, spec });
      if (written === 'conflict') return written;
      if (isRefusal(written)) {
        // It was deleted since it was read.
        if (written.status === 404) return 'conflict';
        throw new Error(`the Lease ${objectNames.lease} could not be written: ${written.message}`);
      }
      return toObservedLease(written);
    },

    async readDeployment() {
      const found = await api.get(deploymentPath);
      return found === undefined ? undefined : toObservedDeployment(found);
    },
    applyDeployment: (order) => applyDeployment(order, false),
    dryRunDeployment: (order) => applyDeployment(order, true),
    async listPods() {
      return (await api.list(`${core}/pods`, { [keys.name]: objectNames.agent })).map(toObservedPod);
    },
    async readTemplate(digest) {
      const sets = await api.list(`${apps}/replicasets`, { [keys.name]: objectNames.agent });
      return sets
        .toSorted((a, b) => revisionOf(b) - revisionOf(a))
        .map(toAgentTemplate)
        .find((template) => template.release.digest === digest);
    },
    renderTemplate(release, image): AgentTemplate {
      const { registryPrefix } = options;
      return { release, template: renderAgentPodTemplate({ ...release, ...image, registryPrefix }) };
    },

    async startRehearsal(attemptId, template) {
      const found = await api.get(jobPath);
      if (found !== undefined) {
        const isSame = textsAt(found, 'metadata', 'labels')[keys.attemptId] === attemptId;
        return isSame && textAt(found, 'metadata', 'deletionTimestamp') === undefined ? 'written' : 'conflict';
      }
      return api.apply(jobPath, renderRehearsalJob({ namespace, attemptId, template: template.template }), {});
    },
    async readRehearsal() {
      const job = await api.get(jobPath);
      if (job === undefined) return undefined;
      return toObservedRehearsal(job, await api.list(`${core}/pods`, { [keys.name]: objectNames.rehearsal }));
    },
    async deleteRehearsal() {
      const result = await api.remove(jobPath);
      if (result !== 'written' && result !== 'conflict') {
        throw new Error(`the Job ${objectNames.rehearsal} could not be deleted: ${result.message}`);
      }
    },
  };
}

/** No Kubernetes kind begins with a small letter, so an object is never taken for one. */
function isRefusal(value: JsonObject | Refused): value is Refused {
  return value['kind'] === 'refused';
}

/** The identity is a Secret, whose values are base64 on the wire; the others are ConfigMaps. */
const isSecret = (name: MapName): boolean => name === 'identity';

function mapPath(core: string, name: MapName): string {
  return `${core}/${isSecret(name) ? 'secrets' : 'configmaps'}/${objectNames[name]}`;
}

function mapHead(name: MapName, namespace: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: isSecret(name) ? 'Secret' : 'ConfigMap',
    metadata: { name: objectNames[name], namespace, labels: { [keys.partOf]: 'gatehouse' } },
  };
}

function encode(name: MapName, value: string): string {
  return isSecret(name) ? Buffer.from(value, 'utf8').toString('base64') : value;
}

function toStoredMap(name: MapName, object: JsonObject): StoredMap {
  const data = textsAt(object, 'data');
  const uid = textAt(object, 'metadata', 'uid');
  return {
    data: isSecret(name)
      ? Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
        )
      : data,
    resourceVersion: textAt(object, 'metadata', 'resourceVersion') ?? '',
    ...(uid === undefined ? {} : { uid }),
  };
}

function toObservedLease(lease: JsonObject): ObservedLease {
  const spec = at(lease, 'spec');
  return {
    resourceVersion: textAt(lease, 'metadata', 'resourceVersion') ?? '',
    ...(isObject(spec)
      ? defined({ holder: textAt(spec, 'holderIdentity'), renewedAt: instantAt(spec, 'renewTime') })
      : {}),
  };
}

/** A Lease's times have microseconds. */
const microTime = (text: string): string => text.replace(/Z$/, '000Z');
