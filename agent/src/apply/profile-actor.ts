/**
 * The gateway's profile, carried out: look at the gateway's own Cluster and the inventory, ask `domain` what comes next,
 * store the progress, then act. Only on gateways whose cluster Gatehouse installed. What must outlive the process is in
 * the maps `state` and `inventory`; what it keeps in memory is only what can be looked at again.
 */

import type { ProfileUpdateOrder as OrderMessage, Target } from '@gatehouse/contract/agent-api';
import { isAttemptRunning } from '@gatehouse/domain/agent-attempt';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { Known, ObservedClusterApi } from '@gatehouse/domain/gateway';
import { hasBegun } from '@gatehouse/domain/gateway-status';
import type { Instant } from '@gatehouse/domain/instant';
import { objectKey, referenceOf } from '@gatehouse/domain/object-reference';
import { preflight } from '@gatehouse/domain/preflight';
import { layerOf } from '@gatehouse/domain/profile-diff';
import { nodeTargetOf } from '@gatehouse/domain/profile-plan';
import { nextProfileUpdateActions } from '@gatehouse/domain/profile-update';
import type { PackObservation, ProfileUpdateAction, ProfileUpdateFacts } from '@gatehouse/domain/profile-update-step';
import type { PreflightResult } from '@gatehouse/domain/profile-update-types';
import type { Reason } from '@gatehouse/domain/reason';
import type { Freshness } from '@gatehouse/release/trusted-releases';
import type { Clock } from '../clock.ts';
import type { Cluster, TopologyPatch, WriteResult } from '../cluster/cluster.ts';
import { known } from '../cluster/known.ts';
import type { Log } from '../log.ts';
import { readDrift } from '../observe/drift.ts';
import type { ObserveInput } from '../observe/observe.ts';
import { readPreflightFacts } from '../observe/preflight.ts';
import type { ReleaseShelf, Shelved } from '../poll/release-shelf.ts';
import { readStanding } from '../poll/standing.ts';
import { freshnessOfProfile } from '../poll/verify-target.ts';
import type { AgentSettings } from '../settings/agent-settings.ts';
import { parseAgentState } from '../update/agent-state.ts';
import type { LeaseKeeper } from '../update/lease.ts';
import type { StepResult } from './agent-actor.ts';
import { applyPack, packDigest } from './apply-pack.ts';
import { type Executors, execute, type Outcome } from './executors.ts';
import { type Inventory, packKey, readInventory, writeAppliedProfile } from './inventory.ts';
import { type Kept, keepPacks } from './keep-packs.ts';
import { refuseStrangePack, type VerifiedOrder, verifyInitialProfile, verifyOrder } from './profile-order.ts';
import { parseProgress, storeProgress } from './profile-progress.ts';

export interface ProfileActor {
  /** Only while it may act. */
  step(target: Target | undefined): Promise<StepResult>;
  /** For the observation: reads the Cluster, and the preflight of a plan that waits. */
  see(target: Target | undefined): Promise<ProfileSeen>;
  holds(): readonly Reason[];
}

export type ProfileSeen = ObserveInput['profile'];

export interface ProfileActorParts {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Log;
  readonly self: AgentRelease;
  readonly settings: AgentSettings;
  readonly lease: LeaseKeeper;
  readonly shelf: ReleaseShelf;
}

interface CheckedPreflight {
  readonly planId: string;
  readonly at: Instant;
  readonly checkedAt: number;
  readonly results: readonly PreflightResult[];
}

const actionsAfterTheTurn: readonly ProfileUpdateAction['kind'][] = ['applyPack', 'keepPacks', 'checkPreflight'];

const idle: StepResult = { pace: 'idle', hasNews: false };
const initialRetryMilliseconds = 60_000;

