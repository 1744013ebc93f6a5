/**
 * From the order on the wire to one that may be carried out: its profile is the signed one, and what its node steps ask
 * for is what that profile says. The server chooses when, never what.
 */

import type { ProfileUpdateOrder as OrderMessage, Target } from '@gatehouse/contract/agent-api';
import { isNeverDeleted, objectKey, objectText, referenceOf } from '@gatehouse/domain/object-reference';
import { layerKinds, type Profile } from '@gatehouse/domain/profile';
import { layerOf } from '@gatehouse/domain/profile-diff';
import { initialProfileSteps, nodeTargetOf } from '@gatehouse/domain/profile-plan';
import type { ProfileUpdateFacts } from '@gatehouse/domain/profile-update-step';
import type { ProfileUpdateStep } from '@gatehouse/domain/profile-update-types';
import { parseKubernetesVersion } from '@gatehouse/domain/version';
import type { Freshness } from '@gatehouse/release/trusted-releases';
import type { ReleaseShelf, Shelved } from '../poll/release-shelf.ts';
import { namedProfile, verifyProfile } from '../poll/verify-target.ts';
import { toProfile } from './profile-document.ts';

export interface VerifiedOrder {
  readonly order: ProfileUpdateFacts['order'];
  readonly profile: Profile;
}

export async function verifyOrder(
  shelf: ReleaseShelf,
  message: OrderMessage,
  provider: string,
  freshness: Freshness,
): Promise<Shelved<VerifiedOrder>> {
  const document = await verifyProfile(shelf, namedProfile(message), provider, freshness);
  if (document.kind === 'refused') return document;
  const profile = toProfile(document.value, message.to.digest);
  const steps = message.steps.map((step) => toStep(step));
  const fault = steps.map((step) => faultOf(step, profile)).find((one) => one !== undefined) ?? sameStepTwice(steps);
  if (fault !== undefined) return refused(fault);
  const known = steps.filter((step): step is ProfileUpdateStep => step !== undefined);
  const { planId, retry, isCancelled } = message;
  const [held, ...otherHolds] = message.held ?? [];
  const order = {
    planId,
    to: profile,
    steps: known,
    retry,
    isCancelled,
    ...(held === undefined ? {} : { held: [held, ...otherHolds] as const }),
  };
  return { kind: 'ok', value: { order, profile } };
}

/** The first profile of a new gateway belongs to its installation; it is its own plan. */
export async function verifyInitialProfile(
  shelf: ReleaseShelf,
  initial: NonNullable<Target['initialProfile']>,
  provider: string,
  freshness: Freshness,
): Promise<Shelved<VerifiedOrder>> {
  const document = await verifyProfile(shelf, initial, provider, freshness);
  if (document.kind === 'refused') return document;
  const profile = toProfile(document.value, initial.digest);
  const steps = initialProfileSteps(profile);
  const order = { planId: initial.digest, to: profile, steps, retry: 0, isCancelled: false, isInitial: true };
  return { kind: 'ok', value: { order, profile } };
}

/** Undefined when this agent does not understand it. */
function toStep(step: OrderMessage['steps'][number]): ProfileUpdateStep | undefined {
  if (step.kind === 'pack') {
    const layer = layerKinds.find((kind) => kind === step.layer);
    if (layer === undefined || step.pack === undefined) return undefined;
    const { id, pack, deletes = [], keeps = [] } = step;
    return { id, kind: 'pack', layer, pack, deletes, keeps };
  }
  const kubernetes = parseKubernetesVersion(step.to?.kubernetes ?? '');
  if (step.id !== step.kind || step.to === undefined || kubernetes === undefined) return undefined;
  const more = step.move === undefined ? {} : { move: step.move };
  const rest = { ...more, to: { kubernetes, os: step.to.os }, nodes: step.nodes ?? [] };
  return step.kind === 'control-planes'
    ? { id: 'control-planes', kind: 'control-planes', ...rest }
    : { id: 'workers', kind: 'workers', ...rest };
}

function faultOf(step: ProfileUpdateStep | undefined, profile: Profile): string | undefined {
  if (step === undefined) return 'The order has a step that this agent does not understand.';
  if (step.kind === 'pack') return packFaultOf(step, profile);
  const signed = nodeTargetOf(profile);
  if (signed?.kubernetes === step.to.kubernetes && signed.os === step.to.os) return undefined;
  return (
    `The control plane orders Kubernetes ${step.to.kubernetes} with ${step.to.os} for profile ${profile.version}, ` +
    `but the signed profile has ${signed?.kubernetes ?? 'no version'} with ${signed?.os ?? 'no image'}.`
  );
}

type PackStep = Extract<ProfileUpdateStep, { kind: 'pack' }>;

/** Neither would be deleted when it comes to it; an order that asks for it was not planned by a control plane. */
function packFaultOf({ deletes }: PackStep, profile: Profile): string | undefined {
  const wanted = new Set(
    profile.layers.flatMap(({ packs }) =>
      packs.flatMap(({ objects }) => objects.map((object) => objectKey(referenceOf(object)))),
    ),
  );
  const kept = deletes.find((object) => isNeverDeleted(object) || wanted.has(objectKey(object)));
  if (kept === undefined) return undefined;
  const why = isNeverDeleted(kept) ? 'which no profile update deletes' : `which profile ${profile.version} has`;
  return `The control plane orders that ${objectText(kept)} be deleted, ${why}.`;
}

function sameStepTwice(steps: readonly (ProfileUpdateStep | undefined)[]): string | undefined {
  const ids = steps.map((step) => step?.id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  return twice === undefined ? undefined : `The control plane orders the step ${twice} twice.`;
}

/**
 * Before it begins: a step for a pack that neither the signed profile has nor the gateway. (Afterwards a pack that was
 * to be removed is gone, as ordered.)
 */
export function refuseStrangePack(
  { order, profile }: VerifiedOrder,
  gateway: { readonly hasPack: (layer: string, pack: string) => boolean; readonly begunPlanId: string | undefined },
): Shelved<never> | undefined {
  if (gateway.begunPlanId === order.planId) return undefined;
  const strange = order.steps.find(
    (step): step is PackStep =>
      step.kind === 'pack' &&
      !gateway.hasPack(step.layer, step.pack) &&
      layerOf(profile, step.layer)?.packs.some(({ name }) => name === step.pack) !== true,
  );
  if (strange === undefined) return undefined;
  const what = `the pack ${strange.pack} of the layer ${strange.layer}`;
  return refused(
    `The control plane orders ${what}, which profile ${profile.version} does not have and the gateway does not either.`,
  );
}

function refused(message: string): Shelved<never> {
  return {
    kind: 'refused',
    reasons: [
      {
        code: 'order-refused',
        message,
        nextStep: 'Nothing was changed on the gateway. Ask who runs the control plane how this could be.',
      },
    ],
  };
}
