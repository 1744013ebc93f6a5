/**
 * The publisher's act of marking a release bad: an entry more in the signed list of recalls. An entry that was there
 * never goes, and what it says never changes.
 */

import { RecallDocument } from '@gatehouse/contract/release-document';
import { Value } from 'typebox/value';
import { canonicalJson } from './canonical-json.ts';
import type { KeyRefusalCode } from './keys.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import { type KeyedOrder, publishWithKeys, requestWithKeys } from './publish-with-keys.ts';
import type { RepositoryChange } from './repository-change.ts';
import type { SigningRequest } from './signing-request.ts';
import { recallsPath, releasePath } from './trusted-releases.ts';
import { type RepositoryRefusalCode, readPublishedTarget } from './tuf-repository.ts';

export type RecallRefusalCode = KeyRefusalCode | RepositoryRefusalCode | 'release-unknown' | 'recall-invalid';

export interface PublishedRecall {
  readonly recall: RecallDocument['recalls'][number];
  /** False when it was recalled before; nothing was published then. */
  readonly isNew: boolean;
}

export interface RecallOrder extends KeyedOrder {
  readonly version: string;
  readonly reason: string;
}

export async function publishRecall(order: RecallOrder): Promise<Outcome<PublishedRecall, RecallRefusalCode>> {
  const planned = await planRecall(order);
  if (planned.kind === 'refused') return planned;
  const { recall, isNew, change } = planned.value;
  const published = change === undefined ? ok(undefined) : await publishWithKeys(order, change);
  return published.kind === 'refused' ? published : ok({ recall, isNew });
}

/** The same as a signing request, for others to sign; none where it was recalled before. Publishes nothing. */
export async function prepareRecall(
  order: RecallOrder,
): Promise<Outcome<PublishedRecall & { readonly request: SigningRequest | undefined }, RecallRefusalCode>> {
  const planned = await planRecall(order);
  if (planned.kind === 'refused') return planned;
  const { recall, isNew, change } = planned.value;
  if (change === undefined) return ok({ recall, isNew, request: undefined });
  const request = await requestWithKeys(order, change);
  return request.kind === 'refused' ? request : ok({ recall, isNew, request: request.value });
}

async function planRecall({
  repositoryDirectory: directory,
  version,
  reason,
  now,
}: RecallOrder): Promise<
  Outcome<PublishedRecall & { readonly change: RepositoryChange | undefined }, RecallRefusalCode>
> {
  const release = await readPublishedTarget(directory, releasePath(version));
  if (release.kind === 'refused') return release;
  if (release.value === undefined) {
    return refused({
      code: 'release-unknown',
      message: `${directory} holds no release ${version}, so there is none to recall.`,
      nextStep: 'Name a version that was published into it.',
    });
  }
  const published = await readRecalls(directory);
  if (published.kind === 'refused') return published;
  const before = published.value.find(({ platformVersion }) => platformVersion === version);
  if (before !== undefined) return ok({ recall: before, isNew: false, change: undefined });
  const recall = { platformVersion: version, reason, recalledAt: now.toISOString() };
  const document: RecallDocument = { schema: 1, recalls: [...published.value, recall] };
  if (!Value.Check(RecallDocument, document)) {
    return refused({
      code: 'recall-invalid',
      message: 'The reason of a recall has 1 to 1000 characters, and a repository at most 1000 recalls.',
      nextStep: 'Say in a sentence or two what is wrong with the release.',
    });
  }
  const targets = [{ path: recallsPath, bytes: Buffer.from(canonicalJson(document)) }];
  return ok({ recall, isNew: true, change: { targets, replaces: recallsPath } });
}

/** What the publisher's folder recalls, oldest first. */
export async function readRecalls(
  directory: string,
): Promise<Outcome<RecallDocument['recalls'], RepositoryRefusalCode>> {
  const bytes = await readPublishedTarget(directory, recallsPath);
  if (bytes.kind === 'refused') return bytes;
  if (bytes.value === undefined) return ok([]);
  const document: unknown = JSON.parse(Buffer.from(bytes.value).toString('utf8'));
  if (Value.Check(RecallDocument, document)) return ok(document.recalls);
  return refused({
    code: 'repository-invalid',
    message: `${directory} holds a list of recalls that this program cannot read.`,
    nextStep: 'Publish with the program that wrote it, or a newer one.',
  });
}
