/**
 * Poison releases: agents that must not become the agent, in every way known to us, and what has to be found out about
 * each. And one gateway's whole story with such a release, in virtual time and with the product's own spans.
 */

import { attemptReasonText } from '@gatehouse/domain/agent-attempt';
import { parseAgentState } from '../update/agent-state.ts';
import { createGatewayWorld, type GatewayWorld } from './gateway-world.ts';
import { lastWords, type Misbehaviour } from './misbehaviour.ts';
import type { TestRepository } from './test-repository.ts';

export interface Poison {
  readonly how: Misbehaviour;
  /** From the swap on, where the image that was rehearsed had nothing wrong with it. */
  readonly fromSwap?: Misbehaviour;
  /**
   * - rehearsal: it is never swapped in;
   * - watch: the old agent, which still stands by, takes it back;
   * - guard: it was good, and the guard takes it back;
   * - nobody: taken back, and not blamed; tried three times in all.
   */
  readonly foundIn: 'rehearsal' | 'watch' | 'guard' | 'nobody';
  /** What event and `explain` say of it. */
  readonly says: RegExp;
  /** With the server gone from the swap on it does not get so far as to show what is wrong with it. */
  readonly needsServer?: boolean;
}

const words = (text: string): string => `.*${text}$`;
const afterSuccess = 60 + 600;

/** By their names, in the order in which an agent lives. */
export const poisons = {
  'cannot be pulled': {
    how: { isMissing: true },
    foundIn: 'rehearsal',
    says: /^The image cannot be pulled \(\w+\): .*not found$/,
  },
  'cannot be pulled any more after its rehearsal': {
    how: {},
    fromSwap: { isMissing: true },
    foundIn: 'watch',
    says: /^The image cannot be pulled \(\w+\): .*not found$/,
  },
  'exits at its start': {
    how: { exits: 'both' },
    foundIn: 'rehearsal',
    says: new RegExp(`^The new agent exited in its rehearsal \\(exit code 3\\); last lines: ${lastWords.atStart}$`),
  },
  'exits at its start once it is in place': {
    how: { exits: 'as-agent' },
    foundIn: 'watch',
    says: new RegExp(`^The new agent exited at start \\(exit code 3\\); last lines: ${lastWords.atStart}$`),
  },
  'hangs before it is Ready': {
    how: { hangs: true },
    foundIn: 'watch',
    says: /^The new agent runs and did not become Ready in time$/,
  },
  'cannot reach the control plane': {
    how: { reachesNoServer: true },
    foundIn: 'nobody',
    says: /^The new agent could not reach the control plane/,
  },
  'breaks its access to the Kubernetes API at once': {
    how: { losesClusterAfterSeconds: 0 },
    foundIn: 'watch',
    says: /^The new agent runs and did not become Ready in time$/,
  },
  'breaks its access to the Kubernetes API once it acts': {
    how: { losesClusterAfterSeconds: 20 },
    foundIn: 'watch',
    says: /^The new agent was Ready and no longer is: /,
    needsServer: true,
  },
  'is Ready and never acts': {
    how: { hangsLater: { loop: 'look', afterSeconds: 0 } },
    foundIn: 'watch',
    says: /^The new agent was Ready and did not begin to act within 20 s$/,
    needsServer: true,
  },
  'eats memory until it is killed': {
    how: { eatsMemoryUntilSeconds: 20 },
    foundIn: 'watch',
    says: new RegExp(
      `^The new agent was killed for its memory \\(OOMKilled\\) .* \\(exit code 137\\); last lines: ${words(lastWords.later)}`,
    ),
  },
  'is Ready, then crashes within the watch time': {
    how: { crashes: { afterSeconds: 45 } },
    foundIn: 'watch',
    says: new RegExp(`^The new agent exited .* \\(exit code 4\\); last lines: ${words(lastWords.later)}`),
  },
  'crashes ten minutes after its success, and again and again': {
    how: { crashes: { afterSeconds: afterSuccess + 10, againAfterSeconds: 15 } },
    foundIn: 'guard',
    says: new RegExp(
      `^The new agent exited 3 times within 10 min \\(exit code 4\\); last lines: ${words(lastWords.later)}`,
    ),
    needsServer: true,
  },
  'stops acting after its success': {
    how: { hangsLater: { loop: 'look', afterSeconds: afterSuccess } },
    foundIn: 'guard',
    says: /^The new agent runs and did not become Ready in time$/,
    needsServer: true,
  },
  'stops polling after its success': {
    how: { hangsLater: { loop: 'poll', afterSeconds: afterSuccess } },
    foundIn: 'guard',
    says: /^The new agent runs and did not become Ready in time$/,
    needsServer: true,
  },
} as const satisfies Readonly<Record<string, Poison>>;

export const versions = { before: '4.1.12', poison: '4.2.7', newer: '4.2.8' } as const;

export interface Disturbance {
  /** From the swap on. */
  readonly afterSeconds: number;
  readonly what:
    | 'server goes'
    | 'server is away for 5 min'
    | 'old pod is deleted'
    | 'new pod is deleted'
    | 'guard is deleted';
}

export interface Found {
  readonly attemptId: string;
  readonly phase: string;
  /** As event and `explain` say it. */
  readonly text: string;
  /** From the swap until the Deployment names the agent before; undefined when it was never swapped in. */
  readonly afterSwapSeconds?: number;
  /** From when the third crash could be seen. */
  readonly afterThirdCrashSeconds?: number;
}

