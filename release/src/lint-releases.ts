/**
 * Reads releases for `release lint` (published repositories, folders of sources, and sources themselves, together) and
 * asks the domain what is wrong with them.
 */

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { ProfileDocument, type ReleaseDocument } from '@gatehouse/contract/release-document';
import { lintReleases } from '@gatehouse/domain/release-lint';
import { type LintFinding, type LintRelease, lintFinding } from '@gatehouse/domain/release-lint-types';
import { Value } from 'typebox/value';
import { canonicalJson, jsonDigest } from './canonical-json.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import { readRecalls } from './publish-recall.ts';
import { listRepository, type PublishRefusalCode } from './publish-release.ts';
import type { ProfileSource, ReleaseSource } from './release-builder.ts';
import { readReleaseSource } from './release-source.ts';
import type { SourceFault } from './source-fault.ts';
import { profilePath } from './trusted-releases.ts';
import { readPublishedTarget } from './tuf-repository.ts';

export interface LintReport {
  /** Versions that were read, each once. */
  readonly releases: readonly string[];
  readonly findings: readonly LintFinding[];
}

export type LintRefusalCode = PublishRefusalCode | 'folder-unknown';

interface Read {
  readonly releases: readonly LintRelease[];
  readonly findings: readonly LintFinding[];
}

/** Refuses only what cannot be read at all; what is wrong with a release is a finding. */
export async function lintFolders(folders: readonly string[]): Promise<Outcome<LintReport, LintRefusalCode>> {
  const all: Read[] = [];
  for (const folder of folders) {
    const read = await readFolder(folder);
    if (read.kind === 'refused') return read;
    all.push(read.value);
  }
  const releases = all.flatMap((read) => read.releases);
  return ok({
    releases: [...new Set(releases.map(({ version }) => version))],
    findings: [...all.flatMap((read) => read.findings), ...lintReleases(releases)],
  });
}

async function readFolder(folder: string): Promise<Outcome<Read, LintRefusalCode>> {
  if (existsSync(path.join(folder, 'metadata', 'timestamp.json'))) return readPublished(folder);
  if (existsSync(path.join(folder, 'release.yaml'))) return ok(await readSources([folder]));
  const names = existsSync(folder) ? (await readdir(folder)).toSorted() : [];
  const sources = names
    .map((name) => path.join(folder, name))
    .filter((source) => existsSync(path.join(source, 'release.yaml')));
  if (sources.length > 0) return ok(await readSources(sources));
  return refused({
    code: 'folder-unknown',
    message: `${folder} holds neither a repository of releases nor a release.yaml, nor folders with one.`,
    nextStep: 'Name the folder of a repository, of a release, or one that holds releases.',
  });
}

async function readSources(folders: readonly string[]): Promise<Read> {
  const releases: LintRelease[] = [];
  const findings: LintFinding[] = [];
  for (const folder of folders) {
    const source = await readReleaseSource(folder, {});
    if (source.kind === 'ok') releases.push(fromSource(folder, source.value));
    else findings.push(...source.reasons.map((fault) => toFinding(folder, fault)));
  }
  return { releases, findings };
}

const versionField = /(^|\.)(platformVersion|serverMinimum|profileNeedsAgent|version|min|max|fixedIn)$/;

function toFinding(
  folder: string,
  fault: Pick<SourceFault, 'message' | 'nextStep'> & Partial<SourceFault>,
): LintFinding {
  const { field = '', message, nextStep = '' } = fault;
  const code = versionField.test(field) && !message.includes('no such field') ? 'version-malformed' : 'source-invalid';
  return lintFinding(code, [], `${folder}, ${message}`, { nextStep });
}

function fromSource(origin: string, source: ReleaseSource): LintRelease {
  const { profiles, upgradeFrom, agent } = source;
  return toLintRelease({
    ...source,
    origin,
    agent: { version: agent.version ?? source.platformVersion, kubernetes: agent.kubernetes },
    upgradeFrom,
    profiles: Object.fromEntries(
      Object.entries(profiles).map(([provider, profile]) => [
        provider,
        {
          version: profile.version,
          digest: jsonDigest({ schema: 1, provider, ...profile }),
          kubernetes: kubernetesOf(profile),
        },
      ]),
    ),
  });
}

