/**
 * The agent's own update, carried out: look, ask `domain` what comes next, do it by a table from action to executor.
 * What was done is not remembered but looked at again. Lives as long as its process; what must outlive it is in the map
 * `state`.
 */

import type { Target } from '@gatehouse/contract/agent-api';
import { isAttemptRunning } from '@gatehouse/domain/agent-attempt';
import type { TargetAgent } from '@gatehouse/domain/agent-begin';
import {
  type AgentUpdateAction,
  type AgentUpdateFacts,
  nextAgentUpdateActions,
} from '@gatehouse/domain/agent-protocol';
import { changeState } from '@gatehouse/domain/agent-state';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import { addMilliseconds, type Instant } from '@gatehouse/domain/instant';
import type { Reason } from '@gatehouse/domain/reason';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import type { Clock } from '../clock.ts';
import type { AgentTemplate, Cluster, WriteResult } from '../cluster/cluster.ts';
import { known } from '../cluster/known.ts';
import type { Log } from '../log.ts';
import type { ReleaseShelf } from '../poll/release-shelf.ts';
import { readStanding } from '../poll/standing.ts';
import { verifyAgent } from '../poll/verify-target.ts';
import type { Self } from '../self.ts';
import type { AgentSettings } from '../settings/agent-settings.ts';
import { parseAgentState } from '../update/agent-state.ts';
import { changeAgentState } from '../update/change-agent-state.ts';
import type { LeaseKeeper } from '../update/lease.ts';
import { type Executors, execute, type Outcome } from './executors.ts';
import { isProfileUpdateOpen } from './profile-progress.ts';
import { takeBackTemplate } from './take-back-template.ts';

export interface StepResult {
  /** When to look again: `at-once` while nobody may be acting, `busy` while something is under way. */
  readonly pace: 'at-once' | 'busy' | 'idle';
  /** Something changed that people wait to see. */
  readonly hasNews: boolean;
}

export interface AgentActor {
  step(target: Target | undefined): Promise<StepResult>;
  /** What the last look waits for. */
  holds(): readonly Reason[];
}

export interface AgentActorParts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Log;
  readonly self: Self;
  readonly settings: AgentSettings;
  readonly lease: LeaseKeeper;
  readonly shelf: ReleaseShelf;
  /** Start of this process, by its monotonic clock. */
  readonly begunAt: number;
  readonly isServerReachable: () => boolean;
  readonly isStopping: () => boolean;
}

/** Looks are 4 s apart at most. */
const gapMilliseconds = 8_000;
const verifyAgainMilliseconds = 10_000;
/** For as long one verification stands for the next: what has not begun by then may have been recalled since. */
const verifiedMilliseconds = 600_000;

