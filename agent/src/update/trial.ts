/**
 * The trial of an agent that was started in an attempt: one poll that names the attempt, is answered with nothing and
 * starts nothing. It shows that this version can sign in and be understood. Its success is kept in the map `state`, so
 * that a container that is restarted while the server is away need not pass it again.
 */

import type { AgentAttempt, AgentRelease, TrialFailure } from '@gatehouse/domain/agent-update-types';
import { sha256Digest } from '@gatehouse/release/canonical-json';
import type { Clock } from '../clock.ts';
import type { AgentCluster, StoredMap } from '../cluster/cluster.ts';
import type { ControlPlane } from '../poll/control-plane.ts';
import { identityKeys, parseIdentity } from '../poll/identity.ts';
import { createSession } from '../poll/session.ts';
import { parseAgentState, stateKeys } from './agent-state.ts';

/** The attempt this process was started in, if its trial is still to pass. Throws `ClusterUnreachable`. */
export async function findTrial(cluster: AgentCluster, self: AgentRelease): Promise<AgentAttempt | undefined> {
  const map = await cluster.readMap('state');
  const { attempt } = parseAgentState(map);
  const isRunning = attempt?.phase === 'swapping' || attempt?.phase === 'watching';
  if (attempt === undefined || !isRunning || attempt.to.digest !== self.digest) return undefined;
  return map?.data[stateKeys.trial] === attempt.id ? undefined : attempt;
}

export type TrialResult =
  | { readonly kind: 'passed' }
  /** The server could not be reached: not the version's fault. */
  | { readonly kind: 'unreachable'; readonly message: string }
  /** The server understood and said no, or the identity cannot be used. */
  | { readonly kind: 'refused'; readonly message: string };

export async function passTrial(input: {
  readonly cluster: AgentCluster;
  readonly controlPlane: ControlPlane;
  readonly clock: Clock;
  readonly self: AgentRelease;
  readonly gatewayId: string;
  readonly attemptId: string;
}): Promise<TrialResult> {
  const { cluster, controlPlane, self, gatewayId, attemptId } = input;
  const map = await cluster.readMap('identity');
  const identity = parseIdentity(map, gatewayId);
  if (identity === undefined) {
    const isEmpty = map?.data[identityKeys.privateKey] === undefined;
    const message = isEmpty ? 'it holds no key' : 'the gateway is not enrolled with it';
    return { kind: 'refused', message: `The Secret gatehouse-agent-identity cannot be used: ${message}.` };
  }
  const { handOverNumber } = parseAgentState(await cluster.readMap('state'));
  const session = createSession(controlPlane, identity, input.clock);
  const answer = await session.with((token) =>
    controlPlane.poll(token, {
      generation: 0,
      handOverNumber,
      agent: self,
      attemptId,
      isTrial: true,
      // A trial observes nothing.
      observationDigest: sha256Digest(''),
    }),
  );
  if (answer.kind === 'answered') return { kind: 'passed' };
  // Too many requests and the like: the server's trouble, not ours.
  if (answer.kind === 'refused' && answer.status !== 429) return { kind: 'refused', message: answer.message };
  return { kind: 'unreachable', message: answer.message };
}

/** Passed: the success is kept, and an earlier failure forgotten. A crash here costs one more trial, nothing else. */
export async function keepTrial(cluster: AgentCluster, attemptId: string): Promise<void> {
  await writeState(cluster, () => ({ [stateKeys.trial]: attemptId, [stateKeys.trialFailure]: null }));
}

/** For those who watch: why it did not pass so far. Written again only when it is another reason. */
export async function keepTrialFailure(
  cluster: AgentCluster,
  attemptId: string,
  failure: Exclude<TrialResult, { kind: 'passed' }>,
): Promise<void> {
  await writeState(cluster, (map) => {
    const known = parseAgentState(map).trialFailure;
    if (known?.attemptId === attemptId && known.kind === failure.kind) return {};
    const value: TrialFailure = { attemptId, kind: failure.kind, message: failure.message.slice(0, 1_000) };
    return { [stateKeys.trialFailure]: JSON.stringify(value) };
  });
}

const triesMax = 5;

async function writeState(
  cluster: AgentCluster,
  change: (map: StoredMap | undefined) => Readonly<Record<string, string | null>>,
): Promise<void> {
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const map = await cluster.readMap('state');
    const changes = change(map);
    if (Object.keys(changes).length === 0) return;
    if ((await cluster.writeMap('state', changes, map?.resourceVersion)) !== 'conflict') return;
  }
  throw new Error(`The ConfigMap gatehouse-agent-state changed under each of ${triesMax} attempts to write it.`);
}
