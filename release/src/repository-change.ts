/**
 * From a wish (new targets, other keys) to a signing request: the next versions of what has to be signed, and nothing that
 * has not. Reads nothing and writes nothing.
 */

import { Key, Metadata, Root, TargetFile, type Targets } from '@tufjs/models';
import { Role } from '@tufjs/models/dist/role.js';
import { sha256Digest } from './canonical-json.ts';
import { type PublicKey, type RoleName, roleNames } from './key-file.ts';
import type { RootPlan } from './keys.ts';
import { ManyTargets } from './many-targets.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import { type Expiry, type ExpiryChange, expiresAt } from './repository-settings.ts';
import { type CurrentRepository, isVerifiedBy } from './repository-state.ts';
import type { SigningRequest, TufTarget } from './signing-request.ts';

export type ChangeRefusalCode = 'target-changed' | 'target-path-invalid';

export interface RepositoryChange {
  /** Targets to add. Present, even if empty: targets are signed anew, which renews their expiry. */
  readonly targets?: readonly TufTarget[];
  /** The one path whose contents may differ from what was published: the list of recalls, which is only added to. */
  readonly replaces?: string;
  /** Present: there is a new root, even if it says the same, which renews its expiry. */
  readonly root?: RootPlan;
}

export const specVersion = '1.0.31';
const targetPathPattern = /^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*$/;

/** Unsigned. Targets are signed anew also where the new root would not verify what is published. */
export function prepareChange(input: {
  /** Absent: a new repository, for which `change` names a root. */
  readonly current: CurrentRepository | undefined;
  readonly change: RepositoryChange;
  /** The repository's settings. */
  readonly settings: Expiry;
  readonly expiry: ExpiryChange;
  readonly now: Date;
}): Outcome<SigningRequest, ChangeRefusalCode> {
  const { current, change, now } = input;
  const expiry = { ...input.settings, ...input.expiry };
  const root = change.root && new Metadata(nextRoot(current?.root.signed, change.root, expiresAt(now, expiry.root)));
  const inForce = root ?? current?.root;
  if (!inForce) throw new TypeError('a new repository needs a root');
  const added = addTargets(current?.targets.signed.targets ?? {}, change);
  if (added.kind === 'refused') return added;
  const isTargetsDue = change.targets || !current || !isVerifiedBy(inForce, 'targets', current.targets);
  return ok({
    trustedRoot: current?.root,
    publishedTargets: current?.targets,
    root,
    targets: isTargetsDue
      ? new Metadata(nextTargets(current?.targets.signed, added.value.all, expiresAt(now, expiry.targets)))
      : undefined,
    documents: added.value.documents,
    expiry: input.expiry,
  });
}

type TargetFiles = Readonly<Record<string, TargetFile>>;

function addTargets(
  published: TargetFiles,
  { targets = [], replaces }: RepositoryChange,
): Outcome<{ readonly all: TargetFiles; readonly documents: readonly TufTarget[] }, ChangeRefusalCode> {
  const all: Record<string, TargetFile> = { ...published };
  const documents: TufTarget[] = [];
  for (const target of targets) {
    const file = toTargetFile(target);
    const before = all[target.path]?.hashes['sha256'];
    if (before === file.hashes['sha256']) continue;
    if (before !== undefined && target.path !== replaces) {
      return refused({
        code: 'target-changed',
        message: `${target.path} was published with other contents, and what was published never changes.`,
        nextStep: 'Publish it under a new version.',
      });
    }
    if (target.path.length > 300 || !targetPathPattern.test(target.path)) {
      return refused({
        code: 'target-path-invalid',
        message: `${target.path} cannot be a target: paths have lower-case letters, digits, dots, hyphens and slashes.`,
      });
    }
    all[target.path] = file;
    documents.push(target);
  }
  return ok({ all, documents });
}

function nextTargets(published: Targets | undefined, targets: TargetFiles, expires: string): Targets {
  return new ManyTargets({
    version: (published?.version ?? 0) + 1,
    specVersion,
    expires,
    targets: { ...targets },
    ...(published?.delegations === undefined ? {} : { delegations: published.delegations }),
  });
}

function nextRoot(inForce: Root | undefined, { keys, thresholds }: RootPlan, expires: string): Root {
  const ofRole = (role: RoleName) => [...new Set(keys.filter((key) => key.role === role).map(({ keyId }) => keyId))];
  return new Root({
    version: (inForce?.version ?? 0) + 1,
    specVersion,
    expires,
    consistentSnapshot: true,
    keys: Object.fromEntries(keys.map((key) => [key.keyId, inForce?.keys[key.keyId] ?? toTufKey(key)])),
    roles: Object.fromEntries(
      roleNames.map((role) => [role, new Role({ keyIDs: ofRole(role), threshold: thresholds[role] })]),
    ),
    ...(inForce === undefined ? {} : { unrecognizedFields: inForce.unrecognizedFields }),
  });
}

/** What a root says, as a plan for the next. */
export function rootPlanOf(root: Root): RootPlan {
  const keys = roleNames.flatMap((role) =>
    (root.roles[role]?.keyIDs ?? []).map((keyId) => ({
      role,
      keyId,
      publicKey: root.keys[keyId]?.keyVal['public'] ?? '',
    })),
  );
  const threshold = (role: RoleName) => root.roles[role]?.threshold ?? 1;
  return {
    keys,
    thresholds: {
      root: threshold('root'),
      targets: threshold('targets'),
      snapshot: threshold('snapshot'),
      timestamp: threshold('timestamp'),
    },
  };
}

function toTufKey(key: PublicKey): Key {
  return new Key({
    keyID: key.keyId,
    keyType: 'ed25519',
    scheme: 'ed25519',
    keyVal: { public: key.publicKey },
  });
}

function toTargetFile({ path, bytes }: TufTarget): TargetFile {
  return new TargetFile({
    path,
    length: bytes.length,
    hashes: { sha256: sha256Digest(bytes).slice('sha256:'.length) },
  });
}