export function createProfileActor(parts: ProfileActorParts): ProfileActor {
  const { cluster, clock, log, settings, lease, shelf } = parts;
  const profileCluster = cluster.profile;
  if (profileCluster === undefined) {
    return { step: async () => idle, see: async () => ({ drift: [] }), holds: () => [] };
  }
  const { provider, osVariable, timings } = settings;
  const packs = createPackMemory();
  let kept: (Kept & { readonly planId: string }) | undefined;
  let checked: CheckedPreflight | undefined;
  let refusal: string | undefined;
  let holds: readonly Reason[] = [];
  let drift: { readonly at: number; readonly lines: readonly string[] } | undefined;
  /** A patch is conditional on the last read of the Cluster, so the observation must not read in between. */
  const oneAtATime = createTurns();

  /** A large document need not be verified again at each look; the last few are kept. */
  const verifiedOrders = createLastFew<VerifiedOrder>(() => clock.monotonic());
  const verify = (order: NonNullable<Target['profileUpdate']>, freshness: Freshness): Promise<Shelved<VerifiedOrder>> =>
    verifiedOrders.get({ order, freshness }, () => verifyOrder(shelf, order, provider, freshness));
  /** What is to be carried out now: a confirmed update, else the first profile of a new gateway. */
  const verifyWanted = async (
    target: Target | undefined,
    inventory: Inventory,
  ): Promise<Shelved<VerifiedOrder> | undefined> => {
    const { profileUpdate, initialProfile: initial } = target ?? {};
    if (profileUpdate === undefined && (initial === undefined || inventory.applied !== undefined)) return undefined;
    const standing = await readStanding(cluster, parts.self);
    if (profileUpdate !== undefined) {
      return verify(profileUpdate, freshnessOfProfile(profileUpdate.planId, profileUpdate.to.digest, standing));
    }
    if (initial === undefined) return undefined;
    const freshness = freshnessOfProfile(initial.digest, initial.digest, standing);
    return verifiedOrders.get({ order: initial, freshness }, () =>
      verifyInitialProfile(shelf, initial, provider, freshness),
    );
  };

  const refuseStranger = async (
    verified: VerifiedOrder,
    { packs: there }: Inventory,
  ): Promise<Shelved<never> | undefined> =>
    refuseStrangePack(verified, {
      hasPack: (layer, pack) => there[packKey(layer, pack)] !== undefined,
      begunPlanId: parseProgress(await cluster.readMap('state'))?.planId,
    });

  const check = async (verified: VerifiedOrder, clusterApi: Known<ObservedClusterApi>): Promise<void> => {
    const { order, profile } = verified;
    const facts = await readPreflightFacts(profileCluster, { steps: order.steps, profile, clusterApi });
    const now = await cluster.now();
    checked = { planId: order.planId, at: now, checkedAt: clock.monotonic(), results: preflight(facts) };
  };

  const patch = async (what: ProfileUpdateAction['kind'], order: TopologyPatch): Promise<Outcome> => {
    if (!lease.mayAct()) return 'stop';
    return toOutcome(what, await profileCluster.patchTopology(order));
  };
  const toOutcome = (what: ProfileUpdateAction['kind'], result: WriteResult): Outcome => {
    if (result === 'conflict') return 'stop';
    refusal = result === 'written' ? undefined : result.message;
    log(result === 'written' ? 'info' : 'warn', 'profile-update', { did: what, refusal });
    return result === 'written' ? 'done' : 'stop';
  };

  const executorsFor = (
    { order, profile }: VerifiedOrder,
    clusterApi: Known<ObservedClusterApi>,
  ): Executors<ProfileUpdateAction> => ({
    async checkPreflight() {
      await check({ order, profile }, clusterApi);
      return 'done';
    },
    async applyPack({ stepId, layer, pack: name, deletes }) {
      const pack = layerOf(profile, layer)?.packs.find((one) => one.name === name);
      const stillWanted = new Set(
        profile.layers.flatMap((one) =>
          one.packs.flatMap(({ objects }) => objects.map((o) => objectKey(referenceOf(o)))),
        ),
      );
      const door = { cluster, profile: profileCluster, mayAct: () => lease.mayAct() };
      const result = await applyPack(door, { layer, name, pack, deletes, stillWanted });
      packs.remember(stepId, result);
      const message = result.kind === 'refused' ? result.message : undefined;
      log(message === undefined ? 'info' : 'warn', 'profile-update', {
        did: 'applyPack',
        pack: name,
        refusal: message,
      });
      return result.kind === 'applied' ? 'done' : 'stop';
    },
    async keepPacks({ packs: done }) {
      const at = await cluster.now();
      const found = done.flatMap(({ layer, pack: name }) => {
        const pack = layerOf(profile, layer)?.packs.find((one) => one.name === name);
        return pack === undefined ? [] : [{ layer, pack }];
      });
      const door = { cluster, profile: profileCluster, mayAct: () => lease.mayAct() };
      const result = await keepPacks(door, found, at);
      if (result === undefined) return 'stop';
      kept = { ...result, planId: order.planId };
      for (const { what } of result.repairs) log('warn', 'profile-update', { did: 'keepPacks', repaired: what });
      return 'done';
    },
    setVersionAndOs: ({ kind, to }) =>
      patch(kind, { version: to.kubernetes, variables: { [osVariable]: to.os }, controlPlaneOverrides: {} }),
    overrideControlPlaneOs: ({ kind, os }) => patch(kind, { controlPlaneOverrides: { [osVariable]: os } }),
    setOs: ({ kind, os }) => patch(kind, { variables: { [osVariable]: os }, controlPlaneOverrides: {} }),
    async deleteMachine({ kind, name }) {
      if (!lease.mayAct()) return 'stop';
      return toOutcome(kind, await profileCluster.deleteMachine(name));
    },
    async recordAppliedProfile({ profile: { version, digest } }) {
      if (!lease.mayAct()) return 'stop';
      const nodes = nodeTargetOf(profile);
      await writeAppliedProfile(cluster, { version, digest, ...(nodes === undefined ? {} : { nodes }) });
      log('info', 'profile-applied', { version, digest });
      return 'done';
    },
  });

  const look = async (verified: VerifiedOrder): Promise<ProfileUpdateFacts> => {
    const [map, inventory, clusterApi] = await Promise.all([
      cluster.readMap('state'),
      readInventory(cluster),
      known(() => profileCluster.readClusterApi()),
    ]);
    // Also that of another plan: a newer one that takes over from a stopped one has to know what was under way.
    const progress = parseProgress(map);
    const isFromPlan = checked?.planId === verified.order.planId;
    return {
      order: withOwnRetry(verified.order, progress, await cluster.now()),
      ...(progress === undefined ? {} : { progress }),
      clusterApi,
      osVariable,
      packs: packs.observe(verified, inventory),
      ...(checked !== undefined && isFromPlan ? { preflight: { at: checked.at, results: checked.results } } : {}),
      ...(inventory.applied === undefined ? {} : { appliedProfile: inventory.applied }),
      ...(kept?.planId === verified.order.planId ? { kept } : {}),
      isAgentUpdateRunning: isAttemptRunning(parseAgentState(map).attempt),
      ...(refusal === undefined ? {} : { refusal }),
    };
  };

  const carryOut = async (verified: VerifiedOrder): Promise<StepResult> => {
    /** What takes long and does not touch the Cluster is done after the turn. */
    const later: (() => Promise<Outcome>)[] = [];
    const result = await oneAtATime(async (): Promise<StepResult> => {
      const facts = await look(verified);
      const decision = nextProfileUpdateActions(facts, await cluster.now(), timings);
      holds = verified.order.isInitial === true ? [...decision.waits, ...stoppedReason(decision.progress.stopped)] : [];
      if (!lease.mayAct()) return idle;
      const isNew = await storeProgress(cluster, decision.progress);
      const hasMoved =
        isNew && marks(decision.progress) !== (facts.progress === undefined ? '' : marks(facts.progress));
      if (hasMoved) log('info', 'profile-update', { phase: decision.progress.phase, steps: marks(decision.progress) });
      const executors = executorsFor(verified, facts.clusterApi);
      for (const action of decision.actions) {
        const act = (): Promise<Outcome> => execute(executors, action);
        if (actionsAfterTheTurn.includes(action.kind)) later.push(act);
        else if ((await act()) === 'stop') break;
      }
      const { phase } = decision.progress;
      const isHeld = verified.order.held !== undefined && decision.actions.length === 0;
      const isBusy = (phase === 'preflight' || phase === 'running') && !isHeld;
      return { pace: isBusy ? 'busy' : 'idle', hasNews: hasMoved };
    });
    for (const act of later) if ((await act()) === 'stop') break;
    return result;
  };

  /**
   * What is not trusted any more, such as a recalled release, and never began can still be cancelled: nothing of it is
   * carried out. Undefined when it has begun, or when this agent may not act.
   */
  const cancelUnbegun = async ({ planId, steps, retry }: OrderMessage): Promise<StepResult | undefined> => {
    const known = parseProgress(await cluster.readMap('state'));
    const own = known?.planId === planId ? known : undefined;
    if (!lease.mayAct() || (own !== undefined && hasBegun(own))) return undefined;
    const startedAt = own?.startedAt ?? (await cluster.now());
    const waiting = steps.map(({ id }) => ({ id, state: 'waiting' as const }));
    const isNew = await storeProgress(cluster, { planId, phase: 'cancelled', startedAt, steps: waiting, retry });
    if (isNew) log('info', 'profile-update', { phase: 'cancelled', steps: 'never begun' });
    return { pace: 'idle', hasNews: isNew };
  };

  return {
    holds: () => holds,
    async step(target) {
      const inventory = await readInventory(cluster);
      const verified = await verifyWanted(target, inventory);
      if (verified === undefined) {
        holds = [];
        return idle;
      }
      const ordered =
        verified.kind === 'ok' ? ((await refuseStranger(verified.value, inventory)) ?? verified) : verified;
      if (ordered.kind === 'refused') {
        const cancelled =
          target?.profileUpdate?.isCancelled === true ? await cancelUnbegun(target.profileUpdate) : undefined;
        holds = cancelled === undefined ? ordered.reasons : [];
        return cancelled ?? idle;
      }
      return carryOut(ordered.value);
    },
    async see(target) {
      const inventory = await readInventory(cluster);
      const clusterApi = await oneAtATime(() => known(() => profileCluster.readClusterApi()));
      const proposed = target?.profileUpdate === undefined ? target?.proposed : undefined;
      const isDue =
        checked?.planId !== proposed?.planId ||
        checked === undefined ||
        clock.monotonic() - checked.checkedAt >= timings.poll.duringUpdate;
      if (proposed !== undefined && isDue) {
        const verified = await verify(proposed, 'current');
        if (verified.kind === 'ok') await check(verified.value, clusterApi);
      }
      const progress = parseProgress(await cluster.readMap('state'));
      const wanted = target?.profileUpdate?.planId ?? proposed?.planId;
      const isInitial = progress !== undefined && progress.planId === target?.initialProfile?.digest;
      // In the middle of an update the gateway is between two profiles, which is no drift.
      if (progress?.phase === 'running' || progress?.phase === 'stopped') {
        drift = undefined;
      } else if (drift === undefined || clock.monotonic() - drift.at >= timings.poll.whileWaitingForConfirmation) {
        drift = { at: clock.monotonic(), lines: await readDrift(profileCluster, inventory, clusterApi) };
      }
      return {
        clusterApi,
        ...(inventory.applied === undefined
          ? {}
          : { applied: { version: inventory.applied.version, digest: inventory.applied.digest } }),
        drift: drift?.lines ?? [],
        ...(checked !== undefined && checked.planId === wanted
          ? { preflight: { planId: checked.planId, results: checked.results } }
          : {}),
        ...(progress === undefined || isInitial ? {} : { progress }),
      };
    },
  };
}

