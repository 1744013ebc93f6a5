/**
 * Whether a person's confirmation, retry or cancellation of a profile update is taken, from the gateway's facts and the
 * plan that holds now. It refuses with a code and every reason of that code; it never starts anything on the gateway.
 */

import type { GatewayFacts } from './gateway-facts.ts';
import { confirmedProgress, gatewayStatus } from './gateway-status.ts';
import type { Instant } from './instant.ts';
import { pauseReasons } from './pause.ts';
import { profileAgentHolds } from './profile-hold.ts';
import { isPastCancel } from './profile-update-step.ts';
import type { ProfileUpdatePlan } from './profile-update-types.ts';
import type { Reason, Reasons } from './reason.ts';
import { repaveHolds } from './recall.ts';
import { unreachable } from './unreachable.ts';

/** The same words as the contract's problem codes. */
export type ConfirmRefusal =
  | 'existing-cluster'
  | 'gateway-provisioning'
  | 'gateway-not-running'
  | 'no-profile-update'
  | 'plan-changed'
  | 'profile-update-in-progress'
  | 'profile-update-held'
  | 'pause-acknowledgement-needed';

export interface ConfirmFacts {
  readonly facts: GatewayFacts;
  /** Made now, from the same facts; or why there is none. */
  readonly plan: ProfileUpdatePlan | { readonly reasons: readonly Reason[] };
  readonly request: { readonly planId: string; readonly acknowledgePause?: boolean };
  readonly now: Instant;
}

export type ConfirmDecision =
  /**
   * `supersedes`: the stopped update that this one takes the place of. A plan that was cancelled before may be accepted
   * again; its order has to carry a higher `retry` then, by which the gateway tells the two apart.
   */
  | { readonly kind: 'accepted'; readonly plan: ProfileUpdatePlan; readonly supersedes?: string }
  /** It was confirmed before: the same answer again, and nothing is written. */
  | { readonly kind: 'repeated' }
  | {
      readonly kind: 'refused';
      readonly code: ConfirmRefusal;
      readonly reasons: Reasons;
      /** With `plan-changed`: the plan that holds now. */
      readonly planId?: string;
    };

export function decideConfirm({ facts, plan, request, now }: ConfirmFacts): ConfirmDecision {
  const { name } = facts.identity;
  const refuse = (code: ConfirmRefusal, message: string, nextStep?: string): ConfirmDecision => ({
    kind: 'refused',
    code,
    reasons: [{ code, message, ...(nextStep === undefined ? {} : { nextStep }) }],
  });
  const life = lifeRefusal(facts, now);
  if (life !== undefined) return { kind: 'refused', code: life.code, reasons: [life] };
  const confirmed = facts.profileUpdate;
  if (confirmed?.plan.planId === request.planId) return { kind: 'repeated' };
  if (confirmed !== undefined && confirmedProgress(facts)?.phase !== 'stopped') {
    return refuse(
      'profile-update-in-progress',
      `A profile update to ${confirmed.plan.to.version} is on its way on the gateway ${name}.`,
      'Wait until it is completed or has stopped; a stopped one can be superseded by the newer plan.',
    );
  }
  if ('reasons' in plan) {
    return {
      kind: 'refused',
      code: 'no-profile-update',
      reasons: [
        { code: 'no-profile-update', message: `There is no profile update for the gateway ${name}.` },
        ...plan.reasons,
      ],
    };
  }
  if (plan.planId !== request.planId) {
    return {
      kind: 'refused',
      code: 'plan-changed',
      reasons: [
        {
          code: 'plan-changed',
          message: `What was confirmed for the gateway ${name} is no longer what would be done.`,
          nextStep: `Look at the new difference and confirm the plan ${plan.planId}.`,
        },
      ],
      planId: plan.planId,
    };
  }
  const [held, ...otherHolds] = profileAgentHolds(facts);
  if (held !== undefined) return { kind: 'refused', code: 'profile-update-held', reasons: [held, ...otherHolds] };
  const [paused, ...otherPauses] = pauseReasons(facts, now);
  if (paused !== undefined && request.acknowledgePause !== true) {
    return {
      kind: 'refused',
      code: 'pause-acknowledgement-needed',
      reasons: [
        {
          code: 'pause-acknowledgement-needed',
          message: `The gateway ${name} is paused. A pause holds agent updates only; this profile update would start.`,
          nextStep: 'Confirm again and say that you know it is paused.',
        },
        paused,
        ...otherPauses,
      ],
    };
  }
  return { kind: 'accepted', plan, ...(confirmed === undefined ? {} : { supersedes: confirmed.plan.planId }) };
}

/**
 * What would hold or refuse a confirmation of the plan that holds now; empty when it may be confirmed. A pause is not
 * among them, since it only asks to be acknowledged.
 */
export function confirmReasons(facts: Omit<ConfirmFacts, 'request'>): readonly Reason[] {
  if ('reasons' in facts.plan) return facts.plan.reasons;
  const decision = decideConfirm({ ...facts, request: { planId: facts.plan.planId, acknowledgePause: true } });
  return decision.kind === 'refused' ? decision.reasons : [];
}

