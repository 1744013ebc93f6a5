/** How much shorter everything is in the sandbox: an agent's update takes some 20 seconds instead of some minutes. */

import { minutes, seconds } from '@gatehouse/domain/instant';
import { productionTimings, type Timings } from '@gatehouse/domain/timings';

export const sandboxTimings: Timings = {
  poll: {
    ...productionTimings.poll,
    interval: seconds(3),
    failureBase: seconds(1),
    whileWaitingForConfirmation: seconds(2),
    duringUpdate: seconds(1),
    unhealthyAfterDue: seconds(30),
  },
  lease: { duration: seconds(6), renewEvery: seconds(2), actAgeMax: seconds(4) },
  agentUpdate: {
    ...productionTimings.agentUpdate,
    ownPodReadyBefore: seconds(3),
    rehearsalMax: minutes(1),
    readyDeadline: seconds(15),
    watch: seconds(4),
    // Not shorter: on a busy laptop a process takes seconds for what a pod does at once, and that is not to be blamed.
    takesLease: productionTimings.agentUpdate.takesLease,
    trialTold: productionTimings.agentUpdate.trialTold,
    roundMax: minutes(2),
    restartGrace: seconds(5),
    pullErrorAgain: seconds(3),
    afterInterruption: seconds(10),
  },
  guard: { ...productionTimings.guard, margin: seconds(5), crashWindow: minutes(1), notReady: seconds(15) },
  profileUpdate: {
    ...productionTimings.profileUpdate,
    preflightMax: minutes(1),
    preflightAgeMax: seconds(10),
    stuckAfter: seconds(30),
    packMax: minutes(1),
    writeRefusedMax: seconds(20),
  },
  // The control plane's own; no agent waits for it.
  platform: productionTimings.platform,
};
