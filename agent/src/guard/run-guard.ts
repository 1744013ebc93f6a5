/**
 * The guard as a process: look, ask `domain`, do it. It knows nothing of the control plane and loads nothing heavy, so
 * that it still works when the agent does not.
 */

import { changeState } from '@gatehouse/domain/agent-state';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import { decideGuard, type GuardAction } from '@gatehouse/domain/guard';
import { emptyGuardMemory, type GuardMemory, rememberPods } from '@gatehouse/domain/guard-memory';
import { addMilliseconds } from '@gatehouse/domain/instant';
import type { Timings } from '@gatehouse/domain/timings';
import { type Executors, execute, type Outcome } from '../apply/executors.ts';
import { takeBackTemplate } from '../apply/take-back-template.ts';
import type { Clock } from '../clock.ts';
import { type AgentCluster, ClusterUnreachable, type WriteResult } from '../cluster/cluster.ts';
import { known } from '../cluster/known.ts';
import { type Log, messageOf } from '../log.ts';
import type { Self } from '../self.ts';
import { parseTimings } from '../settings/timings-setting.ts';
import { parseAgentState } from '../update/agent-state.ts';
import { changeAgentState } from '../update/change-agent-state.ts';

export interface GuardInput {
  readonly cluster: AgentCluster;
  readonly self: Self;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const lookMilliseconds = 1_000;

export async function runGuard(input: GuardInput): Promise<void> {
  const { clock, log, signal } = input;
  const timings = parseTimings(input.environment['GATEHOUSE_TIMINGS']);
  let memory = emptyGuardMemory;
  const begunAt = clock.monotonic();
  let said = '';
  const sayOnce = (level: 'info' | 'warn' | 'error', event: string, message: string): void => {
    if (message !== said) log(level, event, { message });
    said = message;
  };
  while (!signal.aborted) {
    try {
      const looked = await look(input, { memory, begunAt, timings });
      memory = looked.memory;
      sayOnce('info', 'looked', looked.says);
    } catch (error) {
      sayOnce(error instanceof ClusterUnreachable ? 'warn' : 'error', 'look-failed', messageOf(error));
    }
    await clock.sleep(lookMilliseconds, signal);
  }
}

async function look(
  input: GuardInput,
  given: { readonly memory: GuardMemory; readonly begunAt: number; readonly timings: Timings },
): Promise<{ readonly memory: GuardMemory; readonly says: string }> {
  const { cluster, self } = input;
  const [state, deployment, pods] = await Promise.all([
    known(async () => parseAgentState(await cluster.readMap('state'))),
    known(() => cluster.readDeployment()),
    known(() => cluster.listPods()),
  ]);
  const now = await cluster.now();
  const memory = rememberPods(given.memory, { deployment, pods }, now, given.timings);
  const ownRelease: AgentRelease = self.release;
  // By the clock of now, which may have been set since.
  const startedAt = addMilliseconds(now, given.begunAt - input.clock.monotonic());
  const facts = { ownRelease, startedAt, state, deployment, pods, memory };
  const decision = decideGuard(facts, now, given.timings);
  const executors = createExecutors(input);
  for (const action of decision.actions) {
    if ((await execute(executors, action)) === 'stop') break;
  }
  return { memory, says: decision.reasons.map(({ message }) => message).join(' ') };
}

function createExecutors({ cluster, self, log }: GuardInput): Executors<GuardAction> {
  const toOutcome = (result: WriteResult, what: GuardAction['kind']): Outcome => {
    if (result === 'written') {
      log('info', 'guard-acted', { what });
      return 'done';
    }
    if (result !== 'conflict') log('warn', 'write-refused', { what, message: result.message });
    return 'stop';
  };
  return {
    async makeDeployment({ release, minReadySeconds }) {
      const template = await takeBackTemplate(cluster, release, self.repository);
      return toOutcome(await cluster.applyDeployment({ template, minReadySeconds }), 'makeDeployment');
    },
    async takeBack({ to, minReadySeconds, resourceVersion }) {
      const template = await takeBackTemplate(cluster, to, self.repository);
      return toOutcome(await cluster.applyDeployment({ template, minReadySeconds, resourceVersion }), 'takeBack');
    },
    async recordState({ change }) {
      await changeAgentState(cluster, (before) => changeState(before, change));
      return 'done';
    },
  };
}
