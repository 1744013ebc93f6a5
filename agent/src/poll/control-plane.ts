/**
 * The control plane's agent API as typed calls. Replies are checked against the contract; fields that a newer server
 * added are ignored here but kept where the target is stored, so that a newer agent finds them.
 */

import {
  ChallengeReply,
  EnrolReply,
  type EnrolRequest,
  PollReply,
  type PollRequest,
  SessionReply,
} from '@gatehouse/contract/agent-api';
import type { Instant } from '@gatehouse/domain/instant';
import type { Fetched } from '@gatehouse/release/tuf-client';
import Type, { type Static, type TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';
import type { HttpAnswer, HttpDoor } from './http.ts';
import { fetchRepositoryFile } from './repository-file.ts';

/** A "no" with a code is the server's answer; `unreachable` says nothing about what was asked. */
export type Answer<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly code: string;
      readonly message: string;
      readonly retryAfterSeconds?: number;
    }
  | { readonly kind: 'unreachable'; readonly message: string; readonly retryAfterSeconds?: number };

export interface ControlPlane {
  enrol(request: EnrolRequest): Promise<Answer<Static<typeof EnrolReply>>>;
  challenge(gatewayId: string): Promise<Answer<Static<typeof ChallengeReply>>>;
  openSession(request: {
    readonly gatewayId: string;
    readonly challenge: string;
    readonly signature: string;
  }): Promise<Answer<Static<typeof SessionReply>>>;
  poll(sessionToken: string, request: PollRequest): Promise<Answer<PollReply>>;
  /** A file of the TUF repository; undefined when there is none. Throws when nothing could be had. */
  readRepositoryFile(
    kind: 'metadata' | 'targets',
    path: string,
    bytesMax: number,
    signal?: AbortSignal,
  ): Promise<Fetched>;
  /** Its clock by its last answer; undefined before the first. */
  time(): Instant | undefined;
}

const replyBytesMax = 4 * 1024 * 1024;

export function createControlPlane(door: HttpDoor, signal?: AbortSignal): ControlPlane {
  const post = async <S extends TSchema>(path: string, schema: S, json: unknown, bearer?: string) =>
    toAnswer(
      path,
      schema,
      await door.send({
        method: 'POST',
        path,
        json,
        bodyBytesMax: replyBytesMax,
        ...(bearer === undefined ? {} : { bearer }),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
  return {
    enrol: (request) => post('v1/agent/enrol', EnrolReply, request),
    challenge: (gatewayId) => post('v1/agent/challenge', ChallengeReply, { gatewayId }),
    openSession: (request) => post('v1/agent/session', SessionReply, request),
    poll: (sessionToken, request) => post('v1/agent/poll', PollReply, request, sessionToken),
    readRepositoryFile: (kind, path, bytesMax, stop) => {
      const encoded = path.split('/').map(encodeURIComponent).join('/');
      const signals = [signal, stop].filter((one) => one !== undefined);
      return fetchRepositoryFile(door, `v1/tuf/${kind}/${encoded}`, bytesMax, AbortSignal.any(signals));
    },
    time: () => door.serverTime(),
  };
}

const ProblemBody = Type.Object({ code: Type.String({ maxLength: 100 }), detail: Type.String({ maxLength: 8000 }) });

export function toAnswer<S extends TSchema>(path: string, schema: S, answer: HttpAnswer): Answer<Static<S>> {
  if (answer.kind === 'unreachable') return answer;
  const { status } = answer;
  const later = answer.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: answer.retryAfterSeconds };
  const body = parseBody(answer.body);
  if (status >= 200 && status < 300) {
    if (Check(schema, body)) return { kind: 'answered', value: body };
    const [fault] = Errors(schema, body);
    return {
      kind: 'unreachable',
      message: `${path}: status ${status}, but not the reply of a Gatehouse control plane: ${fault?.instancePath ?? ''} ${fault?.message ?? ''}`,
    };
  }
  const problem = Check(ProblemBody, body) ? body : undefined;
  // What only a proxy in between says, and what the server says of itself, is no answer to the question.
  if (problem === undefined || status >= 500) {
    return { kind: 'unreachable', message: `${path}: status ${status} ${problem?.detail ?? ''}`.trimEnd(), ...later };
  }
  return { kind: 'refused', status, code: problem.code, message: problem.detail, ...later };
}

function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
