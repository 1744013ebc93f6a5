/**
 * The agent's own check of what a target names: the server chooses among signed releases and can make none. What does
 * not verify is never acted on; why not is reported as a hold.
 */

import type { ProfileUpdateOrder, Target } from '@gatehouse/contract/agent-api';
import type { ProfileDocument, ReleaseDocument } from '@gatehouse/contract/release-document';
import type { Reason } from '@gatehouse/domain/reason';
import type { Freshness } from '@gatehouse/release/trusted-releases';
import type { ReleaseShelf, Shelved } from './release-shelf.ts';

/**
 * What runs on the gateway or has begun. It was current when it began, and nothing that comes later takes that away: with
 * the server gone and everything expired it is still finished.
 */
export interface Standing {
  /** By digest: the agent that runs, and the one that an attempt is under way to. */
  readonly agents: ReadonlySet<string>;
  /** Plans of which a step has begun, and the digest of the profile they lead to, unless an older agent began them. */
  readonly plans: ReadonlyMap<string, string | undefined>;
  /** By digest: the profile that was last applied. */
  readonly profiles: ReadonlySet<string>;
}

/** The release a target's agent comes from, when it is signed and is that very agent. */
export async function verifyAgent(
  shelf: ReleaseShelf,
  agent: NonNullable<Target['agent']>,
  freshness: Freshness,
): Promise<Shelved<ReleaseDocument>> {
  const release = await takeRelease(shelf, agent.release, freshness);
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
  freshness: Freshness,
): Promise<Shelved<ProfileDocument>> {
  const release = await takeRelease(shelf, named.release, freshness);
  if (release.kind === 'refused') return release;
  const signed = Object.hasOwn(release.value.profiles, provider) ? release.value.profiles[provider] : undefined;
  if (signed?.digest !== named.digest) {
    return mismatch(
      `The control plane names the profile ${named.digest} for release ${named.release} and provider ${provider}, but the signed release has ${signed?.digest ?? 'none'}.`,
    );
  }
  return shelf.profile(release.value, provider, freshness);
}

/** What is new must not have been recalled either. */
async function takeRelease(
  shelf: ReleaseShelf,
  version: string,
  freshness: Freshness,
): Promise<Shelved<ReleaseDocument>> {
  const release = await shelf.release(version, freshness);
  if (release.kind === 'refused' || freshness === 'signed') return release;
  const recall = await shelf.checkRecall(version);
  return recall.kind === 'refused' ? recall : release;
}

/**
 * Verifies everything that the target names and puts it on the shelf, by the newest metadata if anything of it is new.
 * Returns what does not verify.
 */
export async function verifyTarget(
  shelf: ReleaseShelf,
  target: Target,
  provider: string,
  standing: Standing,
): Promise<readonly Reason[]> {
  const named = namedBy(target, standing);
  if (named.some(({ freshness }) => freshness === 'current') || shelf.isRefreshDue()) await shelf.refresh();
  let reasons = await verifyOnce(shelf, named, provider);
  if (reasons.length > 0 && named.every(({ freshness }) => freshness === 'signed')) {
    // What stands is not in what is kept, as after the trust was deleted.
    await shelf.refresh();
    reasons = await verifyOnce(shelf, named, provider);
  }
  if (reasons.length === 0) await shelf.prune();
  return withoutRepeats([...reasons, ...shelf.trouble()]);
}

type Named = { readonly freshness: Freshness } & (
  | { readonly kind: 'agent'; readonly agent: NonNullable<Target['agent']> }
  | { readonly kind: 'profile'; readonly release: string; readonly digest: string }
);

function namedBy({ agent, initialProfile, profileUpdate, proposed }: Target, standing: Standing): readonly Named[] {
  const asFresh = (isStanding: boolean): Freshness => (isStanding ? 'signed' : 'current');
  return [
    ...(agent === undefined
      ? []
      : [{ kind: 'agent', agent, freshness: asFresh(standing.agents.has(agent.digest)) } as const]),
    ...(initialProfile === undefined
      ? []
      : [
          {
            kind: 'profile',
            ...initialProfile,
            freshness: freshnessOfProfile(initialProfile.digest, initialProfile.digest, standing),
          } as const,
        ]),
    ...[profileUpdate, proposed].flatMap((order) =>
      order === undefined
        ? []
        : [
            {
              kind: 'profile',
              ...namedProfile(order),
              freshness: freshnessOfProfile(order.planId, order.to.digest, standing),
            } as const,
          ],
    ),
  ];
}

/** A plan that has begun is gone on with, to the profile that it began with; a profile that was applied is there. */
export function freshnessOfProfile(planId: string, digest: string, { plans, profiles }: Standing): Freshness {
  const hasBegun = plans.has(planId) && (plans.get(planId) ?? digest) === digest;
  return hasBegun || profiles.has(digest) ? 'signed' : 'current';
}

async function verifyOnce(shelf: ReleaseShelf, named: readonly Named[], provider: string): Promise<readonly Reason[]> {
  const reasons: Reason[] = [];
  for (const one of named) {
    const verified =
      one.kind === 'agent'
        ? await verifyAgent(shelf, one.agent, one.freshness)
        : await verifyProfile(shelf, one, provider, one.freshness);
    if (verified.kind === 'refused') reasons.push(...verified.reasons);
  }
  return reasons;
}

function withoutRepeats(reasons: readonly Reason[]): readonly Reason[] {
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
