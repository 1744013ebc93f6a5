/**
 * Eight who write at the same time. Each write has an `Idempotency-Key` and is sent again with it until it is answered,
 * whatever happens to the control plane meanwhile; what was answered is written down, with what must be found of it.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Client, ProblemError } from '@gatehouse/contract/client';
import type { CallOf, RouteName } from '@gatehouse/contract/operator-api';
import { liveGateways } from './fleet.ts';

/** What each write leaves behind, once: one audit record, and one event on the gateway where it names one. */
const traces = {
  createGateway: { action: 'gateway.create', event: 'gateway-created' },
  installGateway: { action: 'gateway.install', event: 'registration-token-issued' },
  deleteGateway: { action: 'gateway.delete', event: 'gateway-deleting' },
  setPause: { action: 'pause.set', event: 'agent-updates-paused' },
  clearPause: { action: 'pause.clear', event: 'agent-updates-resumed' },
  setExemption: { action: 'pause.exempt', event: 'exemption-set' },
  clearExemption: { action: 'pause.end-exemption', event: 'exemption-ended' },
  setWaiver: { action: 'platform.waive', event: 'waiver-set' },
  clearWaiver: { action: 'platform.end-waiver', event: 'waiver-ended' },
  createHostCluster: { action: 'host-cluster.create', event: 'host-cluster-recorded' },
  createToken: { action: 'token.create', event: undefined },
  revokeToken: { action: 'token.revoke', event: undefined },
  createTenant: { action: 'tenant.create', event: undefined },
  createProject: { action: 'project.create', event: undefined },
  confirmProfileUpdate: { action: 'profile-update.confirm', event: 'profile-update-confirmed' },
  retryProfileUpdate: { action: 'profile-update.retry', event: 'profile-update-retried' },
  retryAgentUpdate: { action: 'agent-update.retry', event: 'agent-update-retried' },
} as const;
type TracedWrite = keyof typeof traces;
export const writes = Object.keys(traces);

export interface Acknowledged {
  readonly write: string;
  /** Of the audit record. */
  readonly action?: string;
  readonly subject: string;
  /** Type of the event, and on which gateway. */
  readonly event?: string;
  readonly gateway?: string;
}

export interface Journal {
  /** Everything that was ever answered. */
  readonly acknowledged: readonly Acknowledged[];
  /** Milliseconds from the first try to the answer, of the writes since the last call. */
  takeDurations(): readonly number[];
  /** Repeats writes since the last call with their keys; gives what was answered otherwise than before. */
  replay(): Promise<readonly string[]>;
}

interface Given {
  readonly subject: string;
  readonly gateway?: string;
}

type Write = <Name extends RouteName>(name: Name, call: CallOf<Name>, given: Given) => Promise<unknown>;

export interface Writers extends Journal {
  /** One round of all eight. `tag` is part of every name and reason. Rejects when a write is refused or never answered. */
  round(tag: string): Promise<void>;
  /** What the eighth does by itself: whatever the two gateways wait for. */
  operate(): Promise<void>;
  /** One write of somebody else, the same way. */
  readonly write: Write;
}

/** Far beyond what is held, which is measured: a machine that does much else must not look like a fault. */
const answeredWithinSeconds = 300;
/** So many at once are sent in one moment again when the control plane is back. */
const againMilliseconds = 100;

