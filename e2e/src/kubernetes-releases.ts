/** Releases for gateways on a real Kubernetes: profiles small enough to be read, and of everything that an update can do. */

import type { ProfileSource, ReleaseSource } from '@gatehouse/release/release-builder';
import type { AgentImage } from './agent-images.ts';

/** The one that `gateway create` and `gateway install` take when none is given. */
const provider = 'vsphere';

export interface ReleaseChoice {
  readonly version: string;
  /** `version` is the release's own when absent. */
  readonly agent: AgentImage & { readonly version?: string };
  readonly profile: ProfileSource;
  /** Explicit edges; empty for one that only new installations begin with, absent for the rule of thumb. */
  readonly upgradeFrom?: readonly string[];
  readonly notes?: string;
}

export function releaseSource(choice: ReleaseChoice): ReleaseSource {
  const { version, agent, profile, upgradeFrom, notes = 'For a story.' } = choice;
  return {
    platformVersion: version,
    channels: ['candidate'],
    serverMinimum: '0.1.0',
    // Wide: the cluster may be anybody's, and gateways of the stories run what Cluster API's newest still makes.
    agent: { ...agent, kubernetes: { min: '1.28.0', max: '1.40.0' } },
    profileNeedsAgent: agent.version ?? version,
    profiles: { [provider]: profile },
    ...(upgradeFrom === undefined ? {} : { upgradeFrom }),
    notes,
  };
}

type Pack = ProfileSource['layers'][number]['packs'][number];

export interface ProfileChoice {
  readonly version: string;
  readonly kubernetes: string;
  readonly os: string;
  readonly network?: readonly Pack[];
  readonly storage?: readonly Pack[];
  readonly addOns?: readonly Pack[];
}

export function profileSource(choice: ProfileChoice): ProfileSource {
  const { version, kubernetes, os, network = [], storage = [], addOns = [] } = choice;
  return {
    version,
    layers: [
      { kind: 'os', packs: [pack('ubuntu', '22.4.0', { values: { image: os } })] },
      { kind: 'kubernetes', packs: [pack('kubernetes', kubernetes, {})] },
      { kind: 'network', packs: [...network] },
      { kind: 'storage', packs: [...storage] },
      { kind: 'add-ons', packs: [...addOns] },
    ],
  };
}

export function pack(name: string, version: string, more: Partial<Omit<Pack, 'name' | 'version'>>): Pack {
  return { name, version, values: {}, secretPaths: [], objects: [], beforeNodes: false, ...more };
}

type KubernetesObject = Pack['objects'][number];

export function namespace(name: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

export function configMap(inNamespace: string, name: string, data: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: inNamespace }, data };
}
