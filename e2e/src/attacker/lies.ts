/** Lies that many attacks are made of. */

import type { ProfileUpdateOrder, Target } from '@gatehouse/contract/agent-api';
import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import type { Battlefield } from './attack.ts';
import { markerObjectName } from './marker.ts';
import type { Lie } from './stolen-server.ts';

/** The honest target with something else in it. */
export const telling = (more: object): Lie => ({ target: (honest) => ({ ...honest, ...more }) });

export type NamedAgent = NonNullable<Target['agent']>;

/** An agent as an honest server would name it. */
export function signedAgent({ repository }: Battlefield, version: string): NamedAgent {
  const { agent } = repository.release(version);
  return { release: version, version: agent.version, digest: agent.digest, isRetried: false };
}

/** The marker as an agent of a release that nobody signed. Each attack takes a version of its own. */
export function markerAgent({ marker }: Battlefield, version: string): NamedAgent {
  return { release: version, version, digest: marker.digest, isRetried: false };
}

/** What a release would say whose agent is the marker. */
export function markerRelease({ repository, marker }: Battlefield, version: string): ReleaseDocument {
  const { agent, ...rest } = repository.release('4.1.12');
  const bundle = `agents/${marker.digest.slice('sha256:'.length)}.mjs`;
  return {
    ...rest,
    platformVersion: version,
    upgradeFrom: [{ from: '4.1.12' }],
    agent: { ...agent, version, digest: marker.digest, bundle },
  };
}

/** A Kubernetes object that runs the marker's image. */
export function markerObject({ marker }: Battlefield): object {
  const image = `attacker.example/marker@${marker.digest}`;
  const labels = { app: markerObjectName };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: markerObjectName, namespace: 'kube-system', labels },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'marker', image }] } },
    },
  };
}

/** An order that an honest server could give: the profile of 4.2.7, with one pack of it as its only step. */
export function signedOrder({ repository, provider }: Battlefield, version = '4.2.7'): ProfileUpdateOrder {
  const pointerOf = (release: string) => {
    const pointer = repository.release(release).profiles[provider];
    if (pointer === undefined) throw new Error(`no ${provider} profile in ${release}`);
    return pointer;
  };
  return {
    planId: `sha256:${'5'.repeat(64)}`,
    release: version,
    from: pointerOf('4.1.12'),
    to: pointerOf(version),
    steps: [],
    retry: 0,
    isCancelled: false,
  };
}
