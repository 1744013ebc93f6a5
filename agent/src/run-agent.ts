/**
 * The agent as a process: it proves itself, keeps the Lease if it may, polls, and carries out what the target and the
 * decisions of `domain` ask for. Three loops run side by side, so that a slow server or a long apply never costs the
 * Lease: one renews, one polls, one looks at the gateway and acts. With the server gone the other two go on.
 */

import type { PollReply, PollRequest, Target } from '@gatehouse/contract/agent-api';
import { formatInstant } from '@gatehouse/domain/instant';
import type { Reason } from '@gatehouse/domain/reason';
import { type AgentActor, createAgentActor, type StepResult } from './apply/agent-actor.ts';
import { createProfileActor, type ProfileActor } from './apply/profile-actor.ts';
import type { Clock } from './clock.ts';
import { type Cluster, ClusterUnreachable } from './cluster/cluster.ts';
import { type Log, messageOf } from './log.ts';
import { observe } from './observe/observe.ts';
import type { Answer, ControlPlane } from './poll/control-plane.ts';
import { enrol, type Identity } from './poll/identity.ts';
import type { OpenControlPlane } from './poll/open-control-plane.ts';
import { createPollLoop } from './poll/poll-loop.ts';
import { openShelfFor, type ReleaseShelf } from './poll/release-shelf.ts';
import { createSession, type Session } from './poll/session.ts';
import { readStanding } from './poll/standing.ts';
import { identifyTarget, readTarget, storeTarget, unknownFields } from './poll/target-store.ts';
import { verifyTarget } from './poll/verify-target.ts';
import type { Self } from './self.ts';
import { type AgentSettings, parseAgentSettings, SettingsInvalid } from './settings/agent-settings.ts';
import { createLeaseKeeper, type LeaseKeeper } from './update/lease.ts';
import { createReadiness, type ReadinessAnswer } from './update/readiness.ts';
import { createRounds, type Rounds } from './update/rounds.ts';
import { findTrial, keepTrial, keepTrialFailure, passTrial } from './update/trial.ts';

export interface AgentInput {
  readonly cluster: Cluster;
  readonly self: Self;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly openControlPlane: OpenControlPlane;
  /** Answers the readiness probe until it is closed. */
  readonly serveHealth: (isReady: () => ReadinessAnswer) => Promise<{ close(): Promise<void> }>;
  /** Aborted: finish what has begun, empty the Lease, return. */
  readonly signal: AbortSignal;
}

const startRetryMilliseconds = 2_000;
/** A new target cuts the wait short. */
const lookMilliseconds = { 'at-once': 200, busy: 500, idle: 4_000 } as const;
const leaseLookMilliseconds = 150;

export async function runAgent(input: AgentInput): Promise<void> {
  const { clock, log, signal, self } = input;
  const readiness = createReadiness();
  let lease: LeaseKeeper | undefined;
  let rounds: Rounds | undefined;
  const health = await input.serveHealth(() => {
    if (!readiness.isProven()) return { ready: false, message: 'not proven yet' };
    if (lease?.isOverdue() === true) return { ready: false, message: 'the Lease could not be renewed' };
    const stuck = rounds?.stuck();
    if (stuck !== undefined) return { ready: false, message: `the loop ${stuck} is stuck` };
    return { ready: true, message: 'ready' };
  });
  let opened: ReturnType<OpenControlPlane> | undefined;
  try {
    const settings = await untilDone(input, 'settings', () => readSettings(input.cluster, input.environment));
    if (settings === undefined) return;
    opened = input.openControlPlane(settings, { version: self.release.version, signal });
    const coming = createRounds(clock, settings.timings.agentUpdate.roundMax);
    const controlPlane = coming.steps(opened.controlPlane);
    const cluster = coming.steps(input.cluster);
    // Before it is Ready: an agent that cannot read what its predecessor trusted would take over and do nothing.
    const shelf = await untilDone(input, 'trust', () => openShelfFor(settings, { cluster, controlPlane, clock }));
    if (shelf === undefined) return;
    const isProven = await untilDone(input, 'trial', () => prove(input, settings, controlPlane));
    if (isProven === undefined) return;
    readiness.prove();
    log('info', 'ready', {});
    lease = createLeaseKeeper(cluster, self.podName, clock, settings.timings.lease);
    rounds = coming;
    await act({ ...input, cluster }, { settings, controlPlane, lease, rounds, shelf });
  } finally {
    // The Lease is emptied when everything that acts has ended, not before.
    await lease?.release().catch((error: unknown) => {
      log('warn', 'lease-not-released', { message: messageOf(error) });
    });
    await opened?.close();
    await health.close();
  }
}

