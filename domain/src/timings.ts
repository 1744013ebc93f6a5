/**
 * Every span and count that a decision measures with, in one object, so that a sandbox and a test can pass shorter ones
 * and nothing else differs. Sources: design §3 (polls, health, 210 s, settling) and agent-protocol §8 (Lease, rehearsal, guard).
 */

import { hours, type Milliseconds, minutes, seconds } from './instant.ts';

export interface Timings {
  readonly poll: {
    readonly interval: Milliseconds;
    /** Share of the interval by which a delay may be shorter or longer. */
    readonly jitter: number;
    /** Upper end of the first delay after a failed poll; it doubles with each further failure, up to the interval. */
    readonly failureBase: Milliseconds;
    /** The longest `Retry-After` that is obeyed. */
    readonly retryAfterMax: Milliseconds;
    /** A plan waits for confirmation, or somebody looks at the gateway. */
    readonly whileWaitingForConfirmation: Milliseconds;
    readonly duringUpdate: Milliseconds;
    /** So long beyond the due poll a gateway becomes unhealthy. */
    readonly unhealthyAfterDue: Milliseconds;
  };
  readonly lease: {
    readonly duration: Milliseconds;
    readonly renewEvery: Milliseconds;
    /** Nothing is done when the last renewal is older than this by the monotonic clock. */
    readonly actAgeMax: Milliseconds;
  };
  readonly agentUpdate: {
    /** The own pod has been Ready for so long before an attempt begins. */
    readonly ownPodReadyBefore: Milliseconds;
    readonly rehearsalMax: Milliseconds;
    /** From the swap until the new pod is Ready. */
    readonly readyDeadline: Milliseconds;
    /** `minReadySeconds`: the old agent stands by for so long after the new one is Ready. */
    readonly watch: Milliseconds;
    /** A new agent that is Ready takes a free Lease within this, or it does not act. Seen only where it is shorter than `watch`. */
    readonly takesLease: Milliseconds;
    /** So long after its start a new agent has said whether it reached the control plane; longer than one exchange takes. */
    readonly trialTold: Milliseconds;
    /** A loop of the agent in whose round nothing has ended for so long is stuck, and the agent not Ready. No exchange takes longer. */
    readonly roundMax: Milliseconds;
    /** A restart of the new agent so soon after the watcher's own start is a reboot and not the version's fault. */
    readonly restartGrace: Milliseconds;
    /** A pull error seen again so long after it was first seen fails the rehearsal; the kubelet tries again after 10 s. */
    readonly pullErrorAgain: Milliseconds;
    readonly interruptionsMax: number;
    /** How long to wait before an interrupted attempt is made again. */
    readonly afterInterruption: Milliseconds;
  };
  readonly guard: {
    /** Beyond the ready deadline, so that the old agent takes back first. */
    readonly margin: Milliseconds;
    readonly crashWindow: Milliseconds;
    readonly crashes: number;
    readonly notReady: Milliseconds;
  };
  readonly profileUpdate: {
    /** Preflight may fail or be unknown for so long before the update stops; nothing has been touched by then. */
    readonly preflightMax: Milliseconds;
    /** Results older than this are looked at again before anything begins. */
    readonly preflightAgeMax: Milliseconds;
    /** Nothing moved for so long: stuck. Does not run while the Cluster is paused. */
    readonly stuckAfter: Milliseconds;
    /** A pack's objects have to be applied within this. */
    readonly packMax: Milliseconds;
    /** Between two looks at whether what is applied is still so. */
    readonly keepEvery: Milliseconds;
    /** A write may meet a conflict or an unwilling API server for so long before the step fails. */
    readonly writeRefusedMax: Milliseconds;
  };
  readonly platform: {
    /** So long a gateway has to be quiet after an update of it before the platform's next hop. */
    readonly settle: Milliseconds;
  };
}

export const productionTimings: Timings = {
  poll: {
    interval: minutes(15),
    jitter: 0.1,
    failureBase: seconds(5),
    retryAfterMax: hours(1),
    whileWaitingForConfirmation: seconds(60),
    duringUpdate: seconds(5),
    unhealthyAfterDue: minutes(10),
  },
  lease: { duration: seconds(15), renewEvery: seconds(5), actAgeMax: seconds(10) },
  agentUpdate: {
    ownPodReadyBefore: seconds(60),
    rehearsalMax: minutes(10),
    readyDeadline: seconds(120),
    watch: seconds(60),
    takesLease: seconds(20),
    trialTold: seconds(60),
    roundMax: minutes(5),
    restartGrace: seconds(60),
    pullErrorAgain: seconds(15),
    interruptionsMax: 3,
    afterInterruption: minutes(5),
  },
  guard: { margin: seconds(15), crashWindow: minutes(10), crashes: 3, notReady: seconds(120) },
  profileUpdate: {
    preflightMax: minutes(30),
    preflightAgeMax: seconds(60),
    stuckAfter: minutes(20),
    packMax: minutes(15),
    keepEvery: seconds(15),
    writeRefusedMax: minutes(5),
  },
  platform: { settle: minutes(30) },
};
