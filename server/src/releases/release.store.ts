/** What was imported: signed files as they are served to agents, and the documents in them that decisions read. */

import type { ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import type { ReleaseFacts } from '@gatehouse/domain/gateway';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import type { Json, KubernetesObject, Profile } from '@gatehouse/domain/profile';
import type { Recall } from '@gatehouse/domain/recall-types';
import type { DatabaseTransaction, Queryable } from '../database/connection.ts';
import { kubernetesVersion, platformVersion } from '../gateways/observation-facts.ts';

export interface PlatformRow {
  readonly isSandbox: boolean;
  readonly version?: string;
  readonly versionSince?: Date;
  readonly rootFingerprint?: string;
  /** Only its releases are offered; absent: all are. */
  readonly channel?: string;
  /** On which the platform last moved, or a person last said that nothing is missing. */
  readonly databaseTimeline?: number;
  /** Registry prefix under which the images of the last imported bundle are. */
  readonly imagesAt?: string;
}

export async function selectPlatform(db: Queryable): Promise<PlatformRow> {
  return toPlatform(await db.selectFrom('platform').selectAll().executeTakeFirstOrThrow());
}

/** Waits for whoever else changes the platform's version, root or releases. */
export async function lockPlatform(tx: DatabaseTransaction): Promise<PlatformRow> {
  return toPlatform(await tx.selectFrom('platform').selectAll().forUpdate().executeTakeFirstOrThrow());
}

function toPlatform(row: {
  is_sandbox: boolean;
  version: string | null;
  version_since: Date | null;
  root_fingerprint: string | null;
  channel: string | null;
  database_timeline: number | null;
  images_at: string | null;
}): PlatformRow {
  return {
    isSandbox: row.is_sandbox,
    ...(row.version === null ? {} : { version: row.version }),
    ...(row.version_since === null ? {} : { versionSince: row.version_since }),
    ...(row.root_fingerprint === null ? {} : { rootFingerprint: row.root_fingerprint }),
    ...(row.channel === null ? {} : { channel: row.channel }),
    ...(row.database_timeline === null ? {} : { databaseTimeline: row.database_timeline }),
    ...(row.images_at === null ? {} : { imagesAt: row.images_at }),
  };
}

export async function updatePlatform(
  tx: DatabaseTransaction,
  change: {
    readonly version?: string;
    readonly rootFingerprint?: string;
    readonly isSandbox?: boolean;
    /** Null: none any more. */
    readonly channel?: string | null;
    readonly databaseTimeline?: number;
    readonly imagesAt?: string | undefined;
    readonly now: Instant;
  },
): Promise<void> {
  await tx
    .updateTable('platform')
    .set({
      ...(change.version === undefined ? {} : { version: change.version, version_since: new Date(change.now) }),
      ...(change.rootFingerprint === undefined ? {} : { root_fingerprint: change.rootFingerprint }),
      ...(change.isSandbox === undefined ? {} : { is_sandbox: change.isSandbox }),
      ...(change.channel === undefined ? {} : { channel: change.channel }),
      ...(change.databaseTimeline === undefined ? {} : { database_timeline: change.databaseTimeline }),
      ...(change.imagesAt === undefined ? {} : { images_at: change.imagesAt }),
    })
    .execute();
}

export async function selectReleaseDocuments(db: Queryable): Promise<readonly ReleaseDocument[]> {
  const rows = await db.selectFrom('releases as r').select('r.document').execute();
  return rows.map(({ document }) => document);
}

export async function selectReleaseDocument(db: Queryable, version: string): Promise<ReleaseDocument | undefined> {
  const row = await db
    .selectFrom('releases as r')
    .select('r.document')
    .where('r.version', '=', version)
    .executeTakeFirst();
  return row?.document;
}

/** Of all releases, or of one: what is signed and what an operator said. */
export async function selectRecalls(db: Queryable, version?: string): Promise<readonly Recall[]> {
  let query = db.selectFrom('recalls as c').selectAll();
  if (version !== undefined) query = query.where('c.version', '=', version);
  const rows = await query.execute();
  return rows.map((row) => ({
    platformVersion: platformVersion(row.version),
    reason: row.reason,
    at: toInstant(row.recalled_at.getTime()),
    isSigned: row.source === 'signed',
    by: row.recalled_by,
  }));
}

export async function selectProfileDocuments(
  db: Queryable,
  digests: readonly string[],
): Promise<ReadonlyMap<string, ProfileDocument>> {
  if (digests.length === 0) return new Map();
  const rows = await db
    .selectFrom('profiles as p')
    .select(['p.digest', 'p.document'])
    .where('p.digest', 'in', digests)
    .execute();
  return new Map(rows.map(({ digest, document }) => [digest, document]));
}

export type FileKind = 'metadata' | 'target' | 'trusted';

/** Replaces what is there, but for targets, which never change. */
export async function upsertReleaseFiles(
  tx: DatabaseTransaction,
  kind: FileKind,
  files: Readonly<Record<string, Uint8Array>>,
  now: Instant,
): Promise<void> {
  for (const [path, bytes] of Object.entries(files)) {
    await tx
      .insertInto('release_files')
      .values({ kind, path, bytes: Buffer.from(bytes), imported_at: new Date(now) })
      .onConflict((conflict) =>
        kind === 'target'
          ? conflict.columns(['kind', 'path']).doNothing()
          : conflict.columns(['kind', 'path']).doUpdateSet({
              bytes: (eb) => eb.ref('excluded.bytes'),
              imported_at: (eb) => eb.ref('excluded.imported_at'),
            }),
      )
      .execute();
  }
}

export async function selectReleaseFile(db: Queryable, kind: FileKind, path: string): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('release_files as f')
    .select('f.bytes')
    .where('f.kind', '=', kind)
    .where('f.path', '=', path)
    .executeTakeFirst();
  return row?.bytes;
}

