/** Two agents with one identity: held before anything that either says counts, told once, let go when one is left. */

import { identityElsewhere, identityShared } from '@gatehouse/domain/identity-hold';
import { decideIdentityUse, type IdentityUse, type IdentityVerdict } from '@gatehouse/domain/identity-place';
import type { Reason } from '@gatehouse/domain/reason';
import type { Timings } from '@gatehouse/domain/timings';
import { updateIdentityUse } from '../agents/agent.store.ts';
import type { NewEvent } from '../events/event.store.ts';
import { eventSubject, type GatewayRow, selectNextPollDue } from '../gateways/gateway.store.ts';
import { type Refusal, refuse } from '../http/answer.ts';
import type { Work } from '../work/work.ts';

/** What the poll is refused with, if it is; also then what was decided must be committed. */
export async function holdIdentity(
  poll: {
    readonly row: GatewayRow;
    readonly known: IdentityUse;
    readonly uid: string | undefined;
    readonly timings: Timings;
  },
  work: Work,
): Promise<Refusal | undefined> {
  const { row, known, uid, timings } = poll;
  const { tx, now } = work;
  // Of the place that is answered nothing is asked, so that it costs no more than it did.
  const isUsual = known.places.at(-1)?.uid === uid;
  const due = isUsual ? undefined : await selectNextPollDue(tx, row.id);
  const verdict = decideIdentityUse(known, { uid, due }, now, timings);
  if (verdict.use !== known) {
    await updateIdentityUse(tx, row.id, verdict.use);
    // The place before is to be asked anew, also where its answer is remembered.
    work.changed({ kind: 'gateway', gatewayId: row.id });
  }
  const news = newsOf(verdict, row.name);
  if (news !== undefined) work.event(eventSubject(row), news);
  switch (verdict.kind) {
    case 'answered':
      return undefined;
    case 'waits':
      return refusal('identity-elsewhere', identityElsewhere(row.name, verdict.until));
    case 'shared':
      return refusal('identity-shared', identityShared(row.name));
  }
}

const refusal = (code: 'identity-elsewhere' | 'identity-shared', reason: Reason): Refusal =>
  refuse(code, text(reason), { reasons: [reason] });

const text = ({ message, nextStep }: Reason): string => (nextStep === undefined ? message : `${message} ${nextStep}`);

function newsOf(verdict: IdentityVerdict, gateway: string): NewEvent | undefined {
  switch (verdict.kind) {
    case 'answered':
      return verdict.news === undefined ? undefined : { severity: 'normal', ...letIn[verdict.news] };
    case 'waits':
      return verdict.isNew
        ? {
            type: 'agent-identity-elsewhere',
            severity: 'warning',
            message: text(identityElsewhere(gateway, verdict.until)),
          }
        : undefined;
    case 'shared':
      return verdict.isNew
        ? { type: 'agent-identity-shared', severity: 'warning', message: text(identityShared(gateway)) }
        : undefined;
  }
}

const letIn = {
  moved: {
    type: 'agent-identity-moved',
    message:
      'The agent’s identity is used from another place now, and the one before has been silent: it goes on from there.',
  },
  'single-again': {
    type: 'agent-identity-single',
    message: 'One agent alone has used the identity for long enough: it is no longer held.',
  },
} as const;
