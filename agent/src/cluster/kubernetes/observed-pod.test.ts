import { parseInstant } from '@gatehouse/domain/instant';
import { keys } from '@gatehouse/release/object-names';
import { describe, expect, it } from 'vitest';
import { toAgentTemplate, toObservedDeployment, toObservedPod, toObservedRehearsal } from './observed-pod.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const otherDigest = `sha256:${'b'.repeat(64)}`;
const image = `registry.example/gatehouse/agent@${digest}`;
const annotations = { [keys.agentVersion]: '4.2.7', [keys.agentDigest]: digest };
const createdAt = '2026-11-23T08:00:00Z';

const pod = (status: object, more: object = {}) => ({
  metadata: { name: 'gatehouse-agent-1', annotations, creationTimestamp: createdAt, ...more },
  spec: { containers: [{ name: 'agent', image }] },
  status,
});
const container = (status: object) => ({ containerStatuses: [{ name: 'agent', restartCount: 0, ...status }] });

describe('a pod', () => {
  it('that is ready says since when', () => {
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-11-23T08:00:05Z' }];
    const running = container({ state: { running: { startedAt: '2026-11-23T08:00:03Z' } } });
    expect(toObservedPod(pod({ conditions, ...running }))).toEqual({
      name: 'gatehouse-agent-1',
      release: { version: '4.2.7', digest },
      createdAt: parseInstant(createdAt),
      isReady: true,
      readySince: parseInstant('2026-11-23T08:00:05Z'),
      isDeleting: false,
      restarts: 0,
      runningSince: parseInstant('2026-11-23T08:00:03Z'),
    });
  });

  it('that was just made has nothing yet', () => {
    expect(toObservedPod(pod({}))).toMatchObject({ isReady: false, restarts: 0 });
  });

  it.each([
    [
      'its image cannot be pulled',
      { state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } },
      { waiting: { reason: 'ErrImagePull', message: 'not found' } },
    ],
    [
      'it waits without a word',
      { state: { waiting: { reason: 'ContainerCreating' } } },
      { waiting: { reason: 'ContainerCreating' } },
    ],
    [
      'it ended',
      { state: { terminated: { exitCode: 3, reason: 'Error', message: 'no such setting', finishedAt: createdAt } } },
      { lastEnd: { exitCode: 3, reason: 'Error', message: 'no such setting', finishedAt: parseInstant(createdAt) } },
    ],
    [
      'it was started again after an end',
      {
        restartCount: 2,
        state: { running: { startedAt: createdAt } },
        lastState: { terminated: { exitCode: 137, finishedAt: createdAt } },
      },
      { restarts: 2, lastEnd: { exitCode: 137, finishedAt: parseInstant(createdAt) } },
    ],
  ])('says that %s', (_, status, expected) => {
    expect(toObservedPod(pod(container(status)))).toMatchObject(expected);
  });

  it('that fits on no node says why', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }];
    expect(toObservedPod(pod({ conditions })).unschedulable).toBe('0/1 nodes are available');
  });

  it('that is being deleted says so', () => {
    expect(toObservedPod(pod({}, { deletionTimestamp: createdAt })).isDeleting).toBe(true);
  });

  it.each([
    ['another digest than the annotation', `registry.example/agent@${otherDigest}`, otherDigest],
    ['no digest', 'registry.example/agent:latest', 'registry.example/agent:latest'],
  ])('with an image of %s is no release', (_, other, identity) => {
    const foreign = { ...pod({}), spec: { containers: [{ name: 'agent', image: other }] } };
    expect(toObservedPod(foreign).release).toEqual({ version: '0.0.0', digest: identity });
  });
});

const deployment = (more: object) => ({
  metadata: { resourceVersion: '5', generation: 2, annotations: {}, ...more },
  spec: {
    minReadySeconds: 60,
    template: { metadata: { annotations }, spec: { containers: [{ name: 'agent', image }] } },
  },
  status: { observedGeneration: 2, replicas: 2, updatedReplicas: 1, availableReplicas: 1 },
});
const owns = (manager: string) => ({
  manager,
  fieldsV1: {
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"agent"}': { 'f:image': {} } } } } },
  },
});

describe('a Deployment', () => {
  it('is what its template names', () => {
    expect(toObservedDeployment(deployment({ managedFields: [owns('gatehouse')] }))).toEqual({
      resourceVersion: '5',
      release: { version: '4.2.7', digest },
      minReadySeconds: 60,
      isPaused: false,
      isObserved: true,
      replicas: 2,
      updatedReplicas: 1,
      availableReplicas: 1,
    });
  });

  it('names whoever else owns the image, also beside us', () => {
    const managedFields = [owns('gatehouse'), { manager: 'kubectl', fieldsV1: {} }, owns('argocd-controller')];
    expect(toObservedDeployment(deployment({ managedFields })).imageSetBy).toBe('argocd-controller');
  });

  it('is not observed while its controller is behind', () => {
    expect(toObservedDeployment(deployment({ generation: 3 })).isObserved).toBe(false);
  });
});

describe('a template read back', () => {
  it('is what it was before the controller put its label on', () => {
    const labels = { [keys.name]: 'gatehouse-agent' };
    const spec = { containers: [{ name: 'agent', image }] };
    const set = {
      spec: { template: { metadata: { labels: { ...labels, 'pod-template-hash': '1' }, annotations }, spec } },
    };
    expect(toAgentTemplate(set)).toEqual({
      release: { version: '4.2.7', digest },
      template: { metadata: { labels, annotations }, spec },
    });
  });
});

describe('a rehearsal', () => {
  const job = (conditions: readonly object[]) => ({
    metadata: { uid: 'u', creationTimestamp: createdAt, labels: { [keys.attemptId]: 'an-attempt' } },
    status: { conditions },
  });
  const ours = (phase: string) => ({ ...pod({ phase }), metadata: { name: 'r', ownerReferences: [{ uid: 'u' }] } });

  it.each([
    ['running', [], []],
    ['running', [], [ours('Running')]],
    ['succeeded', [], [ours('Succeeded')]],
    ['succeeded', [{ type: 'SuccessCriteriaMet', status: 'True' }], []],
    ['failed', [], [ours('Failed')]],
    ['failed', [{ type: 'Failed', status: 'True', message: 'Job was active longer than specified deadline' }], []],
  ])('is %s', (state, conditions, pods) => {
    expect(toObservedRehearsal(job(conditions), pods)).toMatchObject({ attemptId: 'an-attempt', state });
  });

  it('does not take an older rehearsal’s pod for its own', () => {
    const older = { ...ours('Failed'), metadata: { name: 'old', ownerReferences: [{ uid: 'another' }] } };
    const seen = toObservedRehearsal(job([]), [older]);
    expect(seen.state).toBe('running');
    expect(seen.pod).toBeUndefined();
  });
});
