/**
 * From what a publisher wrote to the signed documents. All faults are found before anything is written, and each names
 * the file, the field, the reason and the next step.
 */

import { type ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import { leastOfPattern } from '@gatehouse/domain/upgrade-graph';
import { Value } from 'typebox/value';
import { canonicalJson, sha256Digest } from './canonical-json.ts';
import { type Outcome, ok } from './outcome.ts';
import { profileFaults } from './profile-rules.ts';
import type { TufTarget } from './signing-request.ts';
import { isNewer, type SourceFault, type SourceRefusalCode, sourceFault, toField } from './source-fault.ts';
import { profilePath, releasePath } from './trusted-releases.ts';

type ReleaseAgent = ReleaseDocument['agent'];

/** A profile before it has a digest. */
export type ProfileSource = Omit<ProfileDocument, 'schema' | 'provider'>;

/** A release before it is built: what the publisher decides. */
export interface ReleaseSource
  extends Omit<ReleaseDocument, 'schema' | 'publishedAt' | 'agent' | 'profiles' | 'upgradeFrom'> {
  /**
   * `version` is the platform's when absent. `digest` is that of the image; absent when the agent comes as a bundle,
   * whose digest is computed.
   */
  readonly agent: Omit<ReleaseAgent, 'version' | 'digest' | 'bundle'> &
    Partial<Pick<ReleaseAgent, 'version' | 'digest'>>;
  readonly profiles: Readonly<Record<string, ProfileSource>>;
  /** Versions or wildcards such as `4.1.x`. Present: they alone count. Empty: new installations only. Absent: the rule of thumb. */
  readonly upgradeFrom?: readonly string[];
}

export interface BuiltRelease {
  readonly release: ReleaseDocument;
  /** By provider. */
  readonly profiles: Readonly<Record<string, ProfileDocument>>;
  /** Release, profiles and, where there is one, the agent bundle; ready to be signed. */
  readonly targets: readonly TufTarget[];
}

const patternForms = 'Write 4.1.12, 4.1.x or 4.x.';

export function buildRelease(
  source: ReleaseSource,
  more: { readonly publishedAt: Date; readonly agentBundle?: Uint8Array },
): Outcome<BuiltRelease, SourceRefusalCode> {
  const profiles: Record<string, ProfileDocument> = {};
  const pointers: ReleaseDocument['profiles'] = {};
  const targets: TufTarget[] = [];
  const faults: SourceFault[] = [...releaseFaults(source, more.agentBundle !== undefined)];

  for (const [provider, profile] of Object.entries(source.profiles)) {
    const document: ProfileDocument = { schema: 1, provider, ...profile };
    const found = profileFaults(document);
    faults.push(...found);
    if (found.length > 0) continue;
    const bytes = Buffer.from(canonicalJson(document));
    const digest = sha256Digest(bytes);
    profiles[provider] = document;
    pointers[provider] = { version: profile.version, digest };
    targets.push({ path: profilePath(digest), bytes });
  }

  const { agentBundle } = more;
  const bundleDigest = agentBundle === undefined ? undefined : sha256Digest(agentBundle);
  const bundlePath = bundleDigest === undefined ? undefined : `agents/${bundleDigest.slice('sha256:'.length)}.mjs`;
  if (agentBundle !== undefined && bundlePath !== undefined) targets.push({ path: bundlePath, bytes: agentBundle });
  const { agent, profiles: _, upgradeFrom, ...rest } = source;
  const release: ReleaseDocument = {
    schema: 1,
    ...rest,
    publishedAt: `${more.publishedAt.toISOString().slice(0, 19)}Z`,
    agent: {
      ...agent,
      version: agent.version ?? source.platformVersion,
      digest: bundleDigest ?? agent.digest ?? '',
      ...(bundlePath === undefined ? {} : { bundle: bundlePath }),
    },
    profiles: pointers,
    ...(upgradeFrom === undefined ? {} : { upgradeFrom: upgradeFrom.map((from) => ({ from })) }),
  };
  if (faults.length === 0) faults.push(...schemaFaults(release));
  const [first, ...others] = faults;
  if (first) return { kind: 'refused', reasons: [first, ...others] };
  targets.push({ path: releasePath(release.platformVersion), bytes: Buffer.from(canonicalJson(release)) });
  return ok({ release, profiles, targets });
}

function schemaFaults(release: ReleaseDocument): readonly SourceFault[] {
  return Value.Errors(ReleaseDocument, release).map(({ instancePath, message }) =>
    sourceFault('release.yaml', toField(instancePath), message, 'Correct the field; docs/releases.md lists them all.'),
  );
}

function releaseFaults(source: ReleaseSource, hasBundle: boolean): readonly SourceFault[] {
  const faults: SourceFault[] = [];
  const fault = (field: string, reason: string, nextStep: string) =>
    faults.push(sourceFault('release.yaml', field, reason, nextStep));

  if (hasBundle && source.agent.digest !== undefined) {
    fault('agent.digest', 'the agent comes as a bundle, whose digest is computed', 'Remove the field.');
  }
  if (!hasBundle && source.agent.digest === undefined) {
    fault('agent.digest', 'it is missing', 'Give the digest of the agent image, as the registry shows it.');
  }
  const agentVersion = source.agent.version ?? source.platformVersion;
  if (isNewer(source.profileNeedsAgent, agentVersion)) {
    fault(
      'profileNeedsAgent',
      `${source.profileNeedsAgent} is newer than the release's own agent ${agentVersion}, so no update could begin`,
      `Name ${agentVersion} or an older one.`,
    );
  }
  if (isNewer(source.agent.kubernetes.min, source.agent.kubernetes.max)) {
    fault('agent.kubernetes', 'min is newer than max', 'Swap the two.');
  }
  for (const [index, from] of (source.upgradeFrom ?? []).entries()) {
    const least = leastOfPattern(from);
    if (least === undefined) {
      fault(`upgradeFrom.${index}`, `${JSON.stringify(from)} is neither a version nor a wildcard`, patternForms);
    } else if (!isNewer(source.platformVersion, least)) {
      fault(
        `upgradeFrom.${index}`,
        `${from} is not older than ${source.platformVersion}`,
        'A platform never goes back.',
      );
    }
  }
  for (const [index, { from = [] }] of (source.risks ?? []).entries()) {
    for (const [place, pattern] of from.entries()) {
      if (leastOfPattern(pattern) !== undefined) continue;
      const field = `risks.${index}.from.${place}`;
      fault(field, `${JSON.stringify(pattern)} is neither a version nor a wildcard`, patternForms);
    }
  }
  const providers = Object.entries(source.profiles);
  if (providers.length === 0) {
    fault('', 'the release has no profile', 'Add profiles/<provider>/profile.yaml for at least one provider.');
  }
  for (const [provider, profile] of providers) {
    if (!/^[a-z0-9-]{1,40}$/.test(provider)) {
      faults.push(
        sourceFault(
          `profiles/${provider}`,
          '',
          'it is no name of a provider',
          'Use lower-case letters, digits, hyphens.',
        ),
      );
    }
    const kubernetes = profile.layers.find(({ kind }) => kind === 'kubernetes')?.packs[0]?.version;
    const { min, max } = source.agent.kubernetes;
    if (kubernetes !== undefined && (isNewer(min, kubernetes) || isNewer(kubernetes, max))) {
      faults.push(
        sourceFault(
          `profiles/${provider}/profile.yaml`,
          'layers.kubernetes',
          `Kubernetes ${kubernetes} is outside the range ${min} to ${max} that the release's agent supports`,
          'Change the pack, or agent.kubernetes in release.yaml.',
        ),
      );
    }
  }
  return faults;
}
