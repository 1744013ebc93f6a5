/**
 * What a person should know about the control plane itself, from what was observed of its database, its clock and what
 * agents know that it does not. It decides nothing but what is worth saying, and what to do about it.
 */

import type { Milliseconds } from './instant.ts';
import { failuresOf, type PreflightFinding } from './platform-preflight.ts';
import type { Reason } from './reason.ts';
import { clockMargin, differenceText } from './steady-time.ts';

export interface StatusFacts {
  /** What the database refuses now, if anything. */
  readonly trouble?: Reason & { readonly nextStep: string };
  /** Of the control plane as for a hop; empty for whoever does not see the whole platform. */
  readonly preflight: readonly PreflightFinding[];
  readonly clock: {
    /** How far the server's wall clock is off the time that it counts on by; absent: not. */
    readonly jumpedBy?: Milliseconds;
    /** The time that counts against the database's clock. */
    readonly aheadOfDatabase?: Milliseconds;
  };
  /** Gateways whose agents knew more than the database, when they were heard. */
  readonly setBack: NamedGateways;
  /** Gateways whose agents are newer than the platform's. */
  readonly ahead: NamedGateways & { readonly agentVersions: readonly string[]; readonly platformVersion?: string };
  /** Gateways whose clocks differ from the server's by more than the margin. */
  readonly clocks: NamedGateways;
}

export interface NamedGateways {
  readonly total: number;
  /** The first few. */
  readonly names: readonly string[];
}

export interface StatusWarning {
  readonly code: string;
  readonly message: string;
  readonly nextStep: string;
  readonly gateways?: readonly string[];
}

export function statusWarnings(facts: StatusFacts): readonly StatusWarning[] {
  const { trouble, preflight, setBack, ahead, clocks } = facts;
  return [
    ...(trouble === undefined ? [] : [toWarning(trouble)]),
    ...failuresOf(preflight)
      .filter(({ code }) => code !== 'replicas-accepted')
      .map(toWarning),
    ...(setBack.total === 0 ? [] : [setBackWarning(setBack)]),
    ...(ahead.total === 0 ? [] : [aheadWarning(ahead)]),
    ...clockWarnings(facts.clock),
    ...(clocks.total === 0 ? [] : [gatewayClockWarning(clocks)]),
  ];
}

const toWarning = ({ code, message, nextStep }: Reason): StatusWarning => ({
  code,
  message,
  nextStep: nextStep ?? 'See the log of the server.',
});

const gateways = (total: number): string =>
  total === 1 ? 'The agent of one gateway' : `The agents of ${total} gateways`;

function setBackWarning({ total, names }: NamedGateways): StatusWarning {
  return {
    code: 'database-set-back',
    message:
      `${gateways(total)} had newer targets than the database: it was restored from a backup, or lost what it had ` +
      'confirmed. Numbers go on from what the agents report, and nothing older was ordered.',
    nextStep:
      'Compare `gatehouse audit list` with what you know: confirmations, pauses, tokens and gateways since the backup are missing and have to be made again.',
    gateways: names,
  };
}

function aheadWarning({ total, names, agentVersions, platformVersion }: StatusFacts['ahead']): StatusWarning {
  return {
    code: 'platform-older-than-agents',
    message:
      `${gateways(total)} ${total === 1 ? 'is' : 'are'} newer (${agentVersions.join(', ')}) than platform version ` +
      `${platformVersion ?? 'none'}: the platform was set back, most likely by a backup from before a hop. No agent and no profile goes back.`,
    nextStep:
      'Import the releases again with `gatehouse release import` if they are missing, then move the platform on with `gatehouse platform upgrade <version>`; these gateways hold no hop.',
    gateways: names,
  };
}

function clockWarnings({ jumpedBy, aheadOfDatabase }: StatusFacts['clock']): readonly StatusWarning[] {
  const nextStep = 'Set the clocks right (NTP) on the machines of the server and of PostgreSQL.';
  if (jumpedBy !== undefined) {
    const message =
      `The server’s clock jumped: it is ${differenceText(jumpedBy)} the time that counts. Until the new time has lasted ` +
      'for five minutes, or the database agrees with it, nothing ends or expires by it.';
    return [{ code: 'clock', message, nextStep }];
  }
  if (aheadOfDatabase === undefined || Math.abs(aheadOfDatabase) <= clockMargin) return [];
  const message = `The server’s clock is ${differenceText(aheadOfDatabase)} the database’s.`;
  return [{ code: 'clock', message, nextStep }];
}

function gatewayClockWarning({ total, names }: NamedGateways): StatusWarning {
  return {
    code: 'clock',
    message: `${total === 1 ? 'The clock of one gateway differs' : `The clocks of ${total} gateways differ`} from the server’s by more than five minutes.`,
    nextStep: 'Set the clocks right (NTP) on the control planes of these gateways; their events say by how much.',
    gateways: names,
  };
}
