/**
 * The fail points of agent, guard and rehearsal. Whatever they persist or bring about passes one of two doors, the cluster
 * and the control plane, so the places stand around these: `agent.writeMap.state.before`. The tables below say of every
 * function of a door whether it only reads; one that is missing does not compile, nor does an effect without its places.
 */

import { aroundIt, type FailPoints, placesAround, readFailPoints } from '@gatehouse/release/fail-point';
import {
  type AgentCluster,
  type Cluster,
  type GatewayCluster,
  mapNames,
  type ProfileCluster,
} from './cluster/cluster.ts';
import type { ControlPlane } from './poll/control-plane.ts';

type Kind = 'read' | 'effect';
type Kinds<Door> = { readonly [Name in keyof Door]: Kind };
/** What of a door brings something about. */
type Effects<Door, Table extends Kinds<Door>> = {
  readonly [Name in keyof Door as Table[Name] extends 'effect' ? Name : never]: Door[Name];
};

const ofAgentCluster = {
  now: 'read',
  readMap: 'read',
  writeMap: 'effect',
  readLease: 'read',
  writeLease: 'effect',
  readDeployment: 'read',
  applyDeployment: 'effect',
  dryRunDeployment: 'read',
  listPods: 'read',
  readTemplate: 'read',
  renderTemplate: 'read',
  startRehearsal: 'effect',
  readRehearsal: 'read',
  deleteRehearsal: 'effect',
} as const satisfies Kinds<AgentCluster>;

const ofGatewayCluster = { readKubernetesVersion: 'read', listNodes: 'read' } as const satisfies Kinds<GatewayCluster>;

const ofProfileCluster = {
  readClusterApi: 'read',
  patchTopology: 'effect',
  deleteMachine: 'effect',
  applyObject: 'effect',
  keepObject: 'effect',
  readObject: 'read',
  deleteObject: 'effect',
  listBlockingBudgets: 'read',
  checkImages: 'read',
  countFreeAddresses: 'read',
  listRemovedApis: 'read',
} as const satisfies Kinds<ProfileCluster>;

const ofControlPlane = {
  enrol: 'effect',
  // Leaves nothing behind.
  challenge: 'read',
  openSession: 'effect',
  poll: 'effect',
  readRepositoryFile: 'read',
  time: 'read',
} as const satisfies Kinds<ControlPlane>;

/** As `main.ts` is told to be. */
export type Role = 'agent' | 'guard' | 'rehearse';

function effectsIn(table: Readonly<Record<string, Kind>>): readonly string[] {
  return Object.entries(table).flatMap(([name, kind]) => (kind === 'effect' ? [name] : []));
}

const clusterEffects = effectsIn({ ...ofAgentCluster, ...ofGatewayCluster }).flatMap((name) =>
  name === 'writeMap' ? mapNames.map((map) => `writeMap.${map}`) : [name],
);
const serverEffects = effectsIn(ofControlPlane);
const effects: Readonly<Record<Role, readonly string[]>> = {
  agent: [...clusterEffects, ...effectsIn(ofProfileCluster), ...serverEffects],
  // It writes down what it does, makes the Deployment and takes it back; it knows nothing of a control plane.
  guard: ['writeMap.state', 'applyDeployment'],
  // It opens a session and polls for trial.
  rehearse: ['openSession', 'poll'],
};

export const agentFailPointNames: readonly string[] = placesAround(
  Object.entries(effects).flatMap(([role, doings]) => doings.map((doing) => `${role}.${doing}`)),
);

type Environment = Readonly<Record<string, string | undefined>>;

/** The doors of one role, with the places around what they bring about. */
export interface FailingDoors {
  readonly agentCluster: <Door extends AgentCluster>(door: Door) => Door;
  readonly cluster: (door: Cluster) => Cluster;
  readonly controlPlane: (door: ControlPlane) => ControlPlane;
}

/** Without fail points the doors are what they were. Throws `FailPointsInvalid`. */
export function readFailingDoors(environment: Environment, role: Role): FailingDoors {
  const points = readFailPoints(environment, agentFailPointNames);
  if (points === undefined)
    return { agentCluster: (door) => door, cluster: (door) => door, controlPlane: (door) => door };
  return failingDoors(points, role);
}

export function failingDoors(points: FailPoints, role: Role): FailingDoors {
  const around = <T>(doing: string, effect: () => Promise<T>): Promise<T> =>
    aroundIt(points, `${role}.${doing}`, effect);

  const agentEffects = (door: AgentCluster): Effects<AgentCluster, typeof ofAgentCluster> => ({
    writeMap: (name, data, version) => around(`writeMap.${name}`, () => door.writeMap(name, data, version)),
    writeLease: (holder, version) => around('writeLease', () => door.writeLease(holder, version)),
    applyDeployment: (order) => around('applyDeployment', () => door.applyDeployment(order)),
    startRehearsal: (attemptId, template) => around('startRehearsal', () => door.startRehearsal(attemptId, template)),
    deleteRehearsal: () => around('deleteRehearsal', () => door.deleteRehearsal()),
  });
  const profileEffects = (door: ProfileCluster): Effects<ProfileCluster, typeof ofProfileCluster> => ({
    patchTopology: (patch) => around('patchTopology', () => door.patchTopology(patch)),
    deleteMachine: (name) => around('deleteMachine', () => door.deleteMachine(name)),
    applyObject: (object, options) =>
      options.dryRun
        ? door.applyObject(object, options)
        : around('applyObject', () => door.applyObject(object, options)),
    keepObject: (object) => around('keepObject', () => door.keepObject(object)),
    deleteObject: (reference) => around('deleteObject', () => door.deleteObject(reference)),
  });
  const serverDoor = (door: ControlPlane): Effects<ControlPlane, typeof ofControlPlane> => ({
    enrol: (request) => around('enrol', () => door.enrol(request)),
    openSession: (request) => around('openSession', () => door.openSession(request)),
    poll: (token, request) => around('poll', () => door.poll(token, request)),
  });
  return {
    agentCluster: (door) => ({ ...door, ...agentEffects(door) }),
    cluster: ({ profile, ...door }) => ({
      ...door,
      ...agentEffects(door),
      ...(profile === undefined ? {} : { profile: { ...profile, ...profileEffects(profile) } }),
    }),
    controlPlane: (door) => ({ ...door, ...serverDoor(door) }),
  };
}
