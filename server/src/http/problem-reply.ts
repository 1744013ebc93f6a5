/** Every "no" leaves as RFC 9457 problem details: refusals, requests that do not fit, and our own faults. */

import { type Code, type Problem, toProblem } from '@gatehouse/contract/problem';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { DatabaseAway, type DatabaseFault, faultOf } from '../database/database-fault.ts';
import type { Addresses } from './addresses.ts';
import type { Refusal } from './answer.ts';
import { InvalidRequest } from './validation.ts';

export async function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: Refusal,
): Promise<FastifyReply> {
  const { code, detail, reasons, planId } = refusal;
  return sendProblem(
    reply,
    toProblem(code, detail, { reasons, instance: request.id, ...(planId === undefined ? {} : { planId }) }),
  );
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers(problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {})
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

// What fastify and its plugins refuse by themselves, in our words.
const codeOfFault: Readonly<Record<string, { readonly code: Code; readonly detail: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'payload-too-large', detail: 'The body is larger than this address takes.' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported-media-type',
    detail: 'The body has to be JSON; send it with the header content-type: application/json.',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    code: 'invalid-request',
    detail: 'The body is empty although its content-type says JSON; send a JSON value, {} if nothing is to be said.',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: {
    code: 'invalid-request',
    detail: 'The body is not JSON, or has a field __proto__ or constructor.prototype; correct it and send it again.',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'invalid-request',
    detail: 'The body is not as long as its content-length says; send it again.',
  },
  FST_ERR_MAX_PARAM_LENGTH: {
    code: 'invalid-request',
    detail: 'A part of the address is longer than any name here; check the address.',
  },
  FST_ERR_BAD_URL: { code: 'invalid-request', detail: 'The address cannot be read; check its percent signs.' },
};

export interface FaultHandlers {
  /** Set before any route or plugin: it is what keeps a foreign error body from being sent. */
  readonly handleError: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply;
  /** For whatever no route takes: an address that is not there, or that takes other methods. */
  readonly handleNotFound: (request: FastifyRequest, reply: FastifyReply) => FastifyReply;
}

export function createFaultHandlers(addresses: Addresses): FaultHandlers {
  const handleNotFound = (request: FastifyRequest, reply: FastifyReply) => sendNotFound(addresses, request, reply);
  return {
    handleNotFound,
    // What is wrong with the body of a request that no route takes is nobody's concern; an address that cannot be read is.
    handleError: (error, request, reply) =>
      request.is404 && isOfRequest(error) ? handleNotFound(request, reply) : sendFault(error, request, reply),
  };
}

const isOfRequest = ({ statusCode, code }: FastifyError): boolean =>
  (statusCode === 400 || statusCode === 415) && code !== 'FST_ERR_BAD_URL';

function sendFault(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof InvalidRequest) {
    return sendProblem(
      reply,
      toProblem('invalid-request', error.message, { reasons: error.reasons, instance: request.id }),
    );
  }
  const known = codeOfFault[error.code];
  if (known !== undefined) {
    const reasons = [{ code: known.code, message: known.detail }];
    return sendProblem(reply, toProblem(known.code, known.detail, { reasons, instance: request.id }));
  }
  if (error.statusCode === 429) {
    const detail = 'Too many requests came from this address; try again after the time in Retry-After.';
    return sendProblem(reply, toProblem('too-many-requests', detail, { instance: request.id }));
  }
  if (error.statusCode === 400) {
    const detail = `The request cannot be read: ${error.message}`;
    return sendProblem(reply, toProblem('invalid-request', detail, { instance: request.id }));
  }
  const fault = faultOf(error);
  if (fault !== undefined) return sendDatabaseFault(error, fault, request, reply);
  request.log.error({ err: error }, 'a request failed');
  const detail = `Something broke on our side; the log has it under ${request.id}.`;
  return sendProblem(reply, toProblem('internal-error', detail, { instance: request.id }));
}

/** What is wrong is said once by the watch of the database, and here at a finer level with the request it met. */
function sendDatabaseFault(
  error: FastifyError,
  fault: DatabaseFault,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  request.log[error instanceof DatabaseAway ? 'debug' : 'warn'](
    { err: error, code: fault.code },
    'the database failed a request',
  );
  // A commit whose answer was lost may have been done; everything else that failed has left nothing behind.
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const isNothingDone = isRead || error instanceof DatabaseAway || fault.code !== 'database-away';
  const again = isNothingDone
    ? `${isRead ? '' : 'Nothing was changed. '}Try again in some seconds.`
    : 'Send it again in some seconds, with the same Idempotency-Key: it may have been done.';
  const { code, message, nextStep } = fault;
  reply.header('retry-after', '5');
  return sendProblem(
    reply,
    toProblem('unavailable', `${message} ${again}`, { reasons: [{ code, message, nextStep }], instance: request.id }),
  );
}

function sendNotFound(addresses: Addresses, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? '';
  const methods = addresses.methodsOf(path);
  if (methods.length > 0 && !methods.includes(request.method)) {
    const allowed = methods.join(', ');
    const detail = `${path} does not take ${request.method}; it takes ${allowed}.`;
    reply.header('allow', allowed);
    return sendProblem(reply, toProblem('method-not-allowed', detail, { instance: request.id }));
  }
  const detail = `There is no ${request.method} ${path}; /v1/openapi.json lists what there is.`;
  return sendProblem(reply, toProblem('not-found', detail, { instance: request.id }));
}
