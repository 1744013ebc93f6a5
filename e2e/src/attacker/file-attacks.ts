/** Files of the repository with other contents under names that are signed, served by the stolen server or from its database. */

import type { Attack } from './attack.ts';
import { markerAgent, markerRelease, signedAgent, signedOrder, telling } from './lies.ts';
import { documentBytes } from './stolen-repository.ts';

const has = 'server';

/** `<sha256>.4.2.8.json` below `releases/`. */
const isReleaseFile = (name: string, version: string): boolean =>
  name.startsWith('releases/') && name.endsWith(`.${version}.json`);

export const fileAttacks: readonly Attack[] = [
  {
    name: 'The document of a signed release is another one, whose agent is the marker',
    has,
    refusal: 'digest-mismatch',
    begin: (field) => ({
      ...telling({ agent: { ...signedAgent(field, '4.2.8'), digest: field.marker.digest } }),
      file: (_kind, name, honest) =>
        isReleaseFile(name, '4.2.8') ? documentBytes(markerRelease(field, '4.2.8')) : honest,
    }),
  },
  {
    name: 'The document of a signed release is that of another signed release',
    has,
    refusal: 'digest-mismatch',
    begin: (field) => ({
      ...telling({ agent: markerAgent(field, '4.2.9') }),
      file: (_kind, name, honest) =>
        isReleaseFile(name, '4.2.9') ? documentBytes(field.repository.release('4.1.12')) : honest,
    }),
  },
  {
    name: 'It is the signed document with more behind its end',
    has,
    refusal: 'file-too-large',
    begin: (field) => ({
      ...telling({ agent: markerAgent(field, '4.2.10') }),
      file: (_kind, name, honest) =>
        isReleaseFile(name, '4.2.10') && honest !== undefined
          ? Buffer.concat([honest, documentBytes(markerRelease(field, '4.2.10'))])
          : honest,
    }),
  },
  {
    name: 'It is cut off where the attacker’s document may follow',
    has,
    refusal: 'digest-mismatch',
    begin: (field) => ({
      ...telling({ agent: markerAgent(field, '4.2.11') }),
      file: (_kind, name, honest) => (isReleaseFile(name, '4.2.11') ? honest?.subarray(0, 100) : honest),
    }),
  },
  {
    name: 'It is taken away, so that the gateway might do without it',
    has,
    refusal: 'file-missing',
    begin: (field) => ({
      ...telling({ agent: markerAgent(field, '4.2.12') }),
      file: (_kind, name, honest) => (isReleaseFile(name, '4.2.12') ? undefined : honest),
    }),
  },
  {
    name: 'Its bundle is a path out of the repository',
    has,
    refusal: 'digest-mismatch',
    begin: (field) => {
      const release = markerRelease(field, '4.2.13');
      const agent = { ...release.agent, bundle: '../../../../tmp/marker.mjs' };
      return {
        ...telling({ agent: markerAgent(field, '4.2.13') }),
        file: (_kind, name, honest) => (isReleaseFile(name, '4.2.13') ? documentBytes({ ...release, agent }) : honest),
      };
    },
  },
  {
    name: 'The profile of a signed release runs the marker’s image in place of one of its own',
    has,
    refusal: 'digest-mismatch',
    begin: (field) => {
      const order = signedOrder(field);
      const hexDigest = order.to.digest.slice('sha256:'.length);
      return {
        ...telling({ profileUpdate: order }),
        file: (_kind, name, honest) => {
          if (honest === undefined || !name.startsWith('profiles/') || !name.includes(hexDigest)) return honest;
          // Of the same length, so that nothing but the digest tells.
          return Buffer.from(
            Buffer.from(honest)
              .toString('utf8')
              .replace(/sha256:[0-9a-f]{64}/, field.marker.digest),
          );
        },
      };
    },
  },
];

/** In the first pack of the last layer. */
export function withObject(profile: Uint8Array, object: object): Uint8Array {
  const document: { layers: { packs: { objects: object[] }[] }[] } = JSON.parse(Buffer.from(profile).toString('utf8'));
  document.layers.at(-1)?.packs[0]?.objects.push(object);
  return documentBytes(document);
}