export function createWriters(client: Client): Writers {
  const acknowledged: Acknowledged[] = [];
  let durations: number[] = [];
  let repeatable: { readonly what: string; readonly send: () => Promise<unknown>; readonly reply: unknown }[] = [];

  const write: Write = async (name, call, given) => {
    const idempotencyKey = randomUUID();
    // A table of operations gives each name its types; one that is called by any name has none.
    const operation = client[name] as (call: unknown, options: object) => Promise<unknown>;
    const send = (): Promise<unknown> =>
      answered(() => operation(call, { idempotencyKey }), `${name} ${given.subject}`);
    const begun = performance.now();
    const reply = await send();
    durations.push(performance.now() - begun);
    const trace = Object.hasOwn(traces, name) ? traces[name as TracedWrite] : undefined;
    acknowledged.push({
      write: name,
      ...given,
      ...(trace === undefined ? {} : { action: trace.action }),
      ...(trace?.event === undefined || given.gateway === undefined ? {} : { event: trace.event }),
    });
    repeatable.push({ what: `${name} ${given.subject}`, send, reply });
    return reply;
  };

  const around = async (gateway: string, during: () => Promise<void>): Promise<void> => {
    const body = { name: gateway, installation: 'existing-cluster', provider: 'vsphere' } as const;
    await write('createGateway', { body }, { subject: gateway, gateway });
    await during();
    await write('deleteGateway', { params: { gateway } }, { subject: gateway, gateway });
  };
  const until = (): string => new Date(Date.now() + 3_600_000).toISOString();

  /** Each with what it is about; the gateway is its own and made and deleted around it. */
  const onGateway: readonly ((gateway: string) => Promise<unknown>)[] = [
    async (gateway) => {
      await write(
        'setPause',
        { body: { scope: 'gateway', name: gateway, reason: gateway } },
        { subject: gateway, gateway },
      );
      await write('clearPause', { params: { scope: 'gateway', name: gateway } }, { subject: gateway, gateway });
    },
    async (gateway) => {
      const body = { reason: gateway, until: until() };
      await write('setExemption', { params: { gateway }, body }, { subject: gateway, gateway });
      await write('clearExemption', { params: { gateway } }, { subject: gateway, gateway });
    },
    async (gateway) => {
      await write('setWaiver', { params: { gateway }, body: { reason: gateway } }, { subject: gateway, gateway });
      await write('clearWaiver', { params: { gateway } }, { subject: gateway, gateway });
    },
    (gateway) => write('installGateway', { params: { gateway }, body: {} }, { subject: gateway, gateway }),
    (gateway) => {
      const body = { name: gateway, namespace: 'guests', gateway };
      return write('createHostCluster', { body }, { subject: `guests/${gateway}`, gateway });
    },
  ];

  return {
    acknowledged,
    write,
    operate: () => operate(client, write),
    takeDurations() {
      const taken = durations;
      durations = [];
      return taken;
    },
    async replay() {
      const taken = repeatable;
      repeatable = [];
      const other: string[] = [];
      for (const { what, send, reply } of taken) {
        const again = await send();
        if (!isDeepStrictEqual(again, reply)) {
          other.push(`${what}: ${JSON.stringify(again)} instead of ${JSON.stringify(reply)}`);
        }
      }
      return other;
    },
    async round(tag) {
      await Promise.all([
        ...onGateway.map((during, index) =>
          around(`${tag}-${index}`, async () => {
            await during(`${tag}-${index}`);
          }),
        ),
        (async () => {
          await write('createToken', { body: { name: tag, role: 'Viewer' } }, { subject: tag });
          await write('revokeToken', { params: { name: tag } }, { subject: tag });
        })(),
        (async () => {
          await write('createTenant', { body: { name: tag } }, { subject: tag });
          await write('createProject', { query: { tenant: tag }, body: { name: tag } }, { subject: tag });
        })(),
        operate(client, write),
      ]);
    },
  };
}

/** Sends it again and again until there is an answer. A refusal is one, and an error here: none of the writers errs. */
async function answered<T>(send: () => Promise<T>, what: string): Promise<T> {
  const deadline = performance.now() + answeredWithinSeconds * 1000;
  for (;;) {
    try {
      return await send();
    } catch (error) {
      if (error instanceof ProblemError && error.problem.status < 500) {
        throw new Error(`${what} was refused: ${error.problem.code} ${error.message}`, { cause: error });
      }
      if (performance.now() > deadline) {
        throw new Error(`${what} was not answered within ${answeredWithinSeconds} s`, { cause: error });
      }
    }
    await pause(againMilliseconds);
  }
}

/** The eighth: a person who keeps the two gateways moving. Looks first, so that nothing of it is refused. */
async function operate(client: Client, write: Write): Promise<void> {
  for (const gateway of liveGateways) {
    const params = { gateway };
    const seen = await read(() => client.getGateway({ params }));
    const blamed = seen.takenBack.find(({ isRetried }) => !isRetried);
    if (blamed !== undefined) {
      await write('retryAgentUpdate', { params, body: { version: blamed.version } }, { subject: gateway, gateway });
    }
    if (gateway !== 'ours') continue;
    const update = await read(() => client.getProfileUpdate({ params }).catch(noneYet));
    if (update?.phase === 'available' && update.confirmReasons.length === 0) {
      const confirmed = write(
        'confirmProfileUpdate',
        { params, body: { planId: update.planId } },
        { subject: gateway, gateway },
      );
      // The plan may have changed since it was looked at; that is for the next round.
      await confirmed.catch((error: unknown) =>
        orRefused(error, ['plan-changed', 'profile-update-held', 'no-profile-update']),
      );
    }
    if (update?.phase === 'stopped' && update.retryReasons.length === 0) {
      const retried = write('retryProfileUpdate', { params, body: {} }, { subject: gateway, gateway });
      await retried.catch((error: unknown) => orRefused(error, ['profile-update-not-stopped', 'profile-update-held']));
    }
  }
}

/** For a gateway without a profile update. */
export const noneYet = (error: unknown): undefined => {
  if (error instanceof ProblemError && error.problem.status < 500) return undefined;
  throw error;
};

function orRefused(error: unknown, codes: readonly string[]): void {
  if (!isRefusedWith(error, codes)) throw error;
}

/** Whether it is what a write rejects with when it was refused with one of these. */
export function isRefusedWith(error: unknown, codes: readonly string[]): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof ProblemError && codes.includes(cause.problem.code);
}

/** Asks until there is an answer. */
export const read = <T>(ask: () => Promise<T>): Promise<T> => answered(ask, 'a question');
