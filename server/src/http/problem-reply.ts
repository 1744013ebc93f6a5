/** Every "no" leaves as RFC 9457 problem details: refusals, requests that do not fit, and our own faults. */

import { type Code, codes, type Problem, toProblem } from '@gatehouse/contract/problem';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
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
  const isDatabaseAway = isConnectionFault(error);
  request.log.error({ err: error }, isDatabaseAway ? 'the database did not answer' : 'a request failed');
  const [code, detail]: [Code, string] = isDatabaseAway
    ? ['unavailable', 'The database does not answer; try again in some seconds.']
    : ['internal-error', `Something broke on our side; the log has it under ${request.id}.`];
  if (codes[code].status === 503) reply.header('retry-after', '5');
  return sendProblem(reply, toProblem(code, detail, { instance: request.id }));
}

// PostgreSQL's class 57 (shutting down, starting up) and 08 (connection), and what the socket says.
function isConnectionFault(error: Error & { code?: unknown }): boolean {
  const code = typeof error.code === 'string' ? error.code : '';
  return (
    /^(57P0|08|53300)/.test(code) ||
    ['ECONNREFUSED', 'ECONNRESET', 'ENOENT', 'EPIPE'].includes(code) ||
    /Connection terminated|timeout exceeded when trying to connect/.test(error.message)
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