/** Tries until it succeeds or the process shall end; then undefined. What it waits for is in the log. */
async function untilDone<T>(input: AgentInput, what: string, attempt: () => Promise<T>): Promise<T | undefined> {
  let last = '';
  while (!input.signal.aborted) {
    try {
      return await attempt();
    } catch (error) {
      const message = messageOf(error);
      // Said once, not every two seconds.
      if (message !== last) input.log('warn', 'waiting', { for: what, message });
      last = message;
    }
    // Not all at the same time, when many wait for the same server.
    await input.clock.sleep(startRetryMilliseconds * (0.5 + input.clock.random()), input.signal);
  }
  return undefined;
}

async function readSettings(cluster: Cluster, environment: AgentInput['environment']): Promise<AgentSettings> {
  const map = await cluster.readMap('settings');
  if (map === undefined) {
    throw new SettingsInvalid('There is no ConfigMap gatehouse-agent-settings. Apply the gateway’s install manifest.');
  }
  return parseAgentSettings(map.data, environment);
}

async function prove(input: AgentInput, settings: AgentSettings, controlPlane: ControlPlane): Promise<true> {
  const { cluster, self, clock, log } = input;
  const attempt = await findTrial(cluster, self.release);
  if (attempt === undefined) return true;
  const trial = { cluster, controlPlane, clock, self: self.release, gatewayId: settings.gatewayId };
  const result = await passTrial({ ...trial, attemptId: attempt.id });
  if (result.kind !== 'passed') {
    await keepTrialFailure(cluster, attempt.id, result);
    throw new Error(`The trial poll did not pass: ${result.message}`);
  }
  await keepTrial(cluster, attempt.id);
  log('info', 'trial-passed', { attempt: attempt.id });
  return true;
}

interface Parts {
  readonly settings: AgentSettings;
  readonly controlPlane: ControlPlane;
  readonly lease: LeaseKeeper;
  readonly rounds: Rounds;
  readonly shelf: ReleaseShelf;
}

async function act(input: AgentInput, parts: Parts): Promise<void> {
  const { cluster, clock, log, self, signal } = input;
  const { settings, lease, rounds, shelf } = parts;
  // Undefined: not verified since this process began, which the first answer makes good.
  let releaseHolds: readonly Reason[] | undefined;
  let news = new AbortController();
  const begunAt = clock.monotonic();
  const agentActor = createAgentActor({
    cluster,
    clock,
    log,
    self,
    settings,
    lease,
    shelf,
    begunAt,
    isServerReachable: () => polling.isServerReachable(),
    isStopping: () => signal.aborted,
  });
  const profileActor = createProfileActor({ cluster, clock, log, self: self.release, settings, lease, shelf });

  /** Two agents use one identity: nothing of the target begins, what has begun with the agent itself is finished. */
  let isIdentityHeld = false;
  const send = createSender(input, parts);
  const polling = createPollLoop({
    clock,
    log,
    timings: settings.timings,
    self: self.release,
    round: (exchange) => rounds.of('poll', exchange),
    mayAct: () => lease.mayAct(),
    handOverNumber: () => lease.handOverNumber(),
    observe: async () =>
      observe(cluster, {
        self: self.release,
        agentHolds: [...agentActor.holds(), ...profileActor.holds(), ...(releaseHolds ?? [])],
        profile: await profileActor.see(await readTarget(cluster)),
      }),
    target: async () => identifyTarget(await readTarget(cluster)),
    send: async (request) => {
      const answer = await send(request);
      const isHeld = answer.kind === 'refused' && identityHolds.has(answer.code);
      // Silence says nothing of the identity, so what was held stays held.
      if (answer.kind !== 'unreachable') isIdentityHeld = isHeld;
      return answer;
    },
    receive: async (reply) => {
      const before = releaseHolds;
      releaseHolds = await receive(input, parts, reply, before?.length === 0);
      if (reply.target !== undefined) news.abort();
      if (before !== undefined && codesOf(before) !== codesOf(releaseHolds)) polling.wake();
    },
  });

  const looking = async (): Promise<void> => {
    while (!signal.aborted) {
      const wake = (): void => polling.wake();
      const mayBegin = (): boolean => !isIdentityHeld;
      const pace = await rounds.of('look', () => look({ input, parts, agentActor, profileActor, mayBegin, wake }));
      await clock.sleep(lookMilliseconds[pace], AbortSignal.any([signal, news.signal]));
      if (news.signal.aborted) news = new AbortController();
    }
  };
  await Promise.all([keepLease(input, parts), polling.run(signal), looking()]);
}