/** Nobody retries the first profile by hand: it belongs to the installation, so it is tried again by itself. */
function withOwnRetry(
  order: ProfileUpdateFacts['order'],
  progress: ProfileUpdateFacts['progress'],
  now: Instant,
): ProfileUpdateFacts['order'] {
  if (order.isInitial !== true || progress?.planId !== order.planId) return order;
  const ended = Math.max(progress.startedAt, ...progress.steps.map(({ finishedAt }) => finishedAt ?? 0));
  const isDue = progress.phase === 'stopped' && now - ended >= initialRetryMilliseconds;
  return { ...order, retry: progress.retry + (isDue ? 1 : 0) };
}

const stoppedReason = (stopped: Reason | undefined): readonly Reason[] => (stopped === undefined ? [] : [stopped]);

/** What people wait to see: the phase, each step's state, the milestone. */
function marks(progress: NonNullable<ProfileUpdateFacts['progress']>): string {
  const steps = progress.steps.map(({ id, state }) => `${id}=${state}`).join(' ');
  return `${progress.phase} ${steps}${progress.controlPlanesUpdatedAt === undefined ? '' : ' control planes updated'}`;
}

interface PackMemory {
  remember(stepId: string, result: Awaited<ReturnType<typeof applyPack>>): void;
  observe(verified: VerifiedOrder, inventory: Inventory): Readonly<Record<string, PackObservation>>;
}

