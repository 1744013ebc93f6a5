/**
 * The agent's own check of what a target names: the server chooses among signed releases and can make none. What does
 * not verify is never acted on; why not is reported as a hold.
 */

import type { ProfileUpdateOrder, Target } from '@gatehouse/contract/agent-api';
import type { ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import type { Reason } from '@gatehouse/domain/reason';
import type { ReleaseShelf, Shelved } from './release-shelf.ts';

/** The release a target's agent comes from, when it is signed and is that very agent. */
export async function verifyAgent(
  shelf: ReleaseShelf,
  agent: NonNullable<Target['agent']>,
): Promise<Shelved<ReleaseDocument>> {
  const release = await shelf.release(agent.release);
  if (release.kind === 'refused') return release;
  const signed = release.value.agent;
  if (signed.digest === agent.digest && signed.version === agent.version) return release;
  return mismatch(
    `The control plane names the agent ${agent.version} (${agent.digest}) for release ${agent.release}, but the signed release has ${signed.version} (${signed.digest}).`,
  );
}

/** The profile of a release, when it is signed and has the digest that the target names. */
export async function verifyProfile(
  shelf: ReleaseShelf,
  named: { readonly release: string; readonly digest: string },
  provider: string,
): Promise<Shelved<ProfileDocument>> {
  const release = await shelf.release(named.release);
  if (release.kind === 'refused') return release;
  const signed = release.value.profiles[provider];
  if (signed?.digest !== named.digest) {
    return mismatch(
      `The control plane names the profile ${named.digest} for release ${named.release} and provider ${provider}, but the signed release has ${signed?.digest ?? 'none'}.`,
    );
  }
  return shelf.profile(release.value, provider);
}

/**
 * Verifies everything that the target names and puts it on the shelf; on a first "no" with the newest metadata. Returns
 * what does not verify.
 */
export async function verifyTarget(shelf: ReleaseShelf, target: Target, provider: string): Promise<readonly Reason[]> {
  const first = await verifyOnce(shelf, target, provider);
  if (first.length === 0) return [];
  const refreshed = await shelf.refresh();
  const again = await verifyOnce(shelf, target, provider);
  if (again.length === 0) {
    await shelf.prune();
    return [];
  }
  return refreshed.kind === 'refused' ? [...refreshed.reasons, ...again] : again;
}

async function verifyOnce(shelf: ReleaseShelf, target: Target, provider: string): Promise<readonly Reason[]> {
  const reasons: Reason[] = [];
  const profiles = [
    target.initialProfile,
    ...[target.profileUpdate, target.proposed].map((order) => order && namedProfile(order)),
  ];
  if (target.agent !== undefined) {
    const verified = await verifyAgent(shelf, target.agent);
    if (verified.kind === 'refused') reasons.push(...verified.reasons);
  }
  for (const named of profiles) {
    if (named === undefined) continue;
    const verified = await verifyProfile(shelf, named, provider);
    if (verified.kind === 'refused') reasons.push(...verified.reasons);
  }
  return reasons.filter((one, index) => reasons.findIndex((other) => other.message === one.message) === index);
}

export function namedProfile(order: ProfileUpdateOrder): { readonly release: string; readonly digest: string } {
  return { release: order.release, digest: order.to.digest };
}

function mismatch(message: string): { readonly kind: 'refused'; readonly reasons: readonly Reason[] } {
  return {
    kind: 'refused',
    reasons: [
      {
        code: 'release-mismatch',
        message,
        nextStep: 'Nothing was changed on the gateway. Ask who runs the control plane how this could be.',
      },
    ],
  };
}
