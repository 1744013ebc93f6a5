/** A repository that names the marker, with every signature the attacker can make or take from elsewhere. */

import type { Attack, Battlefield } from './attack.ts';
import { type ForgingKey, hex, type Json, metaOf, open, seal } from './forge.ts';
import { markerAgent, markerRelease, telling } from './lies.ts';
import { asObject, documentBytes, type Forged, type StolenRepository, serve } from './stolen-repository.ts';
import type { Lie } from './stolen-server.ts';

const server = 'server';
const online = 'server, snapshot and timestamp keys';
const oneTargetsKey = 'server, snapshot and timestamp keys, one targets key';

type Forgery = Omit<Parameters<StolenRepository['forge']>[0], 'targets'>;

/** A release of the marker, signed as told, and a target that names it. */
function forging(field: Battlefield, version: string, forgery: Forgery = {}): Lie {
  return { ...naming(field, version), file: serve(forge(field, version, forgery)) };
}

const naming = (field: Battlefield, version: string): Lie => telling({ agent: markerAgent(field, version) });

function forge(field: Battlefield, version: string, forgery: Forgery = {}): Forged {
  const release = documentBytes(markerRelease(field, version));
  const bundle = `agents/${field.marker.digest.slice('sha256:'.length)}.mjs`;
  return field.repository.forge({
    ...forgery,
    targets: { [`releases/${version}.json`]: release, [bundle]: field.marker.bundle },
  });
}

/** Everything is signed by the stolen keys but the targets, which are signed as told. */
const withOnlineKeys = ({ repository }: Battlefield, forgery: Forgery = {}): Forgery => ({
  signSnapshot: [repository.keys.snapshot],
  signTimestamp: [repository.keys.timestamp],
  ...forgery,
});

/** Says that its signatures are of another key. */
const disguised = (key: ForgingKey, as: string): ForgingKey => ({ ...key, keyId: as });

function targetsKeyIds({ repository }: Battlefield): readonly string[] {
  const role = asObject(asObject(repository.current('root').signed['roles'])['targets']);
  return Array.isArray(role['keyids']) ? role['keyids'].map(String) : [];
}

/** The next root, with the attacker's key in every role. */
export function attackersRoot({ repository }: Battlefield): Json {
  const root = repository.current('root').signed;
  const { keyId, publicKey } = repository.key;
  root['version'] = Number(root['version']) + 1;
  root['keys'] = { [keyId]: { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicKey } } };
  const role = { keyids: [keyId], threshold: 1 };
  root['roles'] = { root: role, targets: role, snapshot: role, timestamp: role };
  return root;
}

function withRoot(field: Battlefield, version: string, root: Uint8Array): Lie {
  const number = Number(open(root).signed['version']);
  const roots = { metadata: new Map([[`${number}.root.json`, root]]), targets: new Map<string, Uint8Array>() };
  return { ...naming(field, version), file: serve(roots, forge(field, version)) };
}

const inThePast = (signed: Json): void => {
  signed['expires'] = '2020-01-01T00:00:00Z';
};

