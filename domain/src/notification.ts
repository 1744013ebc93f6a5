/**
 * What people are told of without looking: a plan that waits, an update that failed or was taken back, a hop that is
 * held, a pause about to end. Decided from one event, or from what is there and the time. It never decides who hears it,
 * nor how: that follows from the place of the subject and from what each webhook and recipient asked for.
 */

import { formatInstant, hours, type Instant, type Milliseconds } from './instant.ts';
import type { GateCode } from './platform-gates.ts';
import type { Reason } from './reason.ts';

/** The same words as the kinds of the operator API; the server checks that the two are one. */
export const notificationKinds = [
  'plan-waits',
  'plan-waits-long',
  'update-failed',
  'update-taken-back',
  'hop-held',
  'pause-ends',
  'two-agents',
  'control-plane-recovered',
  'receiver-disabled',
] as const;
export type NotificationKind = (typeof notificationKinds)[number];

export interface Subject {
  readonly kind: 'gateway' | 'project' | 'tenant' | 'platform' | 'webhook' | 'mail-subscription';
  /** Absent for the platform, of which there is one. */
  readonly id?: string;
  readonly name: string;
}

export interface Notification {
  readonly kind: NotificationKind;
  readonly severity: 'normal' | 'warning';
  readonly subject: Subject;
  readonly message: string;
  /** What the reader can do about it. */
  readonly nextStep?: string;
  /** Notifications of one topic are over together, when what they tell of is no longer so. */
  readonly topic: string;
  /** At most one notification ever has it. Absent where the event it comes from happens once anyway. */
  readonly key?: string;
}

/** An event of a gateway, as far as it matters here. */
export interface ToldEvent {
  readonly type: string;
  readonly message: string;
  readonly gateway: { readonly id: string; readonly name: string };
}

export interface EventConsequences {
  /** Topics that are over with it, before what it brings begins. */
  readonly over: readonly string[];
  readonly notification?: Notification;
}

const topics = ['plan', 'profile-update', 'agent', 'identity'] as const;
type Topic = (typeof topics)[number];
const topicOf = (topic: Topic, gatewayId: string): string => `${topic}:${gatewayId}`;

interface Rule {
  readonly over?: readonly Topic[];
  readonly tells?: Pick<Notification, 'kind' | 'severity' | 'nextStep'> & { readonly topic: Topic };
}

const rules: Readonly<Record<string, Rule>> = {
  'profile-available': {
    over: ['plan'],
    tells: {
      topic: 'plan',
      kind: 'plan-waits',
      severity: 'normal',
      nextStep: 'Review the update of the gateway and confirm it.',
    },
  },
  'profile-update-confirmed': { over: ['plan', 'profile-update'] },
  'profile-update-stopped': {
    over: ['profile-update'],
    tells: {
      topic: 'profile-update',
      kind: 'update-failed',
      severity: 'warning',
      nextStep: 'Retry it, confirm a newer plan, or cancel what has not begun.',
    },
  },
  'profile-update-retried': { over: ['profile-update'] },
  'profile-update-completed': { over: ['plan', 'profile-update'] },
  'profile-update-cancelled': { over: ['profile-update'] },
  'agent-rehearsal-failed': {
    over: ['agent'],
    tells: {
      topic: 'agent',
      kind: 'update-failed',
      severity: 'warning',
      nextStep: 'The gateway goes on with its agent. Mend the cause and retry the version, or wait for a newer one.',
    },
  },
  'agent-update-taken-back': {
    over: ['agent'],
    tells: {
      topic: 'agent',
      kind: 'update-taken-back',
      severity: 'warning',
      nextStep:
        'The gateway goes on with the agent before. Mend the cause and retry the version, or wait for a newer one.',
    },
  },
  'agent-update-retried': { over: ['agent'] },
  'agent-update-settled': { over: ['agent'] },
  'agent-identity-shared': {
    over: ['identity'],
    tells: {
      topic: 'identity',
      kind: 'two-agents',
      severity: 'warning',
      nextStep: 'See what the gateway’s explanation says to do; nothing is updated there until then.',
    },
  },
  'agent-identity-single': { over: ['identity'] },
  'agent-identity-moved': { over: ['identity'] },
  'gateway-deleting': { over: topics },
};

/** What follows from one event. Most events bring nothing: they are there for whoever looks. */
export function consequencesOf({ type, message, gateway }: ToldEvent): EventConsequences {
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined;
  const over = (rule?.over ?? []).map((topic) => topicOf(topic, gateway.id));
  if (rule?.tells === undefined) return { over };
  const { topic, ...told } = rule.tells;
  return {
    over,
    notification: {
      ...told,
      topic: topicOf(topic, gateway.id),
      subject: { kind: 'gateway', ...gateway },
      message: `${gateway.name}: ${message}`,
    },
  };
}

/** A plan that nobody has confirmed for so long is told of once more. */
export const planWaitsLongAfter: Milliseconds = hours(72);

/** A notification that a plan waits which is not over. */
export interface WaitingPlan {
  readonly notificationId: string;
  readonly since: Instant;
  readonly gateway: { readonly id: string; readonly name: string };
}

export function longWait({ notificationId, since, gateway }: WaitingPlan, now: Instant): Notification | undefined {
  if (now - since < planWaitsLongAfter) return undefined;
  return {
    kind: 'plan-waits-long',
    severity: 'warning',
    subject: { kind: 'gateway', ...gateway },
    message: `${gateway.name}: its profile update waits for a confirmation since ${formatInstant(since)}.`,
    nextStep: 'Review the update of the gateway and confirm it; the platform takes no further hop without it.',
    topic: topicOf('plan', gateway.id),
    key: `plan-waits-long:${notificationId}`,
  };
}

