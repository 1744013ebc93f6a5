/**
 * When the agent's Deployments named which image, and when its containers ended, as seen from outside twice a second: what
 * a story measures the product by is not what the product says of itself.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { objectNames } from '@gatehouse/release/object-names';
import { type ClusterObject, type ClusterView, kinds } from './cluster-view.ts';
import { items, text } from './json.ts';

/** Milliseconds of one monotonic clock. */
export interface Span {
  readonly from: number;
  /** Undefined while it lasts. */
  readonly to: number | undefined;
}

export interface WatchedAgents {
  /** Each time that the Deployment in that namespace named an image with that digest, oldest first. */
  readonly spansOf: (namespace: string, digest: string) => readonly Span[];
  /** When the ends of containers with that image were first seen there. */
  readonly endsOf: (namespace: string, digest: string) => readonly number[];
  /** Throws what stopped it from looking, if anything did. */
  readonly stop: () => Promise<void>;
}

const everyMilliseconds = 500;
const labels = `app.kubernetes.io/name=${objectNames.agent}`;

export function watchAgents(cluster: ClusterView): WatchedAgents {
  const named = new Map<string, { readonly digest: string; readonly at: number }[]>();
  const ended = new Map<string, number>();
  const stopped = new AbortController();
  const look = async (): Promise<void> => {
    const [deployments, pods] = await Promise.all([
      cluster.list(kinds.deployment, { labels }),
      cluster.list(kinds.pod, { labels }),
    ]);
    const at = performance.now();
    for (const deployment of deployments) {
      const history = named.get(namespaceOf(deployment)) ?? [];
      const digest = digestOf(items(deployment, 'spec', 'template', 'spec', 'containers'));
      if (history.at(-1)?.digest !== digest) named.set(namespaceOf(deployment), [...history, { digest, at }]);
    }
    for (const pod of pods) {
      const digest = digestOf(items(pod, 'spec', 'containers'));
      for (const status of items(pod, 'status', 'containerStatuses')) {
        for (const state of ['state', 'lastState']) {
          const finishedAt = text(status, state, 'terminated', 'finishedAt');
          const end = endKey(namespaceOf(pod), digest, `${pod.metadata.uid} ${finishedAt}`);
          if (finishedAt !== undefined && !ended.has(end)) ended.set(end, at);
        }
      }
    }
  };
  const looking = (async () => {
    while (!stopped.signal.aborted) {
      await look();
      await pause(everyMilliseconds);
    }
  })();
  // Told by `stop`.
  looking.catch(() => undefined);
  return {
    spansOf: (namespace, digest) => {
      const history = named.get(namespace) ?? [];
      return history.flatMap((one, index) =>
        one.digest === digest ? [{ from: one.at, to: history[index + 1]?.at }] : [],
      );
    },
    endsOf: (namespace, digest) =>
      [...ended].flatMap(([end, at]) => (end.startsWith(endKey(namespace, digest, '')) ? [at] : [])),
    async stop() {
      stopped.abort();
      await looking;
    },
  };
}

const endKey = (namespace: string, digest: string, which: string): string => `${namespace} ${digest} ${which}`;
const namespaceOf = ({ metadata }: ClusterObject): string => metadata.namespace ?? '';
const digestOf = ([container]: readonly unknown[]): string => text(container, 'image')?.split('@')[1] ?? '';