const forgeries: readonly Attack[] = [
  {
    name: 'All metadata is signed anew with the attacker’s own key',
    has: server,
    refusal: 'signature-wrong',
    begin: (field) => forging(field, '9.7.1'),
  },
  {
    name: 'The attacker’s key signs under the name of the publisher’s',
    has: online,
    refusal: 'signature-wrong',
    begin: (field) => {
      const { repository } = field;
      const signTargets = targetsKeyIds(field).map((keyId) => disguised(repository.key, keyId));
      return forging(field, '9.7.2', withOnlineKeys(field, { signTargets }));
    },
  },
  {
    name: 'Changed targets carry the signatures that the unchanged ones had',
    has: online,
    refusal: 'signature-wrong',
    begin: (field) => {
      const { signatures } = field.repository.current('targets');
      const copied = signatures.map(
        (signature): ForgingKey => ({
          ...field.repository.key,
          keyId: String(signature['keyid']),
          sign: () => String(signature['sig']),
        }),
      );
      return forging(field, '9.7.3', withOnlineKeys(field, { signTargets: copied }));
    },
  },
  {
    name: 'Stolen snapshot and timestamp keys vouch for targets that the attacker signed',
    has: online,
    refusal: 'signature-wrong',
    begin: (field) => forging(field, '9.7.4', withOnlineKeys(field)),
  },
  {
    name: 'The stolen keys sign the targets themselves',
    has: online,
    refusal: 'signature-wrong',
    begin: (field) => {
      const { snapshot, timestamp } = field.repository.keys;
      return forging(field, '9.7.5', withOnlineKeys(field, { signTargets: [snapshot, timestamp] }));
    },
  },
  {
    name: 'One targets key signs many times, where two are needed',
    has: oneTargetsKey,
    refusal: 'metadata-malformed',
    begin: (field) => {
      const { oneOfTargets } = field.repository.keys;
      const signTargets = [oneOfTargets, oneOfTargets, oneOfTargets];
      return forging(field, '9.7.6', withOnlineKeys(field, { signTargets }));
    },
  },
  {
    name: 'One targets key signs under the names of the others too',
    has: oneTargetsKey,
    refusal: 'signature-wrong',
    begin: (field) => {
      const { oneOfTargets } = field.repository.keys;
      const signTargets = targetsKeyIds(field).map((keyId) => disguised(oneOfTargets, keyId));
      return forging(field, '9.7.17', withOnlineKeys(field, { signTargets }));
    },
  },
  {
    name: 'Targets carry no signature at all',
    has: online,
    refusal: 'signature-wrong',
    begin: (field) => forging(field, '9.7.7', withOnlineKeys(field, { signTargets: [] })),
  },
  {
    name: 'Targets delegate the releases to a key of the attacker’s',
    has: online,
    refusal: 'signature-wrong',
    begin: (field) => {
      const { keyId, publicKey } = field.repository.key;
      const delegations = {
        keys: { [keyId]: { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicKey } } },
        roles: [{ name: 'more', keyids: [keyId], threshold: 1, terminating: true, paths: ['releases/*', 'agents/*'] }],
      };
      const changeTargets = (signed: Json): void => {
        signed['delegations'] = delegations;
      };
      return forging(field, '9.7.8', withOnlineKeys(field, { changeTargets }));
    },
  },
  {
    name: 'A new root that the attacker alone has signed',
    has: server,
    refusal: 'signature-wrong',
    begin: (field) => withRoot(field, '9.7.9', seal(attackersRoot(field), [field.repository.key])),
  },
  {
    name: 'A new root with the signatures of the old one',
    has: online,
    refusal: 'signature-wrong',
    begin: (field) => {
      const { signatures } = field.repository.current('root');
      const root = Buffer.from(JSON.stringify({ signed: attackersRoot(field), signatures }));
      return withRoot(field, '9.7.10', root);
    },
  },
  {
    name: 'A new root signed with every stolen key',
    has: online,
    refusal: 'signature-wrong',
    begin: (field) => {
      const { key, keys } = field.repository;
      return withRoot(field, '9.7.11', seal(attackersRoot(field), [keys.snapshot, keys.timestamp, key]));
    },
  },
  {
    name: 'The repository goes back to how it was before the newest publication',
    has: server,
    refusal: 'rollback',
    begin: (field) => ({
      ...naming(field, '9.7.12'),
      file: (_kind, name, honest) => (name === 'timestamp.json' ? field.repository.olderTimestamp : honest),
    }),
  },
  {
    name: 'A stolen key lets the snapshot name older targets',
    has: online,
    refusal: 'rollback',
    begin: (field) => {
      const older = Number(field.repository.current('targets').signed['version']) - 1;
      const bytes = field.repository.read('metadata', `${older}.targets.json`);
      const changeSnapshot = (signed: Json): void => {
        signed['meta'] = { 'targets.json': metaOf(older, bytes) };
      };
      return forging(field, '9.7.13', withOnlineKeys(field, { changeSnapshot }));
    },
  },
  {
    name: 'A stolen key lets the snapshot leave the targets out',
    has: online,
    refusal: 'rollback',
    begin: (field) => {
      const changeSnapshot = (signed: Json): void => {
        signed['meta'] = {};
      };
      return forging(field, '9.7.14', withOnlineKeys(field, { changeSnapshot }));
    },
  },
  {
    name: 'A snapshot of now is served with targets of another time',
    has: online,
    refusal: 'digest-mismatch',
    begin: (field) => {
      const changeSnapshot = (signed: Json): void => {
        const meta = asObject(asObject(signed['meta'])['targets.json']);
        signed['meta'] = { 'targets.json': { ...meta, hashes: { sha256: hex(Buffer.from('other')) } } };
      };
      return forging(field, '9.7.15', withOnlineKeys(field, { changeSnapshot }));
    },
  },
  {
    name: 'Time stands still: metadata that has expired is shown as the newest',
    has: online,
    refusal: 'metadata-expired',
    begin: (field) => forging(field, '9.7.16', withOnlineKeys(field, { changeTimestamp: inThePast })),
  },
];

export const metadataAttacks: readonly Attack[] = forgeries.map((attack) => ({
  ...attack,
  // What stolen keys have signed is newer than the publisher's own, until the publisher signs again.
  end: async ({ repository }) => {
    if (attack.has !== server) repository.renew();
  },
}));