export interface PoisonedGateway {
  readonly world: GatewayWorld;
  /** Offers the poison and lets time pass until the attempt has ended for good: a success that the guard is still to end is none. */
  offer(more?: { readonly isRetried?: boolean; readonly disturbances?: readonly Disturbance[] }): Promise<Found>;
  /** The same, for an attempt that begins by itself. */
  nextAttempt(): Promise<Found>;
  attemptId(): string | undefined;
  /** Throws when not exactly the agent of that version acts and is what the Deployment names. */
  expectToAct(version: string): Promise<void>;
}

/** A server that was gone is asked again after one poll interval and its jitter at the latest. */
const actsWithinSeconds = 17 * 60;
/** Longer than any poison takes to show: the success, ten minutes, and what the guard waits. */
const lifeSecondsMax = 60 * 60;

export async function startPoisonedGateway(
  poison: Poison,
  more: { readonly releases?: TestRepository; readonly pollAgainSeconds?: number; readonly waitSeconds?: number } = {},
): Promise<PoisonedGateway> {
  const { releases, pollAgainSeconds = 2, waitSeconds = 0 } = more;
  const world = await createGatewayWorld({
    installation: 'existing-cluster',
    ...(releases === undefined ? {} : { releases }),
  });
  world.server.pollAgainSeconds = pollAgainSeconds;
  world.misbehave(versions.poison, poison.how);
  const digest = (version: string): string => world.agentOf(version).digest;
  const named = (): string | undefined => world.simulated.read().deployment?.template.release.digest;
  const state = () => parseAgentState(world.simulated.read().maps.state);
  if (poison.fromSwap !== undefined) {
    const { how, fromSwap } = poison;
    world.simulated.onChange(() =>
      world.misbehave(versions.poison, named() === digest(versions.poison) ? fromSwap : how),
    );
  }
  const untilEnded = async (before: string | undefined, disturbances: readonly Disturbance[]): Promise<Found> => {
    let swappedAt: number | undefined;
    let backAt: number | undefined;
    let due = disturbances;
    const crashes = new Map<number, number>();
    const found = await world.waitFor('the end of the attempt', lifeSecondsMax, () => {
      const now = world.clock.monotonic();
      if (named() === digest(versions.poison)) swappedAt ??= now;
      else if (swappedAt !== undefined) backAt ??= now;
      for (const { owner, release, lastEnd } of world.simulated.read().pods) {
        const isCrash = owner.kind === 'replica-set' && release.digest === digest(versions.poison);
        if (isCrash && lastEnd !== undefined && !crashes.has(lastEnd.finishedAt)) crashes.set(lastEnd.finishedAt, now);
      }
      for (const one of due.filter(({ afterSeconds }) => now - (swappedAt ?? now) >= afterSeconds * 1_000)) {
        if (swappedAt === undefined) break;
        due = due.filter((other) => other !== one);
        disturb(world, one.what);
      }
      const { attempt, takingBack } = state();
      if (attempt === undefined || attempt.id === before || attempt.endedAt === undefined) return undefined;
      const isStillThere = attempt.phase === 'settled' || takingBack !== undefined;
      return isStillThere ? undefined : attempt;
    });
    const third = [...crashes.values()][2];
    return {
      attemptId: found.id,
      phase: found.phase,
      text: found.reason === undefined ? '' : attemptReasonText(found.reason),
      ...(swappedAt === undefined || backAt === undefined ? {} : { afterSwapSeconds: (backAt - swappedAt) / 1_000 }),
      ...(third === undefined || backAt === undefined ? {} : { afterThirdCrashSeconds: (backAt - third) / 1_000 }),
    };
  };

  await world.waitFor('the gateway reports', 60, () => world.server.observation);
  await world.clock.advance(waitSeconds * 1_000);
  const attemptId = (): string | undefined => state().attempt?.id;
  return {
    world,
    attemptId,
    async offer({ isRetried = false, disturbances = [] } = {}) {
      const before = attemptId();
      world.orderAgent(versions.poison, { isRetried });
      return untilEnded(before, disturbances);
    },
    nextAttempt: () => untilEnded(attemptId(), []),
    async expectToAct(version) {
      // By the server, since what matters is that it can be heard of and told something.
      const polls = world.server.polls.length;
      await world.waitFor(`agent ${version} acts alone`, actsWithinSeconds, () => {
        const later = world.server.polls.slice(polls).filter(({ request }) => request.isTrial !== true);
        const pods = world.simulated.read().pods.filter(({ owner }) => owner.kind === 'replica-set');
        const [pod] = pods;
        const isAlone = pods.length === 1 && pod?.isReady === true && pod.release.digest === digest(version);
        return named() === digest(version) && isAlone && later.at(-1)?.podName === pod.name ? true : undefined;
      });
    },
  };
}

function disturb(world: GatewayWorld, what: Disturbance['what']): void {
  const { simulated, server } = world;
  const podsOf = (version: string) =>
    simulated
      .read()
      .pods.filter(
        ({ owner, release }) => owner.kind === 'replica-set' && release.digest === world.agentOf(version).digest,
      );
  switch (what) {
    case 'server goes':
      server.isAway = true;
      break;
    case 'server is away for 5 min':
      server.isAway = true;
      void world.clock.sleep(300_000).then(() => {
        server.isAway = false;
      });
      break;
    case 'old pod is deleted':
      for (const { name } of podsOf(versions.before)) simulated.owner.deletePod(name);
      break;
    case 'new pod is deleted':
      for (const { name } of podsOf(versions.poison)) simulated.owner.deletePod(name);
      break;
    case 'guard is deleted':
      for (const { name, owner } of simulated.read().pods) if (owner.kind === 'guard') simulated.owner.deletePod(name);
      break;
  }
}
