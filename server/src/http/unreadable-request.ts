/** What Node could not read as HTTP never reaches a route: it is answered on the socket, in the form of every other "no". */

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Code, toProblem } from '@gatehouse/contract/problem';

const answers: Readonly<Record<string, { readonly code: Code; readonly detail: string }>> = {
  HPE_HEADER_OVERFLOW: {
    code: 'header-too-large',
    detail: 'The address and the headers are larger together than 16 KB; send less in them.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: { code: 'request-timeout', detail: 'The request did not arrive in time; send it again.' },
};
const other = { code: 'invalid-request', detail: 'What came is no HTTP request that can be read.' } as const;

export function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  // Nobody is there to hear it.
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { code, detail } = answers[error.code ?? ''] ?? other;
  const problem = toProblem(code, detail, { reasons: [{ code, message: detail }] });
  const body = JSON.stringify(problem);
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}
