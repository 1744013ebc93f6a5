/** Profile updates of the attacker's: other profiles, other nodes, other steps, and settings that carry more than numbers. */

import { sha256Digest } from '@gatehouse/release/canonical-json';
import type { Attack } from './attack.ts';
import { withObject } from './file-attacks.ts';
import { markerObject, signedOrder, telling } from './lies.ts';
import { markerObjectName } from './marker.ts';

const has = 'server';

export const orderAttacks: readonly Attack[] = [
  {
    name: 'A profile is ordered that nobody signed, by the digest that it truly has',
    has,
    refusal: 'release-mismatch',
    begin: (field) => {
      const order = signedOrder(field);
      const bytes = withObject(field.repository.profileBytes('4.2.7', field.provider), markerObject(field));
      const digest = sha256Digest(bytes);
      return {
        ...telling({ profileUpdate: { ...order, to: { ...order.to, digest } } }),
        file: (_kind, name, honest) => (name.includes(digest.slice('sha256:'.length)) ? bytes : honest),
      };
    },
  },
  {
    name: 'A profile is ordered of a release that nobody signed',
    has,
    refusal: 'unknown-release',
    begin: (field) => telling({ profileUpdate: { ...signedOrder(field), release: '9.6.1' } }),
  },
  {
    name: 'The signed profile of another provider is ordered',
    has,
    refusal: 'release-mismatch',
    begin: (field) => {
      const to = field.repository.release('4.2.7').profiles['maas'];
      return telling({ profileUpdate: { ...signedOrder(field), to } });
    },
  },
  {
    name: 'What is proposed is signed, what is confirmed is not',
    has,
    refusal: 'release-mismatch',
    begin: (field) => {
      const proposed = signedOrder(field);
      const to = { ...proposed.to, digest: field.marker.digest };
      return telling({ proposed, profileUpdate: { ...proposed, to } });
    },
  },
  {
    name: 'What is confirmed is left out, what is proposed is not signed',
    has,
    refusal: 'release-mismatch',
    begin: (field) => {
      const order = signedOrder(field);
      return telling({ proposed: { ...order, to: { ...order.to, digest: field.marker.digest } } });
    },
  },
  {
    name: 'The gateway is told that it was installed with another profile',
    has,
    refusal: 'release-mismatch',
    begin: (field) => telling({ initialProfile: { release: '4.1.12', digest: field.marker.digest } }),
  },
  {
    name: 'The nodes of a signed profile are ordered with an OS image of the attacker’s',
    has,
    refusal: 'order-refused',
    begin: (field) => {
      const to = { kubernetes: '1.27.11', os: markerObjectName };
      const step = { id: 'control-planes', kind: 'control-planes', move: 'os', to, nodes: [] };
      return telling({ profileUpdate: { ...signedOrder(field), steps: [step] } });
    },
  },
  {
    name: 'They are ordered with another Kubernetes',
    has,
    refusal: 'order-refused',
    begin: (field) => {
      const to = { kubernetes: '1.28.0', os: 'ubuntu-2204-kube-v1.27.11' };
      const step = { id: 'control-planes', kind: 'control-planes', move: 'version', to, nodes: [] };
      return telling({ profileUpdate: { ...signedOrder(field), steps: [step] } });
    },
  },
  {
    name: 'A step is of a kind that applies a manifest',
    has,
    refusal: 'log:poll-failed',
    begin: (field) => {
      const step = { id: 'manifest', kind: 'manifest', objects: [markerObject(field)] };
      return telling({ profileUpdate: { ...signedOrder(field), steps: [step] } });
    },
  },
  {
    name: 'A step applies a pack that the signed profile does not have, and brings its objects along',
    has,
    refusal: 'order-refused',
    begin: (field) => {
      const id = `pack:add-ons/${markerObjectName}`;
      const step = { id, kind: 'pack', layer: 'add-ons', pack: markerObjectName, objects: [markerObject(field)] };
      return telling({ profileUpdate: { ...signedOrder(field), steps: [step] } });
    },
  },
  {
    name: 'A step deletes namespaces and definitions on its way',
    has,
    refusal: 'order-refused',
    begin: (field) => {
      const deletes = [
        { apiVersion: 'v1', kind: 'Namespace', name: 'kube-system' },
        { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: 'clusters.cluster.x-k8s.io' },
      ];
      const step = { id: 'pack:network/cilium', kind: 'pack', layer: 'network', pack: 'cilium', deletes };
      return telling({ profileUpdate: { ...signedOrder(field), steps: [step] } });
    },
  },
  {
    name: 'The number of control planes is YAML',
    has,
    refusal: 'log:poll-failed',
    begin: (field) => {
      const controlPlanes = `3\nimage: attacker.example/marker@${field.marker.digest}`;
      return telling({ settings: { controlPlanes, workers: 0 } });
    },
  },
  {
    name: 'The number of workers is an object',
    has,
    refusal: 'log:poll-failed',
    begin: (field) => telling({ settings: { controlPlanes: 1, workers: markerObject(field) } }),
  },
];
