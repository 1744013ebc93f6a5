import { Observation } from '@gatehouse/contract/agent-api';
import { toInstant } from '@gatehouse/domain/instant';
import { parseKubernetesVersion, parsePlatformVersion } from '@gatehouse/domain/version';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import { type Seen, toObservationMessage } from './observation-message.ts';

const version = parsePlatformVersion('4.1.12');
const kubernetes = parseKubernetesVersion('1.33.5');
if (version === undefined || kubernetes === undefined) throw new Error('not a version');
const agent = { version, digest: `sha256:${'a'.repeat(64)}` };
const long = 'x'.repeat(20_000);
const many = <T>(one: T): readonly T[] => Array.from({ length: 2_000 }, () => one);
const at = toInstant(0);
const reason = { code: long, message: long, nextStep: long, exitCode: 1, lastLogLines: `${long}last` };
const replicas = {
  name: 'site-a',
  wanted: 3,
  replicas: 3,
  ready: 3,
  available: 3,
  upToDate: 3,
  isObserved: true,
  isRollingOut: false,
  specVersion: kubernetes,
};

const huge: Seen = {
  agent,
  attempt: {
    id: '3b241101-e2bb-4255-8caf-4136c566a962',
    from: agent,
    to: agent,
    phase: 'taken-back',
    startedAt: at,
    swappedAt: at,
    endedAt: at,
    interruptions: 0,
    reason,
    generation: 3,
    readyAt: at,
    pullErrorSince: at,
  },
  takenBack: many({ release: agent, reason, at, generation: 3 }),
  agentHolds: many(reason),
  kubernetes,
  nodes: many({ name: 'n', role: 'worker', kubernetesVersion: 'unknown', ready: 'unknown', createdAt: at } as const),
  clusterApi: {
    clusterName: 'site-a',
    topologyVersion: kubernetes,
    topologyVariables: { osImage: 'os' },
    controlPlaneOverrides: {},
    isTopologyReconciled: true,
    isObserved: true,
    isPaused: false,
    controlPlane: replicas,
    isControlPlaneAvailable: 'unknown',
    isEtcdHealthy: 'unknown',
    workers: many(replicas),
    machines: many({
      name: 'm',
      role: 'worker',
      phase: long,
      version: kubernetes,
      isDeleting: false,
      isUpToDate: 'unknown',
      createdAt: at,
      message: long,
    } as const),
  },
  drift: many(long),
  preflight: { planId: agent.digest, results: many({ check: 'etcd', outcome: 'unknown', message: long } as const) },
  profileUpdate: {
    planId: agent.digest,
    phase: 'stopped',
    startedAt: at,
    steps: many({
      id: 'workers',
      state: 'failed',
      startedAt: at,
      finishedAt: at,
      movedAt: at,
      movedMark: long,
      message: long,
      deletesMachine: 'm',
      refusedAt: at,
    } as const),
    stopped: reason,
    retry: 1,
    controlPlanesUpdatedAt: at,
    completedAt: at,
  },
};

describe('the observation', () => {
  test('fits the contract however much was seen', () => {
    const message = toObservationMessage(huge);
    expect(Value.Errors(Observation, message)).toEqual([]);
    // The server takes a body of 1 MiB.
    expect(JSON.stringify(message).length).toBeLessThan(1024 * 1024);
  });

  test('keeps the last lines of a log, and the first of other texts', () => {
    const { attempt } = toObservationMessage({ ...huge, takenBack: [], clusterApi: 'unknown' });
    expect(attempt?.reason?.lastLogLines?.endsWith('last')).toBe(true);
    expect(attempt?.reason?.message.endsWith('…')).toBe(true);
  });

  test('carries what the contract names and nothing that only the gateway needs', () => {
    const { attempt, profileUpdate } = toObservationMessage(huge);
    expect(attempt).not.toHaveProperty('generation');
    expect(attempt).not.toHaveProperty('readyAt');
    expect(profileUpdate?.steps[0]).not.toHaveProperty('deletesMachine');
  });

  test('says unknown where nothing could be read', () => {
    const message = toObservationMessage({
      agent,
      takenBack: [],
      agentHolds: [],
      kubernetes: 'unknown',
      nodes: 'unknown',
      clusterApi: 'unknown',
      drift: [],
    });
    expect(message).toEqual({
      agent,
      takenBack: [],
      agentHolds: [],
      kubernetes: 'unknown',
      nodes: 'unknown',
      clusterApi: 'unknown',
      drift: [],
    });
    expect(Value.Check(Observation, message)).toBe(true);
  });
});
