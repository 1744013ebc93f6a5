/** A stolen control plane and somebody who installs a new gateway from it, with the publisher's root in hand. */

import { createHash } from 'node:crypto';
import type { Attack, Battlefield } from './attack.ts';
import { spoiling } from './database-attacks.ts';
import { seal } from './forge.ts';
import { markerRelease } from './lies.ts';
import { attackersRoot } from './metadata-attacks.ts';
import { documentBytes } from './stolen-repository.ts';

export interface InstallationAttack extends Pick<Attack, 'name' | 'has' | 'refusal'> {
  readonly verb: 'create' | 'install';
  /** What the refusal says, on the terminal of whoever installs. */
  readonly says: RegExp;
  readonly begin: (field: Battlefield) => Promise<object>;
  readonly end: (field: Battlefield) => Promise<void>;
}

const has = 'server, during an installation';

/** The root that new gateways are given is the attacker's, and everything else is signed by it. */
const withOwnRoot = spoiling(['release_files'], async (field) => {
  const { repository, sql } = field;
  const root = attackersRoot(field);
  root['version'] = 1;
  const bytes = Buffer.from(seal(root, [repository.key]));
  await sql(`update release_files set bytes = $1 where kind = 'metadata' and path = '1.root.json'`, [bytes]);
});

const withOwnAgent = spoiling(['releases'], ({ sql, marker }) =>
  sql(`update releases set document = jsonb_set(document, '{agent,digest}', $1)`, [JSON.stringify(marker.digest)]),
);

const withOwnRelease = spoiling(['releases', 'platform'], async (field) => {
  const document = Buffer.from(documentBytes(markerRelease(field, '9.4.1'))).toString('utf8');
  await field.sql(`insert into releases values ('9.4.1', $1, now())`, [document]);
  await field.sql(`update platform set version = '9.4.1'`);
});

/** Both by digest, as the signed profile has it, and with the digest computed anew: a table is whatever its owner writes. */
const withOwnNodes = spoiling(['profiles'], ({ sql }) =>
  sql(`update profiles set document = jsonb_set(document, '{layers,0,packs,0,values,image}', $1)`, [
    JSON.stringify(`marker-${createHash('sha256').update('os').digest('hex').slice(0, 8)}`),
  ]),
);

export const installationAttacks: readonly InstallationAttack[] = [
  {
    name: 'The install manifest carries a root of the attacker’s (`gateway create --root`)',
    has,
    refusal: 'root-differs',
    verb: 'create',
    says: /carries a root of trust with the fingerprint/,
    ...withOwnRoot,
  },
  {
    name: 'The install manifest runs the marker as guard and agent (`gateway create --root`)',
    has,
    refusal: 'manifest-differs',
    verb: 'create',
    says: /manifest runs the image/,
    ...withOwnAgent,
  },
  {
    name: 'It is that of a release that nobody signed (`gateway create --root`)',
    has,
    refusal: 'unknown-release',
    verb: 'create',
    says: /no signed release 9\.4\.1/,
    ...withOwnRelease,
  },
  {
    name: 'The objects that are sent to be applied carry a root of the attacker’s (`gateway install --root`)',
    has,
    refusal: 'root-differs',
    verb: 'install',
    says: /carries a root of trust with the fingerprint/,
    ...withOwnRoot,
  },
  {
    name: 'They run the marker as guard and agent (`gateway install --root`)',
    has,
    refusal: 'manifest-differs',
    verb: 'install',
    says: /manifest runs the image/,
    ...withOwnAgent,
  },
  {
    name: 'The nodes of the new gateway are made from an image of the attacker’s (`gateway install --root`)',
    has,
    refusal: 'nodes-differ',
    verb: 'install',
    says: /says that nodes are made with/,
    ...withOwnNodes,
  },
];
