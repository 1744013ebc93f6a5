/**
 * The one table of error and refusal codes, and the form in which they travel: RFC 9457 problem details with `code` and
 * `reasons`. A code's status and meaning never change; new ones are added.
 */

import Type, { type Static } from 'typebox';
import { Reason } from './primitives.ts';

export const codes = {
  'invalid-request': { status: 400, title: 'The request does not fit its schema.' },
  'not-signed-in': { status: 401, title: 'Not signed in.' },
  'not-allowed': { status: 403, title: 'The role does not permit this.' },
  'not-found': { status: 404, title: 'There is no such thing, or it belongs to somebody else.' },
  'method-not-allowed': { status: 405, title: 'The address does not take this method.' },
  'name-taken': { status: 409, title: 'The name is in use.' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key came before with another request.' },
  'payload-too-large': { status: 413, title: 'The body is too large.' },
  'header-too-large': { status: 431, title: 'The address and the headers are too large together.' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time.' },
  'unsupported-media-type': { status: 415, title: 'The body is not JSON.' },
  'too-many-requests': { status: 429, title: 'Too many requests; Retry-After says when to come back.' },
  'https-required': { status: 403, title: 'Agents talk to this address over HTTPS only.' },
  'sandbox-control-plane': { status: 409, title: 'A sandbox control plane takes no real gateways.' },
  'no-platform-version': { status: 409, title: 'No release was imported yet.' },
  'upgrade-refused': { status: 409, title: 'The platform cannot move to that version now.' },
  'no-platform-plan': { status: 409, title: 'The platform has no plan under way.' },
  'release-unknown': { status: 404, title: 'No such release was imported.' },
  'release-recalled': { status: 409, title: 'The release was recalled: it is offered to nobody.' },
  'recall-signed': { status: 409, title: 'The publisher has recalled it in signed metadata; that stays.' },
  'not-recalled': { status: 409, title: 'The release is not recalled.' },
  'release-invalid': { status: 422, title: 'The release or its signatures do not verify.' },
  'plan-changed': { status: 409, title: 'What was confirmed is no longer what would be done.' },
  'no-profile-update': { status: 409, title: 'The gateway has no profile update to act on.' },
  'profile-update-in-progress': { status: 409, title: 'A profile update is already running on the gateway.' },
  'profile-update-not-stopped': { status: 409, title: 'Only a stopped profile update can be retried.' },
  'profile-update-past-cancel': { status: 409, title: 'A control plane is being replaced: there is only forward.' },
  'gateway-provisioning': { status: 409, title: 'The gateway is still being provisioned.' },
  'gateway-not-running': { status: 409, title: 'The gateway is not in a state that permits this.' },
  'existing-cluster': { status: 409, title: 'On an existing cluster its owner keeps the cluster profile.' },
  'profile-update-held': { status: 409, title: 'The profile update cannot begin now.' },
  'pause-acknowledgement-needed': { status: 409, title: 'The gateway is paused; confirm again that you know.' },
  'not-taken-back': { status: 409, title: 'That agent version was not taken back on this gateway.' },
  'limit-reached': { status: 409, title: 'There are as many as there may be.' },
  'webhook-disabled': { status: 409, title: 'The webhook is disabled: nothing is sent to it.' },
  'mail-not-configured': { status: 409, title: 'The control plane was started without a mail server.' },
  'token-invalid': { status: 401, title: 'The registration token is unknown, used or expired.' },
  'identity-refused': { status: 401, title: 'The agent did not prove its identity.' },
  'identity-elsewhere': { status: 409, title: 'The identity was used from another place lately.' },
  'identity-shared': { status: 409, title: 'Two agents use one identity; both are held.' },
  'hand-over-superseded': { status: 409, title: 'Another agent of this gateway has taken over since.' },
  'internal-error': { status: 500, title: 'Something broke on our side; the request id finds it in the log.' },
  unavailable: { status: 503, title: 'The control plane cannot answer now; try again.' },
} as const satisfies Record<string, { status: number; title: string }>;

export type Code = keyof typeof codes;

export const Problem = Type.Object(
  {
    type: Type.String({ description: 'urn:gatehouse:problem:<code>' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.String({ description: 'Names the thing, the reason and the next step.' }),
    instance: Type.Optional(Type.String()),
    reasons: Type.Array(Reason),
    /** With `plan-changed`: the plan that holds now. */
    planId: Type.Optional(Type.String()),
  },
  { $id: 'Problem' },
);
export type Problem = Static<typeof Problem>;

/** Makes the body of a problem reply from the table. */
export function toProblem(
  code: Code,
  detail: string,
  more: { reasons?: readonly Reason[]; instance?: string; planId?: string } = {},
): Problem {
  const { status, title } = codes[code];
  return {
    type: `urn:gatehouse:problem:${code}`,
    title,
    status,
    code,
    detail,
    reasons: [...(more.reasons ?? [])],
    ...(more.instance === undefined ? {} : { instance: more.instance }),
    ...(more.planId === undefined ? {} : { planId: more.planId }),
  };
}
