/**
 * Exactly one agent acts: the one that holds the Lease. It is released by emptying, never handed to somebody; taken only
 * when it is empty or has run out; and whoever holds it stops acting when its last renewal is too old by the monotonic
 * clock, so that a frozen process that wakes up does nothing. Each taking raises the hand-over number in the map
 * `state`, which polls carry, so that the server can refuse an agent that was superseded.
 */

import type { ObservedLease } from '@gatehouse/domain/agent-cluster';
import { isLeaseFree, isLeaseOverdue, mayAct } from '@gatehouse/domain/agent-lease';
import type { Timings } from '@gatehouse/domain/timings';
import type { Clock } from '../clock.ts';
import type { AgentCluster } from '../cluster/cluster.ts';
import { parseAgentState } from './agent-state.ts';
import { changeAgentState } from './change-agent-state.ts';

export interface LeaseKeeper {
  /** Pod and a random id of this process: a restarted container is another holder. */
  readonly holder: string;
  /** It was ours when last written or read. */
  isHeld(): boolean;
  /** Ours, renewed lately enough, and the hand-over number is raised. Asked again before every effect. */
  mayAct(): boolean;
  /** Held, but not renewed for the Lease's whole duration: the readiness probe then says no. */
  isOverdue(): boolean;
  /** As it was just read: for how many milliseconds it has been seen so, by our own clock. */
  saw(lease: ObservedLease | undefined): number;
  /** Of this taking; 0 while it was never taken. */
  handOverNumber(): number;
  /** Renews it if it is ours, also when it was deleted, and finishes a taking that broke off. Throws `ClusterUnreachable`. */
  renew(): Promise<void>;
  /**
   * Takes it if it is empty or has run out. One that was deleted counts as held until its duration is over. Throws
   * `ClusterUnreachable`.
   */
  take(): Promise<'taken' | 'held-by-another'>;
  /** Empties it if it is ours. Throws `ClusterUnreachable`. */
  release(): Promise<void>;
}

export function createLeaseKeeper(
  cluster: AgentCluster,
  podName: string,
  clock: Clock,
  timings: Timings['lease'],
): LeaseKeeper {
  const holder = `${podName}/${clock.uuid()}`;
  /** What is known of our own taking; undefined when the Lease is not ours. */
  let held: { readonly resourceVersion: string; readonly renewedAt: number; readonly number: number } | undefined;
  /** Which version was first seen when (`missing` while there is none), to tell by our own clock that nobody renews it. */
  let seen: { readonly resourceVersion: string; readonly at: number } | undefined;
  const saw = (lease: ObservedLease | undefined): number => {
    const resourceVersion = lease?.resourceVersion ?? 'missing';
    if (seen?.resourceVersion !== resourceVersion) seen = { resourceVersion, at: clock.monotonic() };
    return clock.monotonic() - seen.at;
  };

  /**
   * One more than the last, and never less than the API server's time in seconds: whoever deletes the map `state`, or
   * installs the gateway anew, would else begin below what the server has seen, and be refused for ever.
   */
  const raiseNumber = async (): Promise<void> => {
    if (held === undefined || held.number > 0) return;
    const least = Math.floor((await cluster.now()) / 1_000);
    const state = await changeAgentState(cluster, (before) => ({
      ...before,
      handOverNumber: Math.max(before.handOverNumber + 1, least),
    }));
    if (held !== undefined) held = { ...held, number: state.handOverNumber };
  };

  /** One that is missing was deleted, if there ever was one, and its holder acts until its next renewal, which makes it anew. */
  const isFree = async (lease: ObservedLease | undefined): Promise<boolean> => {
    const unchangedFor = saw(lease);
    if (lease !== undefined) return isLeaseFree(lease, { now: await cluster.now(), unchangedFor }, timings);
    return unchangedFor >= timings.duration || (await wasNeverTaken());
  };
  const wasNeverTaken = async (): Promise<boolean> =>
    parseAgentState(await cluster.readMap('state')).handOverNumber === 0;
  /** Somebody deleted it. Nobody else takes a missing one before its duration is over, so that its holder stays the holder. */
  const makeAnew = async (before: NonNullable<typeof held>, renewedAt: number): Promise<void> => {
    const made = await cluster.writeLease(holder, undefined);
    if (held !== before) return;
    held = made === 'conflict' ? undefined : { resourceVersion: made.resourceVersion, renewedAt, number: 0 };
  };
  const own = () => ({
    isHolder: held !== undefined,
    sinceRenewal: held === undefined ? 0 : clock.monotonic() - held.renewedAt,
  });

  return {
    holder,
    isHeld: () => held !== undefined,
    mayAct: () => held !== undefined && held.number > 0 && mayAct(own(), timings),
    isOverdue: () => isLeaseOverdue(own(), timings),
    saw,
    handOverNumber: () => held?.number ?? 0,
    async renew() {
      if (held === undefined) return;
      const before = held;
      // Counted from before the request: an answer that took long must not make the Lease look fresher than it is.
      const renewedAt = clock.monotonic();
      const written = await cluster.writeLease(holder, before.resourceVersion);
      if (held !== before) return;
      if (written !== 'conflict') {
        held = { ...before, resourceVersion: written.resourceVersion, renewedAt };
      } else {
        const lease = await cluster.readLease();
        if (held !== before) return;
        if (lease === undefined) {
          await makeAnew(before, renewedAt);
        } else {
          // The answer to an earlier renewal was lost: it is still ours, under a newer version.
          held = lease.holder === holder ? { ...before, resourceVersion: lease.resourceVersion } : undefined;
        }
      }
      await raiseNumber();
    },
    async take() {
      if (held !== undefined) return 'taken';
      const lease = await cluster.readLease();
      if (lease?.holder !== holder && !(await isFree(lease))) return 'held-by-another';
      const renewedAt = clock.monotonic();
      const written = await cluster.writeLease(holder, lease?.resourceVersion);
      if (written === 'conflict') return 'held-by-another';
      held = { resourceVersion: written.resourceVersion, renewedAt, number: 0 };
      await raiseNumber();
      return 'taken';
    },
    async release() {
      if (held === undefined) return;
      const { resourceVersion } = held;
      // From here on nothing is done any more, whatever becomes of the write.
      held = undefined;
      const written = await cluster.writeLease(undefined, resourceVersion);
      if (written !== 'conflict') return;
      const lease = await cluster.readLease();
      if (lease?.holder === holder) await cluster.writeLease(undefined, lease.resourceVersion);
    },
  };
}
