/**
 * Trouble on purpose, so that there is something to explain, and its mending. Over the socket `control.sock` in the
 * sandbox's folder: `POST /break` or `POST /mend` with `{"gateway": NAME, "by": TROUBLE}`. Replies: 200 with
 * `{"message"}`, when it would be so after a kill too; 404 for a gateway the sandbox does not have; 409 where the trouble
 * cannot be; 500 when it could not be written down; 400 for anything else.
 * (A path too long for a socket is a symbolic link to it: connect to its real path.)
 */

import Type from 'typebox';
import { Check } from 'typebox/value';
import type { PodOrder } from '../cluster/simulated/pod-runtime.ts';
import type { SimulatedCluster } from '../cluster/simulated/simulated-cluster.ts';
import type { SimulatedState, Troubles } from '../cluster/simulated/state.ts';
import { without } from '../cluster/simulated/store.ts';

const TroubleRequest = Type.Object({
  gateway: Type.String({ maxLength: 63 }),
  by: Type.Enum(['bad-agent', 'no-address', 'pause']),
});
export type Trouble = 'bad-agent' | 'no-address' | 'pause';

export interface TroubleReply {
  readonly status: 200 | 400 | 404 | 409;
  readonly message: string;
  /** The gateway whose cluster was changed. */
  readonly gateway?: string;
}

export function answerTrouble(
  verb: string,
  body: unknown,
  find: (gateway: string) => SimulatedCluster | undefined,
): TroubleReply {
  if (verb !== 'break' && verb !== 'mend') {
    return { status: 404, message: `The sandbox knows POST /break and POST /mend, not /${verb}.` };
  }
  if (!Check(TroubleRequest, body)) {
    return { status: 400, message: 'Say which: {"gateway": NAME, "by": "bad-agent" | "no-address" | "pause"}.' };
  }
  const { gateway, by } = body;
  const cluster = find(gateway);
  if (cluster === undefined) return { status: 404, message: `The sandbox has no gateway ${gateway}.` };
  if (by !== 'bad-agent' && cluster.read().clusterApi === undefined) {
    const message = `${gateway} is an existing cluster: its owner keeps its nodes, so there is no Cluster to trouble. Use --by bad-agent.`;
    return { status: 409, message };
  }
  const message = verb === 'break' ? breakIt(cluster, by) : mend(cluster, by);
  return { status: 200, message: `${gateway}: ${message}`, gateway };
}

function breakIt(cluster: SimulatedCluster, by: Trouble): string {
  switch (by) {
    case 'bad-agent': {
      const except = [...knownAgents(cluster.read())];
      cluster.setTroubles((troubles) => ({ ...troubles, badAgent: { except } }));
      return 'the next agent it is offered exits at its start.';
    }
    case 'no-address':
      cluster.setTroubles((troubles) => ({ ...troubles, noAddress: true }));
      return 'a new machine gets no address and never starts.';
    case 'pause':
      cluster.owner.pauseCluster(true);
      return 'its owner has paused the Cluster.';
  }
}

function mend(cluster: SimulatedCluster, by: Trouble): string {
  switch (by) {
    case 'bad-agent':
      cluster.setTroubles((troubles): Troubles => without(troubles, 'badAgent'));
      return 'agents are as they were published. A version that was taken back waits for `agent-update retry`.';
    case 'no-address':
      cluster.setTroubles((troubles): Troubles => without(troubles, 'noAddress'));
      return 'the next new machine gets an address. One that got none stays as it is: `profile-update retry` replaces it.';
    case 'pause':
      cluster.owner.pauseCluster(false);
      return 'its owner lets the Cluster go on.';
  }
}

/** The agents that run there, or did: those go on. */
function knownAgents({ pods, replicaSets, deployment }: SimulatedState): ReadonlySet<string> {
  return new Set([
    ...pods.filter(({ owner }) => owner.kind !== 'rehearsal').map(({ release }) => release.digest),
    ...replicaSets.map(({ template }) => template.release.digest),
    ...(deployment === undefined ? [] : [deployment.template.release.digest]),
  ]);
}

export function isSabotaged({ troubles }: SimulatedState, { release }: PodOrder): boolean {
  return troubles.badAgent !== undefined && !troubles.badAgent.except.includes(release.digest);
}