/** A cluster that cannot be reached is waited for; any other error is a bug, logged. */
async function look(given: {
  readonly input: AgentInput;
  readonly parts: Parts;
  readonly agentActor: AgentActor;
  readonly profileActor: ProfileActor;
  readonly mayBegin: () => boolean;
  readonly wake: () => void;
}): Promise<StepResult['pace']> {
  const { input, parts, agentActor, profileActor, mayBegin, wake } = given;
  try {
    const target = mayBegin() ? await readTarget(input.cluster) : undefined;
    const agent = await agentActor.step(target);
    const profile = parts.lease.mayAct() ? await profileActor.step(target) : undefined;
    if (agent.hasNews || profile?.hasNews === true) wake();
    return agent.pace === 'idle' ? (profile?.pace ?? 'idle') : agent.pace;
  } catch (error) {
    const level = error instanceof ClusterUnreachable ? 'warn' : 'error';
    input.log(level, 'look-failed', { message: messageOf(error) });
    return 'busy';
  }
}

/** Renews what is held. Apart from the looks, so that nothing that takes long costs the Lease. */
async function keepLease(input: AgentInput, parts: Parts): Promise<void> {
  const { clock, log, signal } = input;
  const { lease, settings } = parts;
  let nextRenewal = 0;
  while (!signal.aborted) {
    try {
      if (lease.isHeld()) {
        if (clock.monotonic() >= nextRenewal) {
          nextRenewal = clock.monotonic() + settings.timings.lease.renewEvery;
          await lease.renew();
          if (!lease.isHeld()) log('warn', 'lease-lost', {});
        }
      }
    } catch (error) {
      log('warn', 'lease-not-kept', { message: messageOf(error) });
      // Not before the next second: the Lease must be renewed as soon as the API server answers again.
      nextRenewal = clock.monotonic() + Math.min(1_000, settings.timings.lease.renewEvery);
      await clock.sleep(500, signal);
    }
    await clock.sleep(leaseLookMilliseconds, signal);
  }
}

const identityHolds: ReadonlySet<string> = new Set(['identity-shared', 'identity-elsewhere']);

function createSender(input: AgentInput, parts: Parts): (request: PollRequest) => Promise<Answer<PollReply>> {
  const { cluster, clock, log, self } = input;
  const { controlPlane, settings } = parts;
  let signedIn: { readonly identity: Identity; readonly session: Session } | undefined;
  return async (request) => {
    if (signedIn === undefined) {
      const outcome = await enrol(cluster, controlPlane, { id: settings.gatewayId, agent: self.release });
      if (outcome.kind === 'hold') {
        const later = outcome.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: outcome.retryAfterSeconds };
        return { kind: 'unreachable', message: `${outcome.reason.code}: ${outcome.reason.message}`, ...later };
      }
      log('info', 'signed-in', { gateway: outcome.identity.gatewayId });
      signedIn = { identity: outcome.identity, session: createSession(controlPlane, outcome.identity, clock) };
    }
    const { uid } = signedIn.identity;
    const message = uid === undefined ? request : { ...request, identityUid: uid };
    const answer = await signedIn.session.with(async (token) =>
      controlPlane.poll(token, { ...message, clock: formatInstant(await cluster.now()) }),
    );
    // The next poll looks into the Secret again: a new registration token may have come.
    if (answer.kind === 'refused' && (answer.status === 401 || identityHolds.has(answer.code))) signedIn = undefined;
    return answer;
  };
}

const codesOf = (reasons: readonly Reason[]): string => reasons.map(({ code }) => code).join(' ');

/** Keeps the target and verifies what it names. Returns what was refused of it and what does not verify. */
async function receive(
  input: AgentInput,
  parts: Parts,
  reply: PollReply,
  isVerified: boolean,
): Promise<readonly Reason[]> {
  const { cluster, log } = input;
  const refusals = reply.target === undefined ? [] : await keepTarget(input, reply.target);
  if (reply.target === undefined && isVerified && !parts.shelf.isRefreshDue()) return [];
  const target = await readTarget(cluster);
  if (target === undefined) return refusals;
  const standing = await readStanding(cluster, input.self.release);
  const holds = await verifyTarget(parts.shelf, target, parts.settings.provider, standing);
  for (const { code, message } of holds) log('warn', 'target-not-verified', { code, message });
  return [...refusals, ...holds];
}

async function keepTarget({ cluster, log }: AgentInput, target: Target): Promise<readonly Reason[]> {
  const { generation } = target;
  const stored = await storeTarget(cluster, target);
  if (stored.kind === 'refused') {
    const { code, message } = stored.reason;
    log('warn', 'target-refused', { generation, code, message });
    return [stored.reason];
  }
  if (stored.kind === 'same') return [];
  log('info', 'target-stored', { generation });
  const unknown = unknownFields(target);
  // Of a newer control plane, or of one that hopes an agent will do what it says there.
  if (unknown.length > 0) log('warn', 'target-fields-unknown', { generation, fields: unknown.join(', ') });
  return [];
}
