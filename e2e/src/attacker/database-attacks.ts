/** The program is the honest one; what it reads is not. */

import type { Attack, Battlefield } from './attack.ts';
import { markerRelease } from './lies.ts';
import { documentBytes } from './stolen-repository.ts';

const has = 'server';

/** Lets the control plane decide about the gateway again, with all it now finds in its database. */
async function decideAgain({ admin, gateway }: Battlefield): Promise<void> {
  await admin.setPause({ body: { scope: 'gateway', name: gateway, reason: 'so that it looks again' } });
  await admin.clearPause({ params: { scope: 'gateway', name: gateway } });
}

interface Spoiling {
  readonly begin: (field: Battlefield) => Promise<object>;
  readonly end: (field: Battlefield) => Promise<void>;
}

/** Runs `spoil`; when the attack ends, the tables are put back as they were. */
export function spoiling(tables: readonly string[], spoil: (field: Battlefield) => Promise<unknown>): Spoiling {
  const kept = (table: string): string => `before_the_attack_${table}`;
  return {
    begin: async (field) => {
      for (const table of tables) await field.sql(`create table ${kept(table)} as table ${table}`);
      await spoil(field);
      await decideAgain(field);
      return {};
    },
    end: async (field) => {
      for (const table of tables) {
        await field.sql(`delete from ${table}`);
        await field.sql(`insert into ${table} table ${kept(table)}`);
        await field.sql(`drop table ${kept(table)}`);
      }
      await decideAgain(field);
    },
  };
}

export const databaseAttacks: readonly Attack[] = [
  {
    name: 'The table of releases says that the agent of the platform’s release is the marker',
    has,
    refusal: 'release-mismatch',
    ...spoiling(['releases'], (field) =>
      field.sql(`update releases set document = jsonb_set(document, '{agent,digest}', $1) where version = '4.1.12'`, [
        JSON.stringify(field.marker.digest),
      ]),
    ),
  },
  {
    name: 'The platform is set to a release that is in the database alone',
    has,
    refusal: 'unknown-release',
    ...spoiling(['platform', 'releases'], async (field) => {
      const document = JSON.stringify(markerRelease(field, '9.5.1'));
      await field.sql(`insert into releases values ('9.5.1', $1, now())`, [document]);
      await field.sql(`update platform set version = '9.5.1'`);
    }),
  },
  {
    name: 'Release, files and metadata in the database are the attacker’s own, whole and signed by them',
    has,
    refusal: 'signature-wrong',
    ...spoiling(['release_files', 'platform', 'releases'], async (field) => {
      const release = markerRelease(field, '9.5.2');
      const forged = field.repository.forge({
        targets: {
          'releases/9.5.2.json': documentBytes(release),
          [release.agent.bundle ?? '']: field.marker.bundle,
        },
      });
      for (const [kind, files] of [
        ['metadata', forged.metadata],
        ['target', forged.targets],
      ] as const) {
        for (const [path, bytes] of files) {
          await field.sql(
            `insert into release_files values ($1, $2, $3, now()) on conflict (kind, path) do update set bytes = excluded.bytes`,
            [kind, path, Buffer.from(bytes)],
          );
        }
      }
      await field.sql(`insert into releases values ('9.5.2', $1, now()) on conflict do nothing`, [
        JSON.stringify(release),
      ]);
      await field.sql(`update platform set version = '9.5.2'`);
    }),
  },
];
