/** Another process that sends what is meant to keep a server busy, with a token that is good, as fast as it is let. */

import { setTimeout as pause } from 'node:timers/promises';

const [server = '', token = ''] = process.argv.slice(2);
/** Just below what one address may send in a minute. */
const everyMilliseconds = 25;

const deep = (open: string, close: string) => `{"name":${open.repeat(10_000)}1${close.repeat(10_000)}}`;
const withName = (name: string) => JSON.stringify({ name, installation: 'existing-cluster', provider: 'vsphere' });
const bodies = [
  withName('x'.repeat(10_000_000)),
  deep('[', ']'),
  deep('{"a":', '}'),
  `{${Array.from({ length: 20_000 }, (_, index) => `"f${index}":1`).join(',')}}`,
  withName(`${'a-'.repeat(50_000)}!`),
  '{"__proto__":{"isAdmin":true}}',
  '{"name":9007199254740993}',
  '{"name":"',
];

async function send(body: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const reply = await fetch(`${server}/v1/gateways`, { method: 'POST', headers, body });
  await reply.arrayBuffer();
  if (reply.status < 400 || reply.status >= 500) throw new Error(`was answered ${reply.status}`);
}

for (let count = 0; ; count += 1) {
  // A server that refuses a body before it has come may cut the connection.
  await send(bodies[count % bodies.length] ?? '').catch((error: unknown) => {
    if (!(error instanceof TypeError)) throw error;
  });
  await pause(everyMilliseconds);
}