async function readPublished(directory: string): Promise<Outcome<Read, LintRefusalCode>> {
  const listing = await listRepository(directory);
  if (listing.kind === 'refused') return listing;
  const recalls = await readRecalls(directory);
  if (recalls.kind === 'refused') return recalls;
  const recalled = new Map(recalls.value.map(({ platformVersion, reason }) => [platformVersion, { reason }]));
  const releases: LintRelease[] = [];
  for (const document of listing.value.releases) {
    const profiles: Record<string, ReadProfile> = {};
    for (const [provider, { version, digest }] of Object.entries(document.profiles)) {
      const profile = await readProfile(directory, digest);
      if (profile.kind === 'refused') return profile;
      profiles[provider] = { version, digest, kubernetes: kubernetesOf(profile.value) };
    }
    const recall = recalled.get(document.platformVersion);
    const release = toLintRelease({
      ...document,
      origin: directory,
      upgradeFrom: document.upgradeFrom?.map(({ from }) => from),
      profiles,
    });
    releases.push(recall === undefined ? release : { ...release, recalled: recall });
  }
  return ok({ releases, findings: [] });
}

async function readProfile(directory: string, digest: string): Promise<Outcome<ProfileDocument, LintRefusalCode>> {
  const bytes = await readPublishedTarget(directory, profilePath(digest));
  if (bytes.kind === 'refused') return bytes;
  const document: unknown =
    bytes.value === undefined ? undefined : JSON.parse(Buffer.from(bytes.value).toString('utf8'));
  if (Value.Check(ProfileDocument, document)) return ok(document);
  return refused({
    code: 'repository-invalid',
    message: `${directory} holds no profile ${digest} that this program can read.`,
    nextStep: 'Restore the folder from your copy.',
  });
}

function kubernetesOf(profile: Pick<ProfileSource, 'layers'>): string | undefined {
  return profile.layers.find(({ kind }) => kind === 'kubernetes')?.packs[0]?.version;
}

interface ReadProfile {
  readonly version: string;
  readonly digest: string;
  readonly kubernetes: string | undefined;
}

/** What a source and the document that was published from it have in common. */
type ReadRelease = Pick<
  ReleaseDocument,
  'platformVersion' | 'channels' | 'serverMinimum' | 'profileNeedsAgent' | 'notes' | 'fixes' | 'risks' | 'floor'
> & {
  readonly origin: string;
  readonly agent: Pick<ReleaseDocument['agent'], 'version' | 'kubernetes'>;
  readonly upgradeFrom: readonly string[] | undefined;
  readonly profiles: Readonly<Record<string, ReadProfile>>;
};

function toLintRelease(read: ReadRelease): LintRelease {
  const { origin, platformVersion, channels, serverMinimum, profileNeedsAgent, notes } = read;
  const { fixes, risks, floor, upgradeFrom, profiles } = read;
  const { version, kubernetes } = read.agent;
  const agent = { version, kubernetes: { min: kubernetes.min, max: kubernetes.max } };
  const whole = { platformVersion, channels, serverMinimum, profileNeedsAgent, notes, agent, profiles };
  const optional = { fixes, risks, floor, upgradeFrom };
  return {
    origin,
    content: canonicalJson({ ...whole, ...optional }),
    version: platformVersion,
    channels,
    ...(upgradeFrom === undefined ? {} : { upgradeFrom }),
    risks: (risks ?? []).map(({ name, message, url, from, appliesTo, fixedIn }) => ({
      name,
      message,
      ...(url === undefined ? {} : { url }),
      ...(from === undefined ? {} : { from }),
      ...(appliesTo === undefined ? {} : { appliesTo }),
      ...(fixedIn === undefined ? {} : { fixedIn }),
    })),
    ...(floor === undefined ? {} : { floor }),
    agent,
    profiles: Object.fromEntries(
      Object.entries(profiles).map(([provider, profile]) => [
        provider,
        {
          version: profile.version,
          digest: profile.digest,
          ...(profile.kubernetes === undefined ? {} : { kubernetes: profile.kubernetes }),
        },
      ]),
    ),
  };
}
