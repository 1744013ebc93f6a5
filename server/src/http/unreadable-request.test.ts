import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { answerUnreadable } from './unreadable-request.ts';

let server: Server;
afterEach(() => new Promise((resolve) => server.close(resolve)));

async function said(bytes: string): Promise<string> {
  server = createServer((_request, reply) => reply.end('read'));
  server.on('clientError', answerUnreadable);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1', () => socket.write(bytes));
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
  return text;
}

test.each([
  [
    'an address that is longer than a head may be',
    `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    431,
    'header-too-large',
  ],
  ['a header that is', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'header-too-large'],
  ['no HTTP at all', 'hello\r\n\r\n', 400, 'invalid-request'],
  ['a line break in a header', 'GET / HTTP/1.1\r\nhost: x\r\na\nb: c\u0000\r\n\r\n', 400, 'invalid-request'],
])('%s is answered in our form', async (_name, bytes, status, code) => {
  const [head = '', body = ''] = (await said(bytes)).split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain('content-type: application/problem+json');
  expect(JSON.parse(body)).toMatchObject({ code, status });
});
