/**
 * The sandbox's own view of the signed releases, as a container registry and an installer have one: the bundle of an
 * agent by its release, and what a gateway is first installed with. Verified like everything else, from the root that
 * the gateway was given.
 */

import type { ReleaseDocument } from '@gatehouse/contract/release-document';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import { nodeTargetOf } from '@gatehouse/domain/profile-plan';
import type { NodeTarget } from '@gatehouse/domain/profile-update-types';
import {
  compareVersions,
  type PlatformVersion,
  parseKubernetesVersion,
  parsePlatformVersion,
} from '@gatehouse/domain/version';
import { openTrustedReleases, type TrustedReleases, type TrustOutcome } from '@gatehouse/release/trusted-releases';
import { toProfile } from '../apply/profile-document.ts';
import { createControlPlane } from '../poll/control-plane.ts';
import { openHttpDoor } from '../poll/http.ts';
import type { SandboxGateway } from './gateways-file.ts';

export interface FirstInstallation {
  readonly agent: AgentRelease;
  readonly repository: string;
  /** What the nodes are made with; absent when the release has no profile for the provider. */
  readonly nodes?: NodeTarget;
  /** The lowest Kubernetes the agent supports. */
  readonly kubernetesMin: NodeTarget['kubernetes'];
}

export interface SandboxReleases {
  bundle(release: AgentRelease): Promise<Uint8Array>;
  firstInstallation(gateway: SandboxGateway): Promise<FirstInstallation>;
  close(): Promise<void>;
}

/** Every call rejects with the reasons when the server cannot be reached or something does not verify. */
export async function openSandboxReleases(input: {
  readonly server: URL;
  readonly serverCa?: string;
  readonly root: Uint8Array;
}): Promise<SandboxReleases> {
  const { server, serverCa, root } = input;
  const certificate = serverCa === undefined ? {} : { serverCa };
  const door = openHttpDoor({ server, proxy: {}, userAgent: 'gatehouse-sandbox', ...certificate });
  const controlPlane = createControlPlane(door);
  const trusted = demand(
    await openTrustedReleases({
      root,
      fetchFile: (kind, file, bytesMax) => controlPlane.readRepositoryFile(kind, file, bytesMax),
    }),
  );
  const releaseOf = async (version: string): Promise<ReleaseDocument> => demand(await trusted.release(version));
  return {
    async bundle(release) {
      demand(await trusted.refresh());
      return demand(await trusted.agentBundle(await releaseOf(release.version)));
    },
    async firstInstallation(gateway) {
      demand(await trusted.refresh());
      const release = await releaseOf(gateway.release ?? (await oldest(trusted)));
      const version = known(parsePlatformVersion(release.agent.version));
      const kubernetesMin = known(parseKubernetesVersion(release.agent.kubernetes.min));
      const { digest, repository } = release.agent;
      const nodes = await nodesOf(trusted, release, gateway);
      return { agent: { version, digest }, repository, kubernetesMin, ...(nodes === undefined ? {} : { nodes }) };
    },
    close: () => door.close(),
  };
}

async function oldest(trusted: TrustedReleases): Promise<PlatformVersion> {
  const [first] = demand(await trusted.versions())
    .map((text) => parsePlatformVersion(text))
    .filter((version) => version !== undefined)
    .toSorted(compareVersions);
  if (first === undefined) throw new Error('no release is signed yet');
  return first;
}

async function nodesOf(
  trusted: TrustedReleases,
  release: ReleaseDocument,
  { provider }: SandboxGateway,
): Promise<NodeTarget | undefined> {
  const pointer = release.profiles[provider];
  if (pointer === undefined) return undefined;
  return nodeTargetOf(toProfile(demand(await trusted.profile(release, provider)), pointer.digest));
}

function demand<T>(outcome: TrustOutcome<T>): T {
  if (outcome.kind === 'ok') return outcome.value;
  throw new Error(outcome.reasons.map(({ message }) => message).join(' '));
}

function known<T>(version: T | undefined): T {
  if (version === undefined) throw new Error('a signed release names a version that is none');
  return version;
}