function lifeRefusal(facts: GatewayFacts, now: Instant): Reason<ConfirmRefusal> | undefined {
  const { name, installation } = facts.identity;
  if (installation === 'existing-cluster') {
    return {
      code: 'existing-cluster',
      message: `The gateway ${name} runs on an existing cluster, whose owner keeps Kubernetes, network and storage.`,
      nextStep: 'Nothing needs confirming: only its agent is kept current, and that happens by itself.',
    };
  }
  const status = gatewayStatus(facts, now);
  switch (status) {
    case 'Provisioning':
      return {
        code: 'gateway-provisioning',
        message: `The gateway ${name} is Provisioning; nothing can be confirmed until it is Running.`,
        nextStep: `Wait until it is Running; \`gatehouse gateway explain ${name}\` says what is missing.`,
      };
    case 'Pending':
    case 'Deleting':
    case 'Deleted':
      return {
        code: 'gateway-not-running',
        message: `The gateway ${name} is ${status}; a profile update needs a Running gateway.`,
        ...(status === 'Pending' ? { nextStep: `Install it with \`gatehouse gateway install ${name}\`.` } : {}),
      };
    case 'Running':
    case 'Updating':
    case 'Error':
      return undefined;
    default:
      return unreachable(status);
  }
}

export type RetryDecision =
  /** `retry`: the number the order carries from now on. */
  | { readonly kind: 'accepted'; readonly retry: number }
  /** A retry is on its way to the gateway already. */
  | { readonly kind: 'repeated' }
  | {
      readonly kind: 'refused';
      readonly code: 'no-profile-update' | 'profile-update-not-stopped' | 'profile-update-held';
      readonly reasons: Reasons;
    };

export function decideRetry(facts: GatewayFacts): RetryDecision {
  const confirmed = facts.profileUpdate;
  if (confirmed === undefined) return { kind: 'refused', ...noUpdate(facts, 'retry') };
  const progress = confirmedProgress(facts);
  if (progress?.phase !== 'stopped') {
    const code = 'profile-update-not-stopped';
    return {
      kind: 'refused',
      code,
      reasons: [
        {
          code,
          message:
            `The profile update to ${confirmed.plan.to.version} on the gateway ${facts.identity.name} has not stopped: ` +
            `${progress === undefined ? 'the gateway has not taken it up yet' : `it is in phase ${progress.phase}`}.`,
          nextStep: 'Wait; there is something to retry only once it has stopped.',
        },
      ],
    };
  }
  const [held, ...otherHolds] = repaveHolds(facts);
  if (held !== undefined) return { kind: 'refused', code: 'profile-update-held', reasons: [held, ...otherHolds] };
  return confirmed.retry > progress.retry ? { kind: 'repeated' } : { kind: 'accepted', retry: confirmed.retry + 1 };
}

export type CancelDecision =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'repeated' }
  | {
      readonly kind: 'refused';
      readonly code: 'no-profile-update' | 'profile-update-past-cancel';
      readonly reasons: Reasons;
    };

/**
 * What has not begun can be cancelled. Once a control plane is being replaced there is only forward: Kubernetes never
 * goes down, and an older OS would be another repave of all. The agent decides the same again when it takes it up,
 * since it may have begun meanwhile.
 */
export function decideCancel(facts: GatewayFacts): CancelDecision {
  const confirmed = facts.profileUpdate;
  if (confirmed === undefined) return { kind: 'refused', ...noUpdate(facts, 'cancel') };
  const progress = confirmedProgress(facts);
  if (progress !== undefined && isPastCancel(confirmed.plan.steps, progress)) {
    const code = 'profile-update-past-cancel';
    return {
      kind: 'refused',
      code,
      reasons: [
        {
          code,
          message:
            `The profile update to ${confirmed.plan.to.version} on the gateway ${facts.identity.name} has begun to ` +
            'replace control planes; from there it only goes forward.',
          nextStep: 'Let it complete; if it has stopped, retry it or confirm a newer plan.',
        },
      ],
    };
  }
  return confirmed.isCancelled ? { kind: 'repeated' } : { kind: 'accepted' };
}

/** Why a retry would be refused or change nothing now; empty when it would be taken. */
export function retryReasons(facts: GatewayFacts): readonly Reason[] {
  const decision = decideRetry(facts);
  switch (decision.kind) {
    case 'accepted':
      return [];
    case 'repeated':
      return [onItsWay('retry', `A retry is on its way to the gateway ${facts.identity.name}.`)];
    case 'refused':
      return decision.reasons;
    default:
      return unreachable(decision);
  }
}

/** Why a cancellation would be refused or change nothing now; empty when it would be taken. */
export function cancelReasons(facts: GatewayFacts): readonly Reason[] {
  const decision = decideCancel(facts);
  switch (decision.kind) {
    case 'accepted':
      return [];
    case 'repeated':
      return [onItsWay('cancel', `A cancellation is on its way to the gateway ${facts.identity.name}.`)];
    case 'refused':
      return decision.reasons;
    default:
      return unreachable(decision);
  }
}

const onItsWay = (verb: 'retry' | 'cancel', message: string): Reason => ({
  code: `${verb}-on-its-way`,
  message,
  nextStep: 'Wait for the next poll, which takes it up.',
});

function noUpdate(
  facts: GatewayFacts,
  verb: string,
): { readonly code: 'no-profile-update'; readonly reasons: Reasons } {
  return {
    code: 'no-profile-update',
    reasons: [
      {
        code: 'no-profile-update',
        message: `No profile update is confirmed on the gateway ${facts.identity.name}, so there is none to ${verb}.`,
      },
    ],
  };
}