const pauseNoticeMax: Milliseconds = hours(24);

export interface EndingPause {
  readonly id: string;
  readonly scope: { readonly kind: 'tenant' | 'project' | 'gateway'; readonly id: string; readonly name: string };
  readonly by: string;
  readonly reason: string;
  readonly since: Instant;
  readonly until: Instant;
}

export const pauseTopic = (pauseId: string): string => `pause:${pauseId}`;

/** A day before its end; of a pause shorter than two days, in its second half. */
export function pauseEnd(pause: EndingPause, now: Instant): Notification | undefined {
  const { id, scope, by, reason, since, until } = pause;
  const notice = Math.min(pauseNoticeMax, (until - since) / 2);
  if (now >= until || until - now > notice) return undefined;
  return {
    kind: 'pause-ends',
    severity: 'normal',
    subject: scope,
    message: `The pause of the ${scope.kind} ${scope.name} by ${by} ends at ${formatInstant(until)}: ${reason}`,
    nextStep: 'Agent updates begin again by themselves then; pause the scope anew if they should not.',
    topic: pauseTopic(id),
    key: `pause-ends:${id}`,
  };
}

/** So long gateways may hold a hop that is due before somebody is told. */
export const hopHeldAfter: Milliseconds = hours(1);

export interface HeldHop {
  readonly planId: string;
  /** Absent: what is held is the end of the plan. */
  readonly before?: { readonly from: string; readonly to: string };
  readonly to: string;
  readonly reasons: readonly Reason[];
  /** When time alone lets it go on. */
  readonly opensAt?: Instant;
  /** When the hop before was taken, or the plan was started. */
  readonly since: Instant;
}

export const hopTopic = (planId: string): string => `platform-plan:${planId}`;

const gateCodes: readonly string[] = [
  'gateway-not-current',
  'gateway-unhealthy',
  'gateway-settling',
] satisfies readonly GateCode[];
const reasonsNamed = 3;

/**
 * What only a person can clear is told at once, gateways that hold the hop after a while, since each hop waits for them
 * as it should; what time alone opens never is.
 */
export function heldHop(held: HeldHop, now: Instant): Notification | undefined {
  const { planId, before, to, reasons, opensAt, since } = held;
  const obstacles = reasons.filter(({ code }) => !gateCodes.includes(code));
  if (obstacles.length === 0 && (opensAt !== undefined || now - since < hopHeldAfter)) return undefined;
  const told = obstacles.length === 0 ? reasons : obstacles;
  const [first] = told;
  if (first === undefined) return undefined;
  const what = before === undefined ? `The end of the plan to ${to}` : `The hop from ${before.from} to ${before.to}`;
  const more = told.length > reasonsNamed ? ` And ${told.length - reasonsNamed} more.` : '';
  const named = told.slice(0, reasonsNamed).map(({ message }) => message);
  return {
    kind: 'hop-held',
    severity: 'warning',
    subject: { kind: 'platform', name: before?.to ?? to },
    message: `${what} is held: ${named.join(' ')}${more}`,
    ...(first.nextStep === undefined ? {} : { nextStep: first.nextStep }),
    topic: hopTopic(planId),
    key: `hop-held:${planId}:${before?.to ?? 'end'}:${obstacles.length === 0 ? 'gateways' : first.code}`,
  };
}

/** A gateway whose agent was heard to know more than the database. */
export interface KnowingGateway {
  readonly name: string;
  readonly at: Instant;
}

/**
 * The database was set back: what people did since is forgotten, and only they know it. Told once in a day (UTC) for the
 * whole platform, however many gateways notice it; the status names them.
 */
export function controlPlaneRecovered({ name, at }: KnowingGateway): Notification {
  return {
    kind: 'control-plane-recovered',
    severity: 'warning',
    subject: { kind: 'platform', name: 'control plane' },
    message:
      `The database was set back, as by a backup that was restored: the agent of ${name} had newer targets than it. ` +
      'Numbers go on from what agents report, and nothing older is ordered.',
    nextStep:
      'Compare the audit with what you know: confirmations, pauses, tokens and gateways since the backup are missing and have to be made again. Say done here when that is settled.',
    topic: 'control-plane-recovered',
    key: `control-plane-recovered:${formatInstant(at).slice(0, 10)}`,
  };
}

/** Who gets messages from us: a webhook, or an e-mail address. */
export interface Receiver {
  readonly kind: 'webhook' | 'mail-subscription';
  readonly id: string;
  /** Of the webhook; the address. */
  readonly name: string;
}

export const receiverTopic = ({ kind, id }: Pick<Receiver, 'kind' | 'id'>): string => `${kind}:${id}`;

export function disabledReceiver(receiver: Receiver, why: string): Notification {
  const isWebhook = receiver.kind === 'webhook';
  return {
    kind: 'receiver-disabled',
    severity: 'warning',
    subject: receiver,
    message: `${isWebhook ? `The webhook ${receiver.name}` : `E-mail to ${receiver.name}`} was disabled: ${why}`,
    nextStep: isWebhook
      ? 'Mend the receiver, then enable the webhook again and send what was lost once more.'
      : 'Correct the address or the mail server, then send a test, which enables it again.',
    topic: receiverTopic(receiver),
  };
}