/** By the inventory; a refusal and how far it got only as long as this process lives. */
function createPackMemory(): PackMemory {
  const results = new Map<string, { readonly refusal?: string; readonly movedMark?: string }>();
  return {
    remember: (stepId, result) => {
      if (result.kind === 'applied') results.delete(stepId);
      else {
        const message = result.kind === 'refused' ? { refusal: result.message } : {};
        results.set(stepId, { ...message, movedMark: `${result.writes} objects written` });
      }
    },
    observe({ order, profile }, inventory) {
      const steps = order.steps.filter((step) => step.kind === 'pack');
      return Object.fromEntries(
        steps.map((step) => {
          const pack = layerOf(profile, step.layer)?.packs.find(({ name }) => name === step.pack);
          const there = inventory.packs[packKey(step.layer, step.pack)];
          const isApplied = pack === undefined ? there === undefined : there?.digest === packDigest(pack);
          return [step.id, { isApplied, ...results.get(step.id) }];
        }),
      );
    },
  };
}

const lastFewMax = 3;
/** For as long one look at what is current stands for the next. */
const currentMilliseconds = 600_000;

interface LastFew<T> {
  get(
    question: { readonly order: object; readonly freshness: Freshness },
    make: () => Promise<Shelved<T>>,
  ): Promise<Shelved<T>>;
}

function createLastFew<T>(now: () => number): LastFew<T> {
  const kept = new Map<string, { readonly made: Shelved<T>; readonly at: number }>();
  return {
    async get(question, make) {
      const key = JSON.stringify(question);
      const before = kept.get(key);
      const isTooOld = question.freshness === 'current' && now() - (before?.at ?? 0) > currentMilliseconds;
      if (before !== undefined && !isTooOld) return before.made;
      kept.delete(key);
      const made = await make();
      if (made.kind === 'ok') {
        kept.set(key, { made, at: now() });
        const [oldest] = kept.keys();
        if (kept.size > lastFewMax && oldest !== undefined) kept.delete(oldest);
      }
      return made;
    },
  };
}

/** Calls run one after the other, in the order in which they were made. */
function createTurns(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const turn = last.then(task, task);
    last = turn.catch(() => undefined);
    return turn;
  };
}
