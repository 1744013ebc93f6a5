/**
 * How far a profile update is, in the map `state` under `profileUpdate`: stored before each effect, so that whoever acts
 * next goes on from there.
 */

import type { ProfileUpdateOrder } from '@gatehouse/contract/agent-api';
import { hasBegun } from '@gatehouse/domain/gateway-status';
import { formatInstant, type Instant, parseInstant, toInstant } from '@gatehouse/domain/instant';
import type { ProfileUpdateProgress, StepProgress } from '@gatehouse/domain/profile-update-types';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import type { AgentCluster, StoredMap } from '../cluster/cluster.ts';
import { defined } from '../defined.ts';
import { stateKeys } from '../update/agent-state.ts';

const Time = Type.String({ format: 'date-time' });
const Step = Type.Object({
  id: Type.String(),
  state: Type.Enum(['waiting', 'running', 'done', 'failed']),
  startedAt: Type.Optional(Time),
  finishedAt: Type.Optional(Time),
  movedMark: Type.Optional(Type.String()),
  movedAt: Type.Optional(Time),
  message: Type.Optional(Type.String()),
  deletesMachine: Type.Optional(Type.String()),
  refusedAt: Type.Optional(Time),
  asked: Type.Optional(Type.Boolean()),
});
const Progress = Type.Object({
  planId: Type.String(),
  to: Type.Optional(Type.String()),
  phase: Type.Enum(['preflight', 'running', 'stopped', 'completed', 'cancelled']),
  startedAt: Time,
  steps: Type.Array(Step),
  stopped: Type.Optional(
    Type.Object({ code: Type.String(), message: Type.String(), nextStep: Type.Optional(Type.String()) }),
  ),
  retry: Type.Integer(),
  continues: Type.Optional(Type.String()),
  controlPlanesUpdatedAt: Type.Optional(Time),
  completedAt: Type.Optional(Time),
  repairs: Type.Optional(Type.Array(Type.Object({ at: Time, what: Type.String() }))),
});

const instantFields: readonly string[] = [
  'startedAt',
  'finishedAt',
  'movedAt',
  'refusedAt',
  'controlPlanesUpdatedAt',
  'completedAt',
  'at',
];

/** Undefined when none was stored. Throws when what is stored cannot be read: going on by a guess could roll nodes. */
export function parseProgress(map: StoredMap | undefined): ProfileUpdateProgress | undefined {
  const text = map?.data[stateKeys.profileUpdate];
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  if (!Check(Progress, value)) {
    throw new TypeError('The ConfigMap gatehouse-agent-state has an entry profileUpdate that cannot be read.');
  }
  const { startedAt, steps, controlPlanesUpdatedAt, completedAt, stopped, ...rest } = value;
  return {
    planId: rest.planId,
    phase: rest.phase,
    retry: rest.retry,
    startedAt: parseInstant(startedAt),
    steps: steps.map(parseStep),
    ...defined({
      stopped: stopped && { code: stopped.code, message: stopped.message, ...defined({ nextStep: stopped.nextStep }) },
      to: rest.to,
      continues: rest.continues,
      controlPlanesUpdatedAt: instant(controlPlanesUpdatedAt),
      completedAt: instant(completedAt),
      repairs: value.repairs?.map(({ at, what }) => ({ at: parseInstant(at), what })),
    }),
  };
}

function parseStep(step: Static<typeof Step>): StepProgress {
  const { id, state, movedMark, message, deletesMachine, asked } = step;
  return {
    id,
    state,
    ...defined({
      startedAt: instant(step.startedAt),
      finishedAt: instant(step.finishedAt),
      movedAt: instant(step.movedAt),
      refusedAt: instant(step.refusedAt),
      movedMark,
      message,
      deletesMachine,
      asked,
    }),
  };
}

const instant = (text: string | undefined): Instant | undefined =>
  text === undefined ? undefined : parseInstant(text);

function formatProgress(progress: ProfileUpdateProgress): string {
  return JSON.stringify(progress, (key, member: unknown) =>
    typeof member === 'number' && instantFields.includes(key) ? formatInstant(toInstant(member)) : member,
  );
}

const triesMax = 5;

/** Whether it was new. Others write their own keys of the map, so a conflict is tried again. */
export async function storeProgress(cluster: AgentCluster, progress: ProfileUpdateProgress): Promise<boolean> {
  const text = formatProgress(progress);
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const map = await cluster.readMap('state');
    if (map?.data[stateKeys.profileUpdate] === text) return false;
    const written = await cluster.writeMap('state', { [stateKeys.profileUpdate]: text }, map?.resourceVersion);
    if (written !== 'conflict') return true;
  }
  throw new Error(`The ConfigMap gatehouse-agent-state changed under each of ${triesMax} attempts to write it.`);
}

/**
 * Confirmed, and neither completed nor cancelled by what this gateway knows. A plan that was cancelled and confirmed
 * again carries a higher retry.
 */
export function isProfileUpdateOpen(order: ProfileUpdateOrder | undefined, map: StoredMap | undefined): boolean {
  if (order === undefined) return false;
  const progress = parseProgress(map);
  // Held before its first step it keeps nobody waiting; the agent goes first.
  const hasBegunOwn = progress?.planId === order.planId && hasBegun(progress);
  if (order.held !== undefined && !hasBegunOwn) return false;
  if (progress?.planId !== order.planId || order.retry > progress.retry) return true;
  return progress.phase !== 'completed' && progress.phase !== 'cancelled';
}
