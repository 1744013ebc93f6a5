import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { generateKeys, loadPublisherKeys } from './keys.ts';
import type { Outcome } from './outcome.ts';
import { publishRecall, readRecalls } from './publish-recall.ts';
import { publishRelease } from './publish-release.ts';
import { decodeRepositoryFiles, readRepositoryFiles, verifyImport } from './release-import.ts';
import { sampleSource } from './sample-releases.ts';
import { recallsPath } from './trusted-releases.ts';
import { publishTargets, readRepository } from './tuf-repository.ts';

const now = new Date();
let scratch = '';
let keysDirectory = '';
let repositoryDirectory = '';
beforeEach(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-recall-'));
  keysDirectory = path.join(scratch, 'keys');
  repositoryDirectory = path.join(scratch, 'repository');
  value(await generateKeys(keysDirectory));
  for (const version of ['4.1.12', '4.2.7'] as const) {
    const agentBundle = Buffer.from(`the agent ${version}`);
    value(
      await publishRelease({ repositoryDirectory, keysDirectory, source: sampleSource(version), agentBundle, now }),
    );
  }
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}
const codes = (outcome: Outcome<unknown>): readonly string[] =>
  outcome.kind === 'refused' ? outcome.reasons.map(({ code }) => code) : [];
const recall = (version: string, reason: string) =>
  publishRecall({ repositoryDirectory, keysDirectory, version, reason, now });
const targetsVersion = async () => value(await readRepository(repositoryDirectory)).targets.signed.version;
/** As a control plane reads it. */
async function imported() {
  const files = value(decodeRepositoryFiles(value(await readRepositoryFiles(repositoryDirectory))));
  return value(await verifyImport({ files }));
}

test('without a recall there is no list, and an import has none', async () => {
  expect(value(await readRecalls(repositoryDirectory))).toEqual([]);
  expect((await imported()).recalls).toEqual([]);
});

test('each recall is one entry more, signed and read by an import; the releases stay', async () => {
  const first = value(await recall('4.2.7', 'The agent forgets its Lease.'));
  expect(first).toEqual({
    isNew: true,
    recall: { platformVersion: '4.2.7', reason: 'The agent forgets its Lease.', recalledAt: now.toISOString() },
  });
  value(await recall('4.1.12', 'The same.'));
  const { recalls, releases } = await imported();
  expect(recalls.map(({ platformVersion }) => platformVersion)).toEqual(['4.2.7', '4.1.12']);
  expect(releases.map(({ platformVersion }) => platformVersion).toSorted()).toEqual(['4.1.12', '4.2.7']);
});

test('what is recalled stays as it was said first, and nothing is published again', async () => {
  value(await recall('4.2.7', 'First.'));
  const before = await targetsVersion();
  expect(value(await recall('4.2.7', 'Second.'))).toMatchObject({ isNew: false, recall: { reason: 'First.' } });
  expect(await targetsVersion()).toBe(before);
});

test.each([
  ['9.9.9', 'Bad.', 'release-unknown'],
  ['4.2.7', '', 'recall-invalid'],
  ['4.2.7', 'x'.repeat(1001), 'recall-invalid'],
])('a recall of %s is refused when the version or the reason is wrong', async (version, reason, code) => {
  const before = await targetsVersion();
  expect(codes(await recall(version, reason))).toEqual([code]);
  expect(await targetsVersion()).toBe(before);
});

test('a list of recalls that cannot be read refuses the whole import', async () => {
  const keys = value(await loadPublisherKeys(keysDirectory));
  const bytes = Buffer.from(canonicalJson({ schema: 1, recalls: [{ platformVersion: 'all of them' }] }));
  value(await publishTargets({ directory: repositoryDirectory, keys, targets: [{ path: recallsPath, bytes }], now }));
  const files = value(decodeRepositoryFiles(value(await readRepositoryFiles(repositoryDirectory))));
  expect(codes(await verifyImport({ files }))).toEqual(['document-invalid']);
  expect(codes(await recall('4.2.7', 'Bad.'))).toEqual(['repository-invalid']);
});

test('only the list of recalls may be replaced', async () => {
  const keys = value(await loadPublisherKeys(keysDirectory));
  const bytes = await readFile(path.join(scratch, 'repository', 'metadata', 'timestamp.json'));
  const targets = [{ path: 'releases/4.2.7.json', bytes }];
  const change = { directory: repositoryDirectory, keys, targets, replaces: recallsPath, now };
  expect(codes(await publishTargets(change))).toEqual(['target-changed']);
});
