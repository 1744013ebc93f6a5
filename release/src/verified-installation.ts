/**
 * The installation of a gateway from a root of trust that came out of band. What a control plane sends for it is not used
 * but for what only it can know: its own address and certificate authority, and the gateway's id. Release, guard and agent
 * come from signed metadata, and the manifest is rendered here; what was sent is compared with it, since a control plane
 * that sends another root or another image is in somebody else's hands.
 */

import { Id } from '@gatehouse/contract/primitives';
import type { ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import { Value } from 'typebox/value';
import { imageReference, imagesIn } from './image-reference.ts';
import { type AgentSettingsData, renderInstallManifest } from './install-manifest.ts';
import type { KubernetesManifest } from './kubernetes-object.ts';
import { objectNames } from './object-names.ts';
import { type Outcome, ok, refused } from './outcome.ts';
import {
  type FetchFile,
  openTrustedReleases,
  rootFingerprint,
  type TrustedReleases,
  type TrustRefusalCode,
} from './trusted-releases.ts';

export interface InstallationOrder {
  /** From the publisher, by another way than the control plane. */
  readonly root: Uint8Array;
  /** Of the control plane's repository. */
  readonly fetchFile: FetchFile;
  readonly gateway: {
    readonly name: string;
    readonly installation: 'cli' | 'existing-cluster';
    readonly provider: string;
  };
  readonly registryPrefix?: string | undefined;
  readonly osVariable?: string | undefined;
  readonly sent: {
    readonly objects: readonly KubernetesManifest[];
    /** The release whose guard, agent and profile it is; absent from control planes that do not say. */
    readonly release?: string | undefined;
  };
}

export interface VerifiedInstallation {
  readonly objects: readonly KubernetesManifest[];
  readonly release: ReleaseDocument;
  /** Of the root in the manifest. */
  readonly rootFingerprint: string;
  /** What the signed profile makes nodes with; absent where it names none. */
  readonly nodes?: { readonly kubernetesVersion: string; readonly os: string };
}

export type InstallationRefusalCode = TrustRefusalCode | 'manifest-unusable' | 'manifest-differs';

type Refused = Extract<Outcome<never, InstallationRefusalCode>, { kind: 'refused' }>;

export async function verifyInstallation(
  order: InstallationOrder,
): Promise<Outcome<VerifiedInstallation, InstallationRefusalCode>> {
  const { root, fetchFile, gateway, registryPrefix, osVariable, sent } = order;
  const settings = settingsIn(sent.objects);
  if (settings === undefined || sent.release === undefined) {
    return refused({
      code: 'manifest-unusable',
      message: 'What the control plane sent does not say which release it installs, with which settings.',
      nextStep: 'Upgrade the control plane, whose program is older than this one.',
    });
  }
  const opened = await openTrustedReleases({ root, fetchFile });
  if (opened.kind === 'refused') return opened;
  const trusted = opened.value;
  const refreshed = await trusted.refresh();
  if (refreshed.kind === 'refused') return refreshed;
  const otherRoot = await compareRoots(order, trusted, settings.rootJson);
  if (otherRoot !== undefined) return otherRoot;
  const release = await takeRelease(trusted, sent.release);
  if (release.kind === 'refused') return release;
  const profile = await takeProfile(trusted, release.value, gateway.provider);
  if (profile.kind === 'refused') return profile;

  const { version, digest, repository } = release.value.agent;
  const objects = renderInstallManifest({
    gateway: { ...gateway, id: settings.gatewayId },
    server: { url: settings.serverUrl, ca: settings.serverCa },
    rootJson: Buffer.from(root).toString('utf8'),
    agent: { version, digest, repository },
    registryPrefix,
    osVariable,
  });
  const strange = compareImages(objects, sent.objects, imageReference({ repository, digest, registryPrefix }));
  if (strange !== undefined) return strange;
  const nodes = profile.value && nodesOf(profile.value);
  return ok({
    objects,
    release: release.value,
    rootFingerprint: rootFingerprint(root),
    ...(nodes === undefined ? {} : { nodes }),
  });
}

/** The settings in what a control plane sent, as far as they are used; undefined when they cannot be. */
function settingsIn(
  objects: readonly KubernetesManifest[],
): Pick<AgentSettingsData, 'serverUrl' | 'serverCa' | 'gatewayId' | 'rootJson'> | undefined {
  const map = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === objectNames.settings);
  const data = map?.['data'];
  if (typeof data !== 'object' || data === null) return undefined;
  const text = (key: string): string | undefined => {
    const value: unknown = Object.getOwnPropertyDescriptor(data, key)?.value;
    return typeof value === 'string' ? value : undefined;
  };
  const [serverUrl, serverCa, gatewayId, rootJson] = ['serverUrl', 'serverCa', 'gatewayId', 'rootJson'].map(text);
  if (serverUrl === undefined || rootJson === undefined || !Value.Check(Id, gatewayId)) return undefined;
  return { serverUrl, gatewayId, rootJson, ...(serverCa === undefined ? {} : { serverCa }) };
}