export function createAgentActor(parts: AgentActorParts): AgentActor {
  const { cluster, clock, log, self, lease } = parts;
  let holds: readonly Reason[] = [];
  let lastLook: number | undefined;
  let seesSince: number | undefined;
  let refused: { readonly attemptId: string; readonly message: string } | undefined;
  let verification: { readonly digest: string; readonly failure?: string; readonly at: number } | undefined;
  const verified = new Map<string, { readonly repository: string; readonly at: number }>();

  const toOutcome = (result: WriteResult, what: AgentUpdateAction['kind'], attemptId?: string): Outcome => {
    if (result === 'written') return 'done';
    if (result !== 'conflict') {
      log('warn', 'write-refused', { what, message: result.message });
      if (attemptId !== undefined) refused = { attemptId, message: result.message };
    }
    return 'stop';
  };

  /** Undefined, with the reason kept, when the release does not verify. */
  const verify = async (agent: AgentRelease, target: Target | undefined): Promise<string | undefined> => {
    // A digest alone would vouch for whatever version a target gives it.
    const key = `${agent.version} ${agent.digest}`;
    const before = verified.get(key);
    if (before !== undefined && clock.monotonic() - before.at < verifiedMilliseconds) return before.repository;
    const named = target?.agent?.digest === agent.digest ? target.agent.release : agent.version;
    const question = { release: named, version: agent.version, digest: agent.digest, isRetried: false };
    const { agents } = await readStanding(cluster, self.release);
    const freshness = agents.has(agent.digest) ? 'signed' : 'current';
    let result = await verifyAgent(parts.shelf, question, freshness);
    if (result.kind === 'refused') {
      await parts.shelf.refresh();
      result = await verifyAgent(parts.shelf, question, freshness);
    }
    if (result.kind === 'refused') {
      const failure = result.reasons.map(({ message }) => message).join(' ');
      verification = { digest: agent.digest, failure, at: clock.monotonic() };
      log('warn', 'release-not-verified', { version: agent.version, message: failure });
      return undefined;
    }
    const { repository } = result.value.agent;
    verified.set(key, { repository, at: clock.monotonic() });
    verification = { digest: agent.digest, at: clock.monotonic() };
    return repository;
  };

  const templateOf = async (agent: AgentRelease, target: Target | undefined): Promise<AgentTemplate | undefined> => {
    const repository = await verify(agent, target);
    return repository === undefined ? undefined : cluster.renderTemplate(agent, { repository });
  };

  const executorsFor = (target: Target | undefined): Executors<AgentUpdateAction> => ({
    async takeLease() {
      const isNew = !lease.isHeld();
      if ((await lease.take()) !== 'taken') return 'stop';
      if (isNew) log('info', 'lease-taken', { holder: lease.holder, handOverNumber: lease.handOverNumber() });
      return 'done';
    },
    async releaseLease() {
      await lease.release();
      log('info', 'lease-released', { holder: lease.holder });
      return 'done';
    },
    async verifyRelease({ agent }) {
      await verify(agent, target);
      return 'done';
    },
    async recordState({ change }) {
      await changeAgentState(cluster, (state) => changeState(state, change));
      const version = 'attempt' in change ? change.attempt.to.version : undefined;
      const reason = 'reason' in change ? change.reason.message : undefined;
      log('info', 'agent-update', { change: change.kind, version, reason });
      return 'done';
    },
    async startRehearsal({ attemptId, agent }) {
      const template = await templateOf(agent, target);
      if (template === undefined || !lease.mayAct()) return 'stop';
      return toOutcome(await cluster.startRehearsal(attemptId, template), 'startRehearsal', attemptId);
    },
    async endRehearsal() {
      if (!lease.mayAct()) return 'stop';
      await cluster.deleteRehearsal();
      return 'done';
    },
    async swap({ attemptId, to, minReadySeconds, resourceVersion }) {
      const template = await templateOf(to, target);
      if (template === undefined || !lease.mayAct()) return 'stop';
      const order = { template, attemptId, minReadySeconds, resourceVersion };
      return toOutcome(await cluster.applyDeployment(order), 'swap', attemptId);
    },
    // Also by one that stands by: the resourceVersion keeps two who take back from undoing each other.
    async takeBack({ to, minReadySeconds, resourceVersion }) {
      const template = await takeBackTemplate(cluster, to, self.repository);
      return toOutcome(await cluster.applyDeployment({ template, minReadySeconds, resourceVersion }), 'takeBack');
    },
  });

  const look = async (target: Target | undefined, now: Instant): Promise<AgentUpdateFacts> => {
    // By the clock of now, which may have been set since.
    const atMonotonic = (at: number): Instant => addMilliseconds(now, at - clock.monotonic());
    const [map, deployment, pods, rehearsal, observedLease] = await Promise.all([
      cluster.readMap('state'),
      known(() => cluster.readDeployment()),
      known(() => cluster.listPods()),
      known(() => cluster.readRehearsal()),
      known(() => cluster.readLease()),
    ]);
    const state = parseAgentState(map);
    const named = toTargetAgent(target);
    const hasFailedLongAgo =
      verification?.failure !== undefined && clock.monotonic() - verification.at > verifyAgainMilliseconds;
    if (hasFailedLongAgo) verification = undefined;
    if (refused !== undefined && refused.attemptId !== state.attempt?.id) refused = undefined;
    return {
      me: {
        podName: self.podName,
        release: self.release,
        startedAt: atMonotonic(parts.begunAt),
        isStopping: parts.isStopping(),
        // Whoever looks has passed it.
        isTrialPending: false,
        ...(seesSince === undefined ? {} : { seesSince: atMonotonic(seesSince) }),
      },
      isHolder: lease.isHeld(),
      mayAct: lease.mayAct(),
      ...(named === undefined ? {} : { target: named }),
      ...(verification === undefined
        ? {}
        : {
            verification: {
              digest: verification.digest,
              ...(verification.failure === undefined ? {} : { failure: verification.failure }),
            },
          }),
      ...(target?.recalledAgent === undefined ? {} : { recalledAgent: target.recalledAgent }),
      isServerReachable: parts.isServerReachable(),
      isProfileUpdateConfirmed: isProfileUpdateOpen(target?.profileUpdate, map),
      state,
      deployment,
      pods,
      rehearsal,
      lease: observedLease,
      ...(observedLease === 'unknown' ? {} : { leaseUnchangedFor: lease.saw(observedLease) }),
      ...(refused === undefined ? {} : { refused }),
      newAttemptId: clock.uuid(),
    };
  };

  /** Counted from the first look that succeeds again. */
  const noteGap = (): void => {
    const isGap = lastLook !== undefined && clock.monotonic() - lastLook > gapMilliseconds;
    if (isGap) seesSince = clock.monotonic();
    lastLook = clock.monotonic();
  };

  return {
    holds: () => holds,
    async step(target) {
      const begun = await cluster.now();
      noteGap();
      const facts = await look(target, begun);
      const decision = nextAgentUpdateActions(facts, await cluster.now(), parts.settings.timings);
      const isHoldNew = texts(decision.holds) !== texts(holds);
      holds = decision.holds;
      let hasRecorded = false;
      const executors = executorsFor(target);
      for (const action of decision.actions) {
        if ((await execute(executors, action)) === 'stop') break;
        hasRecorded ||= action.kind === 'recordState';
      }
      return { pace: paceOf(facts, lease.isHeld(), hasRecorded), hasNews: hasRecorded || isHoldNew };
    },
  };
}

/** Between two holders nobody acts, so the one that is to come looks often; the one that only watches need not. */
function paceOf(
  { state, deployment, me }: AgentUpdateFacts,
  isHolder: boolean,
  hasRecorded: boolean,
): StepResult['pace'] {
  const isRunning = state === 'unknown' || isAttemptRunning(state.attempt) || state.takingBack !== undefined;
  const isNamed = deployment !== 'unknown' && deployment?.release.digest === me.release.digest;
  if (!isHolder && isNamed && isRunning) return 'at-once';
  return isRunning || hasRecorded || !isHolder ? 'busy' : 'idle';
}

const texts = (reasons: readonly Reason[]): string =>
  reasons.map(({ code, message }) => `${code} ${message}`).join('\n');

function toTargetAgent(target: Target | undefined): TargetAgent | undefined {
  if (target?.agent === undefined) return undefined;
  const version = parsePlatformVersion(target.agent.version);
  if (version === undefined) return undefined;
  const { digest, isRetried } = target.agent;
  return { agent: { version, digest }, isRetried, generation: target.generation };
}
