/** Command lines against a small HTTP server that answers as the contract says: exit codes, output forms, reasons. */

import { createServer, type IncomingMessage, type Server } from 'node:http';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GatewayEvent } from '@gatehouse/contract/operator-types';
import { type Code, codes, toProblem } from '@gatehouse/contract/problem';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from './connection.ts';
import { gatehouse } from './gatehouse.ts';
import type { Terminal } from './terminal.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}
type Answer = { readonly status: number; readonly body?: unknown; readonly events?: readonly GatewayEvent[] };

let directory: string;
let server: Server;
let address: string;
let seen: Seen[];
let answers: Record<string, Answer>;

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-cli-'));
  seen = [];
  answers = {};
  server = createServer((request, reply) => {
    void textOf(request).then((text) => {
      const url = request.url ?? '';
      seen.push({
        method: request.method ?? '',
        url,
        authorization: request.headers.authorization,
        body: text === '' ? undefined : JSON.parse(text),
      });
      const answer = answers[`${request.method} ${url.split('?')[0]}`] ?? problem('not-found', `nothing at ${url}`);
      reply.statusCode = answer.status;
      if (answer.events !== undefined) {
        reply.setHeader('content-type', 'text/event-stream');
        reply.end(answer.events.map((event) => `id: ${event.sequence}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
      } else reply.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('not listening');
  address = `http://127.0.0.1:${bound.port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, force: true });
});

function problem(
  code: Code,
  detail: string,
  reasons: readonly { code: string; message: string; nextStep?: string }[] = [],
): Answer {
  return { status: codes[code].status, body: toProblem(code, detail, { reasons }) };
}

function terminalWith(env: Readonly<Record<string, string>>): Terminal {
  return {
    env,
    cwd: directory,
    isInteractive: false,
    hasColour: false,
    out: () => undefined,
    error: () => undefined,
    now: () => Date.parse('2026-11-23T10:00:00Z'),
    interrupted: new AbortController().signal,
  };
}

async function run(
  line: string,
  more: { env?: Record<string, string>; abort?: AbortController; onOut?: (text: string) => void } = {},
) {
  const out: string[] = [];
  const error: string[] = [];
  const terminal: Terminal = {
    ...terminalWith({ GATEHOUSE_SERVER: address, GATEHOUSE_TOKEN: 'secret', HOME: directory, ...more.env }),
    out: (text) => {
      out.push(text);
      more.onOut?.(text);
    },
    error: (text) => error.push(text),
    interrupted: (more.abort ?? new AbortController()).signal,
  };
  const exitCode = await gatehouse(line.split(' '), terminal);
  return { exitCode, out: out.join('\n'), error: error.join('\n') };
}

const pause = {
  id: '1',
  scope: { kind: 'tenant', id: '2', name: 'default' },
  by: 'ann',
  reason: 'freeze',
  since: '2026-11-23T09:00:00Z',
};

describe('exit codes', () => {
  it.each([
    ['not-found', 3],
    ['release-unknown', 3],
    ['upgrade-refused', 4],
    ['plan-changed', 4],
    ['not-allowed', 5],
    ['not-signed-in', 5],
    ['invalid-request', 2],
    ['unavailable', 1],
  ] as const)('a reply with the code %s ends with %i', async (code, exitCode) => {
    answers['POST /v1/platform/upgrade'] = problem(code, 'no');
    expect(await run('platform upgrade 4.2.7')).toMatchObject({ exitCode, out: '' });
  });

  it.each([
    'frob',
    'gateway',
    'gateway list -o xml',
    'gateway list --frob',
    'gateway get',
    'pause set planet earth --reason x',
  ])('a wrong command line ends with 2: %s', async (line) => {
    expect(await run(line)).toMatchObject({ exitCode: 2, out: '' });
    expect(seen).toEqual([]);
  });

  it('a control plane that is not there ends with 1 and the next step', async () => {
    const result = await run('gateway list', { env: { GATEHOUSE_SERVER: 'http://127.0.0.1:1' } });
    expect(result.exitCode).toBe(1);
    expect(result.error).toContain('npm start');
  });
});

describe('a refusal', () => {
  it('prints every reason with its next step, and nothing a terminal would obey', async () => {
    answers['POST /v1/platform/upgrade'] = problem('upgrade-refused', 'Not now.', [
      { code: 'paused', message: 'site-a is paused\u001b[2J', nextStep: 'Resume it.' },
      { code: 'silent', message: 'site-b is silent' },
    ]);
    const { error } = await run('platform upgrade 4.2.7');
    expect(error).toBe('Not now.\n  - site-a is paused\uFFFD[2J\n    Resume it.\n  - site-b is silent');
  });
});

describe('which control plane, and as whom', () => {
  it('flags win over the environment, the environment over the saved file', async () => {
    answers['GET /v1/pauses'] = { status: 200, body: { items: [], exemptions: [] } };
    answers['GET /v1/me'] = { status: 200, body: { name: 'ann', role: 'Operator', permissions: [] } };
    expect(await run(`login --server ${address} --token saved`)).toMatchObject({ exitCode: 0 });
    seen = [];
    await run('pause list --token flag');
    await run('pause list');
    const saved = connect(terminalWith({ HOME: directory }), {});
    expect(seen.map((one) => one.authorization)).toEqual(['Bearer flag', 'Bearer secret']);
    expect(saved).toMatchObject({ server: address, token: 'saved' });
    expect(connect(terminalWith({ HOME: directory }), { server: 'https://gatehouse.example' }).token).toBeUndefined();
  });

  it('a token in the local data directory is sent to this machine only', async () => {
    await mkdir(path.join(directory, '.gatehouse'));
    await writeFile(path.join(directory, '.gatehouse', 'admin-token'), 'local\n');
    const terminal = terminalWith({ HOME: directory });
    expect(connect(terminal, { server: address }).token).toBe('local');
    expect(connect(terminal, { server: 'https://gatehouse.example' }).token).toBeUndefined();
  });
});

describe('output', () => {
  it('a table has upper-case heads and a dash for what is absent; json is the list; name is a line each', async () => {
    answers['GET /v1/pauses'] = { status: 200, body: { items: [pause], exemptions: [] } };
    const { out } = await run('pause list');
    expect(out.split('\n')[0]).toMatch(/^SCOPE +NAME +BY +SINCE +UNTIL +REASON$/);
    expect(out.split('\n')[1]).toMatch(/^tenant +default +ann +.* +resumed +freeze$/);
    expect(JSON.parse((await run('pause list -o json')).out)).toEqual({ items: [pause], exemptions: [] });
    expect((await run('pause list -o name')).out).toBe('tenant/default');
    answers['GET /v1/pauses'] = { status: 200, body: { items: [], exemptions: [] } };
    expect(await run('pause list')).toMatchObject({ out: '', error: 'Nothing is paused.' });
  });

  it('a list is read to its last page', async () => {
    const release = (id: string) => ({
      id,
      sequence: 1,
      time: '2026-11-23T10:00:00Z',
      actor: 'a',
      action: 'x',
      subjectKind: 'k',
      subjectName: 'n',
      message: 'm',
    });
    let calls = 0;
    server.removeAllListeners('request');
    server.on('request', (request, reply) => {
      calls += 1;
      const isFirst = !(request.url ?? '').includes('cursor=');
      reply.end(JSON.stringify(isFirst ? { items: [release('1')], next: 'c' } : { items: [release('2')] }));
    });
    expect((await run('audit list -o name')).out).toBe('1\n2');
    expect(calls).toBe(2);
  });
});

describe('a pause', () => {
  it('takes its end as a span or as a time, and refuses one that is over', async () => {
    answers['POST /v1/pauses'] = { status: 200, body: pause };
    await run('pause set tenant default --reason freeze --until 24h');
    await run('pause set tenant default --reason freeze --until 2026-12-01T00:00:00Z');
    expect(seen.map((one) => one.body)).toEqual([
      { scope: 'tenant', name: 'default', reason: 'freeze', until: '2026-11-24T10:00:00.000Z' },
      { scope: 'tenant', name: 'default', reason: 'freeze', until: '2026-12-01T00:00:00.000Z' },
    ]);
    expect(await run('pause set tenant default --reason freeze --until 2020-01-01T00:00:00Z')).toMatchObject({
      exitCode: 2,
    });
    expect(await run('pause set tenant default --reason freeze --until soon')).toMatchObject({ exitCode: 2 });
  });
});

describe('a confirmation', () => {
  const planId = `sha256:${'a'.repeat(64)}`;
  it('without a terminal needs the plan and --yes, and asks the server nothing before', async () => {
    for (const line of ['', ' --yes', ` --plan ${planId}`, ' --plan 12 --yes']) {
      expect(await run(`profile-update confirm site-a${line}`)).toMatchObject({ exitCode: 2 });
    }
    expect(seen).toEqual([]);
  });

  it('sends the plan that was seen', async () => {
    answers['POST /v1/gateways/site-a/profile-update/confirm'] = {
      status: 202,
      body: { planId, generation: 3, message: 'Confirmed. Starts with the next poll, by 10:42' },
    };
    const result = await run(`profile-update confirm site-a --plan ${planId} --yes`);
    expect(result).toEqual({ exitCode: 0, out: 'Confirmed. Starts with the next poll, by 10:42', error: '' });
    expect(seen.map((one) => one.body)).toEqual([{ planId }]);
  });
});

describe('followed events', () => {
  it('go on where a lost connection stopped, each printed once', async () => {
    const event = (sequence: number): GatewayEvent => ({
      id: String(sequence),
      sequence,
      gateway: { id: '1', name: 'site-a' },
      time: '2026-11-23T10:00:00Z',
      type: 't',
      message: `m${sequence}`,
      severity: 'normal',
    });
    answers['GET /v1/gateways/site-a/events'] = { status: 200, events: [event(1), event(2)] };
    const abort = new AbortController();
    const result = await run('gateway events site-a --follow -o json', {
      abort,
      onOut: (text) => {
        if (text.includes('m2'))
          answers['GET /v1/gateways/site-a/events'] = { status: 200, events: [event(2), event(3)] };
        if (text.includes('m3')) abort.abort();
      },
    });
    expect(result.exitCode).toBe(0);
    expect(result.out.split('\n').map((line) => (JSON.parse(line) as GatewayEvent).sequence)).toEqual([1, 2, 3]);
    expect(seen.map((one) => one.url)).toEqual([
      '/v1/gateways/site-a/events?after=0',
      '/v1/gateways/site-a/events?after=2',
    ]);
  });
});

describe('completion', () => {
  it('writes a script for a shell', async () => {
    const printed: string[] = [];
    const log = console.log;
    console.log = (text: string) => printed.push(text);
    try {
      expect(await run('completion bash')).toMatchObject({ exitCode: 0 });
    } finally {
      console.log = log;
    }
    expect(printed.join('\n')).toContain('gatehouse complete --');
  });
});