/** Two roots are of one publisher when one leads to the other. */
async function compareRoots(
  { root, fetchFile }: InstallationOrder,
  trusted: TrustedReleases,
  sentJson: string,
): Promise<Refused | undefined> {
  const given = rootFingerprint(root);
  const sentRoot = Buffer.from(sentJson, 'utf8');
  const sent = fingerprintOrNone(sentRoot);
  if (sent !== undefined && [...trusted.roots().values()].includes(sent)) return undefined;
  const older = sent === undefined ? undefined : await openTrustedReleases({ root: sentRoot, fetchFile });
  if (older?.kind === 'ok') {
    await older.value.refresh();
    if ([...older.value.roots().values()].includes(given)) return undefined;
  }
  return refused({
    code: 'root-differs',
    message:
      `The control plane's manifest carries a root of trust with the fingerprint ${sent ?? 'that of no root at all'}, ` +
      `and the one you gave has ${given}. Neither leads to the other.`,
    nextStep: 'Install nothing, and find out who runs that control plane.',
  });
}

function fingerprintOrNone(root: Uint8Array): string | undefined {
  try {
    return rootFingerprint(root);
  } catch {
    return undefined;
  }
}

async function takeRelease(
  trusted: TrustedReleases,
  version: string,
): Promise<Outcome<ReleaseDocument, InstallationRefusalCode>> {
  const recalls = await trusted.recalls();
  if (recalls.kind === 'refused') return recalls;
  const recall = recalls.value.find(({ platformVersion }) => platformVersion === version);
  if (recall === undefined) return trusted.release(version);
  return refused({
    code: 'release-recalled',
    message: `The release ${version} was recalled: ${recall.reason}`,
    nextStep: 'Upgrade the platform to a newer release first.',
  });
}

async function takeProfile(
  trusted: TrustedReleases,
  release: ReleaseDocument,
  provider: string,
): Promise<Outcome<ProfileDocument | undefined, InstallationRefusalCode>> {
  return Object.hasOwn(release.profiles, provider) ? trusted.profile(release, provider) : ok(undefined);
}

function compareImages(
  ours: readonly KubernetesManifest[],
  theirs: readonly KubernetesManifest[],
  signed: string,
): Refused | undefined {
  const known = new Set([...imagesIn(ours), signed]);
  const strange = imagesIn(theirs).find((image) => !known.has(image));
  if (strange === undefined) return undefined;
  return refused({
    code: 'manifest-differs',
    message: `The control plane's manifest runs the image ${strange}, and the signed release has ${signed}.`,
    nextStep: 'Install nothing, and find out who runs that control plane.',
  });
}

/** As a profile update takes them: the os pack's `values.image`, and the version of the kubernetes pack. */
function nodesOf({ layers }: ProfileDocument): VerifiedInstallation['nodes'] {
  const packOf = (kind: string) => layers.find((layer) => layer.kind === kind)?.packs[0];
  const os: unknown = packOf('os')?.values['image'];
  const kubernetesVersion = packOf('kubernetes')?.version;
  return typeof os === 'string' && kubernetesVersion !== undefined ? { kubernetesVersion, os } : undefined;
}
