/**
 * The rehearsal: the new agent, run once beside the running one. That it can be pulled and starts is shown by its running
 * at all; it then tries what it will need, changes nothing, and says in one sentence what failed. Its exit code says
 * whose fault that was: a server or a cluster that cannot be reached says nothing against a version.
 */

import { type RehearsalExitCode, rehearsalExitCodes } from '@gatehouse/domain/rehearsal-exit';
import type { Clock } from '../clock.ts';
import { type AgentCluster, ClusterUnreachable } from '../cluster/cluster.ts';
import { messageOf } from '../log.ts';
import type { OpenControlPlane } from '../poll/open-control-plane.ts';
import { openShelfFor } from '../poll/release-shelf.ts';
import type { Self } from '../self.ts';
import { parseAgentSettings } from '../settings/agent-settings.ts';
import { passTrial } from './trial.ts';

export interface RehearsalInput {
  readonly cluster: AgentCluster;
  readonly self: Self;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly openControlPlane: OpenControlPlane;
  readonly attemptId: string;
}

export interface RehearsalResult {
  readonly exitCode: RehearsalExitCode;
  readonly message: string;
}

/** A server that restarts is back within this; beyond it the running agent tries the whole rehearsal again later. */
const trialTries = 5;
const trialPauseMilliseconds = 3_000;

export async function rehearse(input: RehearsalInput): Promise<RehearsalResult> {
  try {
    return (await checkCluster(input)) ?? (await checkControlPlane(input));
  } catch (error) {
    const isAway = error instanceof ClusterUnreachable;
    return {
      exitCode: isAway ? rehearsalExitCodes.clusterUnreachable : rehearsalExitCodes.checkFailed,
      message: messageOf(error),
    };
  }
}

/** Reads what an agent reads, and asks whether the take-back of this very update would be taken. */
async function checkCluster({ cluster, self }: RehearsalInput): Promise<RehearsalResult | undefined> {
  for (const name of ['state', 'target', 'trust', 'inventory'] as const) await cluster.readMap(name);
  await cluster.readLease();
  await cluster.listPods();
  const deployment = await cluster.readDeployment();
  if (deployment === undefined) return failed('There is no Deployment gatehouse-agent to update.');
  const template = await cluster.readTemplate(deployment.release.digest);
  if (template === undefined) {
    return failed(
      `No ReplicaSet holds the template of agent ${deployment.release.version} that could be taken back to.`,
    );
  }
  const order = { template, minReadySeconds: 0, resourceVersion: deployment.resourceVersion };
  const answer = await cluster.dryRunDeployment(order);
  // A conflict means that somebody wrote in between; the right to write was shown all the same.
  if (answer === 'written' || answer === 'conflict') return undefined;
  return failed(`Agent ${self.release.version} could not take itself back: ${answer.message}`);
}

async function checkControlPlane(input: RehearsalInput): Promise<RehearsalResult> {
  const { cluster, self, clock, attemptId } = input;
  const map = await cluster.readMap('settings');
  const settings = parseAgentSettings(map?.data ?? {}, input.environment);
  const opened = input.openControlPlane(settings, { version: self.release.version });
  try {
    const { controlPlane } = opened;
    const { gatewayId } = settings;
    // What the running agent trusts has to be understood by the new one, or it could verify nothing.
    await openShelfFor(settings, { cluster, controlPlane, clock });
    for (let tries = 1; ; tries += 1) {
      const result = await passTrial({ cluster, controlPlane, clock, self: self.release, gatewayId, attemptId });
      if (result.kind === 'passed') return { exitCode: rehearsalExitCodes.passed, message: 'The rehearsal passed.' };
      if (result.kind === 'refused') return failed(`The trial poll was refused: ${result.message}`);
      if (tries === trialTries) {
        const message = `The control plane could not be reached: ${result.message}`;
        return { exitCode: rehearsalExitCodes.controlPlaneUnreachable, message };
      }
      await clock.sleep(trialPauseMilliseconds);
    }
  } finally {
    await opened.close();
  }
}

function failed(message: string): RehearsalResult {
  return { exitCode: rehearsalExitCodes.checkFailed, message };
}