/** What the last import left trusted, which is what the next one has to continue. */
export async function selectTrustedFiles(db: Queryable): Promise<Readonly<Record<string, Uint8Array>>> {
  const rows = await db
    .selectFrom('release_files as f')
    .select(['f.path', 'f.bytes'])
    .where('f.kind', '=', 'trusted')
    .execute();
  return Object.fromEntries(rows.map(({ path, bytes }) => [path, bytes]));
}

/** The oldest root that was imported: what an agent begins with, and from which the newer ones follow by their signatures. */
export async function selectFirstRoot(db: Queryable): Promise<Uint8Array | undefined> {
  const rows = await db
    .selectFrom('release_files as f')
    .select(['f.path', 'f.bytes'])
    .where('f.kind', '=', 'metadata')
    .where('f.path', 'like', '%.root.json')
    .execute();
  const [oldest] = rows.toSorted((a, b) => Number.parseInt(a.path, 10) - Number.parseInt(b.path, 10));
  return oldest?.bytes;
}

/** The versions that were not there before. */
export async function insertReleases(
  tx: DatabaseTransaction,
  documents: readonly ReleaseDocument[],
  now: Instant,
): Promise<readonly string[]> {
  const added: string[] = [];
  for (const document of documents) {
    const inserted = await tx
      .insertInto('releases')
      .values({ version: document.platformVersion, document: JSON.stringify(document), imported_at: new Date(now) })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (inserted.numInsertedOrUpdatedRows === 1n) added.push(document.platformVersion);
  }
  return added;
}

export async function insertProfile(
  tx: DatabaseTransaction,
  digest: string,
  document: ProfileDocument,
  now: Instant,
): Promise<void> {
  await tx
    .insertInto('profiles')
    .values({
      digest,
      provider: document.provider,
      version: document.version,
      document: JSON.stringify(document),
      imported_at: new Date(now),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** What the release says that concerns one gateway. */
export function toReleaseFacts(document: ReleaseDocument, provider: string): ReleaseFacts {
  const profile = Object.hasOwn(document.profiles, provider) ? document.profiles[provider] : undefined;
  return {
    platformVersion: platformVersion(document.platformVersion),
    agent: {
      version: platformVersion(document.agent.version),
      digest: document.agent.digest,
      kubernetesMin: kubernetesVersion(document.agent.kubernetes.min),
      kubernetesMax: kubernetesVersion(document.agent.kubernetes.max),
    },
    profileNeedsAgent: platformVersion(document.profileNeedsAgent),
    ...(profile === undefined
      ? {}
      : { profile: { version: platformVersion(profile.version), digest: profile.digest } }),
  };
}

export function toProfile(document: ProfileDocument, digest: string): Profile {
  return {
    provider: document.provider,
    version: platformVersion(document.version),
    digest,
    layers: document.layers.map(({ kind, packs }) => ({
      kind,
      packs: packs.map((pack) => ({
        name: pack.name,
        version: pack.version,
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Read from JSON, so it is what JSON can say.
        values: pack.values as { readonly [key: string]: Json },
        secretPaths: pack.secretPaths,
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- That each has a kind and a name was checked when it was built and is signed.
        objects: pack.objects as unknown as readonly KubernetesObject[],
        beforeNodes: pack.beforeNodes,
      })),
    })),
  };
}
