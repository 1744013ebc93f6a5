/**
 * A signing request in words, for the person who is about to sign it: what is in force, what changes, what of it cannot be
 * taken back, and whose signatures are there. It tells only what it has read out of the request itself, whose documents
 * were checked against the metadata. The texts in it are a stranger's: whoever prints them makes them harmless.
 */

import { ProfileDocument, RecallDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import type { Root } from '@tufjs/models';
import { Value } from 'typebox/value';
import { roleNames } from './key-file.ts';
import { rootPlanOf } from './repository-change.ts';
import { isMet, type SigningRequest, signatureNeeds } from './signing-request.ts';
import { recallsPath, releaseVersionOf, rootFingerprint } from './trusted-releases.ts';

export interface RequestInWords {
  /** Compared by the signer with what they know. */
  readonly rootFingerprint: string;
  readonly lines: readonly string[];
  /** `targets: 1 of 2 signatures (…)`, one line for each rule. */
  readonly signatures: readonly string[];
  readonly isComplete: boolean;
}

export function shortKeyId(keyId: string): string {
  return keyId.slice(0, 12);
}

export function describeRequest(request: SigningRequest): RequestInWords {
  const { trustedRoot, root } = request;
  const shown = trustedRoot ?? root;
  if (!shown) throw new TypeError('a request has a root, in force or new');
  const needs = signatureNeeds(request);
  const fingerprint = rootFingerprint(Buffer.from(JSON.stringify(shown.toJSON())));
  return {
    rootFingerprint: fingerprint,
    lines: [
      trustedRoot
        ? `Root of trust in force: version ${trustedRoot.signed.version}, fingerprint ${fingerprint}`
        : `A new repository. Fingerprint of its root of trust: ${fingerprint}`,
      ...(root ? rootLines(trustedRoot?.signed, root.signed) : []),
      ...targetLines(request),
    ],
    signatures: needs.map((need) => {
      const by =
        need.part === 'root' && trustedRoot ? `, by the ${need.by === 'new' ? 'new' : 'present'} root keys` : '';
      const who = need.signedBy.length === 0 ? '' : ` (${need.signedBy.map(shortKeyId).join(', ')})`;
      return `${need.part}${by}: ${need.signedBy.length} of ${need.threshold} ${need.threshold === 1 ? 'signature' : 'signatures'}${who}`;
    }),
    isComplete: needs.every(isMet),
  };
}

function rootLines(before: Root | undefined, after: Root): readonly string[] {
  const old = before && rootPlanOf(before);
  const next = rootPlanOf(after);
  const lines = roleNames.map((role) => {
    const ids = (plan: typeof next) => plan.keys.filter((key) => key.role === role).map(({ keyId }) => keyId);
    const now = ids(next);
    const was = old ? ids(old) : [];
    const rule = `${next.thresholds[role]} of ${now.length}`;
    const ruleBefore = old && `${old.thresholds[role]} of ${was.length}`;
    const changes = [
      ...now.filter((keyId) => !was.includes(keyId)).map((keyId) => `+${shortKeyId(keyId)}`),
      ...was.filter((keyId) => !now.includes(keyId)).map((keyId) => `-${shortKeyId(keyId)}`),
    ];
    const isSame = changes.length === 0 && rule === ruleBefore;
    const head = ruleBefore === undefined || ruleBefore === rule ? rule : `${ruleBefore} -> ${rule}`;
    return `  ${role.padEnd(9)} ${head}${isSame ? ', as before' : changes.length === 0 ? '' : `  ${changes.join(' ')}`}`;
  });
  return [`Root ${versions(before?.version, after.version)}, expires ${after.expires}; signatures needed:`, ...lines];
}

function targetLines({ publishedTargets, targets, documents }: SigningRequest): readonly string[] {
  if (!targets) return [];
  const before = publishedTargets?.signed.targets ?? {};
  const isKnown = (path: string) => before[path] !== undefined;
  const lines = documents
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .flatMap(({ path, bytes }) => {
      const text = Buffer.from(bytes).toString('utf8');
      if (path === recallsPath) return recallLines(text);
      if (releaseVersionOf(path) !== undefined) return releaseLines(path, text);
      return [`  ${isKnown(path) ? 'changes' : 'adds'} ${describeFile(path, text)}`];
    });
  const kept = Object.keys(before)
    .flatMap((path) => releaseVersionOf(path) ?? [])
    .toSorted((a, b) => (a < b ? -1 : 1));
  return [
    `Targets ${versions(publishedTargets?.signed.version, targets.signed.version)}, expires ${targets.signed.expires}:`,
    ...lines,
    ...(lines.length === 0 ? ['  the same contents as before'] : []),
    ...(kept.length === 0 ? [] : [`  keeps the releases ${kept.join(', ')}`]),
  ];
}

function releaseLines(path: string, text: string): readonly string[] {
  const release = parse(text);
  if (!Value.Check(ReleaseDocument, release)) return [`  adds ${path}, which this program cannot read as a release`];
  const { agent, upgradeFrom, floor, risks = [] } = release;
  const from =
    upgradeFrom === undefined
      ? 'by the rule of thumb'
      : upgradeFrom.length === 0
        ? 'nowhere (new installations only)'
        : upgradeFrom.map((edge) => edge.from).join(', ');
  return [
    `  adds the release ${release.platformVersion} (${release.channels.join(', ')})`,
    `    agent ${agent.version}: ${agent.bundle ?? agent.repository}@${agent.digest}`,
    ...Object.entries(release.profiles).map(
      ([provider, { version, digest }]) => `    profile ${provider} ${version}: ${digest}`,
    ),
    `    upgrade from ${from}${floor === undefined ? '' : `; everybody stops here: ${floor.reason}`}`,
    ...risks.map(({ name, message }) => `    risk ${name}: ${message}`),
  ];
}

function recallLines(text: string): readonly string[] {
  const list = parse(text);
  if (!Value.Check(RecallDocument, list)) return [`  changes ${recallsPath}, which this program cannot read`];
  return list.recalls.map(({ platformVersion, reason }) => `  recalls ${platformVersion}: ${reason}`);
}

function describeFile(path: string, text: string): string {
  const value = path.startsWith('profiles/') ? parse(text) : undefined;
  if (!Value.Check(ProfileDocument, value)) return path;
  const packs = value.layers.flatMap(({ packs: ofLayer }) => ofLayer.map(({ name, version }) => `${name} ${version}`));
  return `the profile ${value.provider} ${value.version}: ${packs.join(', ')}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function versions(before: number | undefined, after: number): string {
  return before === undefined ? `version ${after}` : `version ${before} -> ${after}`;
}
