/** What installs an agent in a gateway: a fresh registration token, two commands to copy, or the objects to apply. */

import type { InstallBundle, InstallInstructions } from '@gatehouse/contract/operator-types';
import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import { addMilliseconds, formatInstant, hours, type Instant } from '@gatehouse/domain/instant';
import { nodeTargetOf } from '@gatehouse/domain/profile-plan';
import { type InstallManifestInput, renderInstallManifest } from '@gatehouse/release/install-manifest';
import { gatewayNamespaces, objectNames } from '@gatehouse/release/object-names';
import type { Static } from 'typebox';
import { replaceRegistrationToken } from '../agents/agent.store.ts';
import type { Queryable } from '../database/connection.ts';
import { type Answer, done, type Refusal, refuse } from '../http/answer.ts';
import type { Services } from '../http/services.ts';
import { hashSecret, newSecret } from '../identity/secret.ts';
import {
  type PlatformRow,
  selectFirstRoot,
  selectProfileDocuments,
  selectRecalls,
  selectReleaseDocument,
  toProfile,
} from '../releases/release.store.ts';
import { newId, type Work } from '../work/work.ts';
import type { GatewayRow } from './gateway.store.ts';

export const registrationTokenLife = hours(24);

/** Why no real gateway can be installed from this control plane now. */
export async function installRefusal(db: Queryable, platform: PlatformRow): Promise<Refusal | undefined> {
  if (platform.isSandbox) {
    const detail =
      'This is a sandbox control plane: its releases are signed by a sandbox root that no real gateway may trust. ' +
      'Start one with --no-sandbox and a directory of its own, and import releases that you signed.';
    return refuse('sandbox-control-plane', detail, { reasons: [{ code: 'sandbox-control-plane', message: detail }] });
  }
  if (platform.version === undefined || platform.rootFingerprint === undefined) {
    const detail =
      'No release was imported yet; import one with `gatehouse release import`, which sets the platform version.';
    return refuse('no-platform-version', detail, { reasons: [{ code: 'no-platform-version', message: detail }] });
  }
  const [recall] = await selectRecalls(db, platform.version);
  if (recall === undefined) return undefined;
  const detail =
    `Release ${platform.version}, which the platform is on, was recalled, so no gateway is installed with it: ` +
    `${recall.reason} Upgrade the platform to a good release first.`;
  return refuse('release-recalled', detail, { reasons: [{ code: 'release-recalled', message: detail }] });
}

export interface RegistrationToken {
  readonly token: string;
  readonly expiresAt: Instant;
}

/** The token is shown now and never again; the one before it stops working. */
export async function issueRegistrationToken(work: Work, gatewayId: string): Promise<RegistrationToken> {
  const token = newSecret('ghr');
  const expiresAt = addMilliseconds(work.now, registrationTokenLife);
  await replaceRegistrationToken(work.tx, {
    id: newId(),
    gatewayId,
    hash: hashSecret(token),
    now: work.now,
    expiresAt,
  });
  return { token, expiresAt };
}

export function installInstructions(
  row: GatewayRow,
  { token, expiresAt }: RegistrationToken,
  { publicUrl }: Services,
  platform: Pick<PlatformRow, 'imagesAt'> & { readonly rootFingerprint: string },
): Static<typeof InstallInstructions> {
  const namespace = gatewayNamespaces(row.name).agent;
  return {
    commands: [
      `kubectl apply --server-side -f '${publicUrl()}/v1/install/${row.install_key}/manifest.yaml'`,
      // Not `create` alone: with a fresh token the same command has to work again, and must leave the agent's key.
      `kubectl -n ${namespace} create secret generic ${objectNames.identity} --from-literal=registrationToken=${token} --dry-run=client -o yaml | kubectl apply --server-side -f -`,
    ],
    rootFingerprint: platform.rootFingerprint,
    registrationTokenExpiresAt: formatInstant(expiresAt),
    ...(platform.imagesAt === undefined ? {} : { imagesAt: platform.imagesAt }),
  };
}

export async function installObjects(
  db: Queryable,
  row: GatewayRow,
  release: ReleaseDocument,
  { publicUrl, publicCa }: Services,
): Promise<ReturnType<typeof renderInstallManifest>> {
  const root = await selectFirstRoot(db);
  if (root === undefined) throw new Error('there is a platform version and no root of trust');
  const { version, digest, repository } = release.agent;
  const input: InstallManifestInput = {
    gateway: { id: row.id, name: row.name, installation: row.installation, provider: row.provider },
    server: { url: publicUrl(), ca: publicCa },
    rootJson: Buffer.from(root).toString('utf8'),
    agent: { version, digest, repository },
    registryPrefix: row.registry_prefix ?? undefined,
  };
  return renderInstallManifest(input);
}

/** For `gateway install`: also what the gateway's Cluster is made with. */
export async function installBundle(
  db: Queryable,
  input: {
    readonly row: GatewayRow;
    readonly release: string;
    readonly token: string;
    readonly rootFingerprint: string;
  },
  services: Services,
): Promise<Answer<InstallBundle>> {
  const { row } = input;
  const release = await selectReleaseDocument(db, input.release);
  if (release === undefined) throw new Error(`the release ${input.release} of the platform is missing`);
  const pointer = Object.hasOwn(release.profiles, row.provider) ? release.profiles[row.provider] : undefined;
  const document = pointer && (await selectProfileDocuments(db, [pointer.digest])).get(pointer.digest);
  const nodes = document && pointer && nodeTargetOf(toProfile(document, pointer.digest));
  if (pointer === undefined || nodes === undefined) {
    const detail = `Release ${input.release} has no profile for the provider ${row.provider}; create the gateway with one of ${Object.keys(release.profiles).join(', ')}.`;
    return refuse('gateway-not-running', detail, { reasons: [{ code: 'no-profile-for-provider', message: detail }] });
  }
  return done({
    objects: (await installObjects(db, row, release, services)).map((object) => ({ ...object })),
    registrationToken: input.token,
    release: input.release,
    cluster: { kubernetesVersion: nodes.kubernetes, os: nodes.os, profile: pointer },
    rootFingerprint: input.rootFingerprint,
  });
}
