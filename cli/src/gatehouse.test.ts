/** Command lines against a small HTTP server that answers as the contract says: exit codes, output forms, reasons. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
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

  it('the audit as CSV is what the control plane wrote, of what was asked for', async () => {
    const asked: string[] = [];
    server.removeAllListeners('request');
    server.on('request', (request, reply) => {
      asked.push(request.url ?? '');
      reply.end("time,actor\r\n2026-11-23T10:00:00Z,'=1+1\r\n");
    });
    const { out } = await run('audit list -o csv --action pause. --since 2026-11-23T00:00:00Z');
    expect(out).toBe("time,actor\r\n2026-11-23T10:00:00Z,'=1+1");
    expect(asked).toEqual(['/v1/audit.csv?action=pause.&since=2026-11-23T00%3A00%3A00Z']);
  });

  it('notifications are listed, acknowledged and done', async () => {
    const one = { id: 'n1', sequence: 1, kind: 'hop-held', severity: 'warning', at: '2026-11-23T10:00:00Z' };
    const told = { ...one, subject: { kind: 'platform', name: '4.2.7' }, message: 'It is held', isUnread: true };
    const asked: string[] = [];
    server.removeAllListeners('request');
    server.on('request', (request, reply) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.method === 'POST') reply.writeHead(204).end();
      else reply.end(JSON.stringify({ items: [{ ...told, acknowledged: { by: 'anna', at: one.at } }], unread: 1 }));
    });
    expect((await run('notification list --kind hop-held')).out).toContain('acknowledged by anna');
    expect((await run('notification acknowledge n1')).out).toBe('Acknowledged.');
    expect((await run('notification done n1 n2')).out).toBe('2 notifications are done.');
    expect(asked).toEqual([
      'GET /v1/notifications?state=open&kind=hop-held',
      'POST /v1/notifications/acknowledge',
      'POST /v1/notifications/done',
    ]);
    expect((await run('notification list --kind nonsense')).exitCode).toBe(2);
  });
});

describe('the platform', () => {
  const hops = [
    { number: 1, from: '4.1.12', to: '4.2.7', basis: 'edge' },
    { number: 2, from: '4.2.7', to: '4.3.0', basis: 'rule-of-thumb' },
  ];
  const waiting = { code: 'gateway-not-current', message: 'site-a waits', nextStep: 'Look at site-a.' };
  const settling = { code: 'gateway-settling', message: 'site-a settles' };
  const platform = (version: string, plan?: object) => ({
    version,
    programVersion: '0.1.0',
    isSandbox: false,
    reachable: [],
    gateways: { total: 1, current: 0 },
    waitingFor: [],
    gates: [{ gateway: 'site-a', tenant: 'default', state: 'closed', reasons: [waiting] }],
    waivers: [],
    preflight: [{ check: 'replicas-accepted', outcome: 'failed', message: 'two is too old', nextStep: 'Upgrade two.' }],
    ...(plan === undefined
      ? {}
      : {
          plan: {
            id: '1',
            from: '4.1.12',
            to: '4.3.0',
            state: 'held',
            hops,
            nextHop: 1,
            reasons: [waiting],
            acceptedRisks: [],
            startedBy: 'ann',
            startedAt: '2026-11-23T09:00:00Z',
            ...plan,
          },
        }),
  });
  const answer = (version: string, plan?: object) => {
    answers['GET /v1/platform'] = { status: 200, body: platform('4.1.12') };
    answers['POST /v1/platform/upgrade'] = { status: 202, body: platform(version, plan) };
  };

  it('a hop that was taken ends with 0, also when the next one is held', async () => {
    answer('4.2.7', { nextHop: 2 });
    const result = await run('platform upgrade 4.3.0');
    expect(result).toMatchObject({ exitCode: 0, error: '' });
    expect(result.out).toContain('The platform is on 4.2.7.');
    expect(result.out).toContain('goes on to 4.3.0 by itself');
  });

  it('a plan that waits from the start ends with 4 and every reason', async () => {
    answer('4.1.12', {});
    const result = await run('platform upgrade 4.3.0 --wait --accept-risk one --accept-risk two');
    expect(result).toMatchObject({ exitCode: 4, out: '' });
    expect(result.error).toContain('site-a waits\n    Look at site-a.');
    expect(result.error).toContain('platform cancel');
    expect(seen.at(-1)?.body).toEqual({ to: '4.3.0', wait: true, acceptRisks: ['one', 'two'] });
  });

  it('what only time holds, and not for long, is waited for', async () => {
    answer('4.1.12', { reasons: [settling], opensAt: '2026-11-23T10:00:02Z' });
    const before = await run('platform upgrade 4.3.0', {
      onOut: () => {
        answers['GET /v1/platform'] = { status: 200, body: platform('4.2.7', { nextHop: 2 }) };
      },
    });
    expect(before).toMatchObject({ exitCode: 0, error: '' });
    expect(before.out).toContain('The platform is on 4.2.7.');
    answer('4.1.12', { reasons: [settling], opensAt: '2026-11-23T10:29:00Z' });
    expect(await run('platform upgrade 4.3.0')).toMatchObject({ exitCode: 4, out: '' });
  });

  it('followed, it says once what it waits for, and ends with the plan', async () => {
    answer('4.1.12', {});
    answers['GET /v1/platform'] = { status: 200, body: platform('4.1.12', {}) };
    let looks = 0;
    server.prependListener('request', (request: IncomingMessage) => {
      if (request.url !== '/v1/platform') return;
      looks += 1;
      // While it starts anew it does not answer; the plan goes on all the same.
      if (looks === 2) answers['GET /v1/platform'] = problem('unavailable', 'starting');
      if (looks < 3) return;
      const ended = { state: 'done', reasons: [], endedAt: '2026-11-23T10:00:00Z', endedBy: 'control plane' };
      answers['GET /v1/platform'] = { status: 200, body: { ...platform('4.3.0', ended), gates: [] } };
    });
    const { exitCode, out, error } = await run('platform upgrade 4.3.0 --follow');
    expect(exitCode).toBe(0);
    expect(error).toBe('The connection was lost; trying again every second.');
    expect(out.split('site-a waits')).toHaveLength(2);
    expect(out).toMatch(/The platform is on 4\.3\.0; the plan from 4\.1\.12 to 4\.3\.0 is done\.$/);
    answer('4.1.12', { state: 'cancelled', endedAt: '2026-11-23T10:00:00Z', endedBy: 'bob' });
    const cancelled = await run('platform upgrade 4.3.0 --follow');
    expect(cancelled.exitCode).toBe(4);
    expect(cancelled.error).toContain('cancelled by bob');
  });

  it('a plan shows each hop with what it brings; none ends with 4, the place and the reasons', async () => {
    const hop = {
      from: '4.1.12',
      to: '4.2.7',
      basis: 'edge',
      floor: 'The database is rebuilt.',
      agent: { from: '4.1.12', to: '4.2.7' },
      providers: ['maas', 'vsphere'].map((provider) => ({
        provider,
        profile: 'changed',
        kubernetes: { from: '1.26.8', to: '1.27.11' },
      })),
      risks: [{ name: 'slow', message: 'Slow.', verdict: 'applies', isAccepted: true, gateways: ['site-a'] }],
      fixes: ['A lost poll.'],
    };
    const found = { from: '4.1.12', to: '4.2.7', isPossible: true, hops: [hop], reasons: [], heldBy: [waiting] };
    answers['GET /v1/platform/plan'] = { status: 200, body: found };
    const { exitCode, out } = await run('platform plan 4.2.7 --from 4.1.12 --channel stable --accept-risk slow');
    expect(exitCode).toBe(0);
    expect(seen.at(-1)?.url).toBe('/v1/platform/plan?to=4.2.7&from=4.1.12&channel=stable&acceptRisks=slow');
    for (const words of [
      '4.1.12 → 4.2.7   (named by the release)',
      'The database is rebuilt.',
      'maas, vsphere: a profile update',
      'Kubernetes 1.26.8 → 1.27.11',
      'slow: applies to site-a; accepted',
      'A lost poll.',
      'site-a waits',
    ]) {
      expect(out).toContain(words);
    }
    expect((await run('platform plan 4.2.7 -o name')).out).toBe('4.2.7');
    answers['GET /v1/platform/plan'] = {
      status: 200,
      body: {
        ...found,
        isPossible: false,
        hops: [],
        nearest: '4.2.6',
        deadEnd: '4.2.5',
        reasons: [{ code: 'dead-end', message: 'No step leads on.', nextStep: 'Import one.' }],
      },
    };
    const none = await run('platform plan 4.2.7');
    expect(none).toMatchObject({ exitCode: 4, out: '' });
    for (const words of ['4.2.6', '4.2.5', 'No step leads on.', 'Import one.']) expect(none.error).toContain(words);
    expect(JSON.parse((await run('platform plan 4.2.7 -o json')).out)).toMatchObject({ isPossible: false });
  });

  it('its status shows the plan, who holds it, waivers, and what of the preflight failed', async () => {
    const waiver = {
      gateway: 'site-b',
      tenant: 'default',
      by: 'ann',
      reason: 'flooded\u001b[2J',
      since: '2026-11-23T09:00:00Z',
      until: '2026-11-24T09:00:00Z',
    };
    answers['GET /v1/platform'] = {
      status: 200,
      body: { ...platform('4.2.7', { nextHop: 2, hops }), waivers: [waiver], channel: 'stable' },
    };
    answers['GET /v1/status'] = {
      status: 200,
      body: {
        time: '2026-11-23T10:00:00Z',
        programVersion: '0.1.0',
        warnings: [
          {
            code: 'database-durable',
            message: 'The database may forget what it has committed: fsync is off.\u001b[2J',
            nextStep: 'Set fsync to on.',
            gateways: ['site-a'],
          },
        ],
      },
    };
    const { out } = await run('platform status');
    expect(out).toMatch(
      /^Warning \(database-durable\): The database may forget .*off\.\uFFFD\[2J\n {2}Gateways: site-a\n {2}Set fsync/,
    );
    // A server that is older than the question is no failure.
    answers['GET /v1/status'] = problem('not-found', 'no such address');
    expect((await run('platform status')).out).not.toContain('Warning');
    for (const words of [
      'stable',
      'held before hop 2',
      '2. 4.2.7 → 4.3.0   next (by the rule of thumb)',
      'site-a waits',
      'Waived: site-b by ann',
      'flooded\uFFFD[2J',
      'replicas-accepted: two is too old',
      'Upgrade two.',
    ]) {
      expect(out).toContain(words);
    }
  });

  it('a waiver is set with a reason and an end, and ended', async () => {
    answers['PUT /v1/gateways/site-a/waiver'] = {
      status: 200,
      body: { gateway: 'site-a', tenant: 'default', by: 'ann', reason: 'x', since: '', until: '2026-11-24T10:00:00Z' },
    };
    answers['DELETE /v1/gateways/site-a/waiver'] = { status: 204 };
    expect(await run('platform waive site-a')).toMatchObject({ exitCode: 2 });
    expect(seen).toEqual([]);
    expect(await run('platform waive site-a --reason flooded --until 24h')).toMatchObject({ exitCode: 0 });
    expect(seen.at(-1)?.body).toEqual({ reason: 'flooded', until: '2026-11-24T10:00:00.000Z' });
    expect(await run('platform waive site-a --end')).toMatchObject({ exitCode: 0 });
    answers['GET /v1/platform/waivers'] = { status: 200, body: { items: [] } };
    expect(await run('platform waivers')).toMatchObject({ exitCode: 0, error: 'No gateway is waived.' });
  });

  it('a channel is shown, followed, and left', async () => {
    const followed = { status: 200, body: { ...platform('4.1.12'), channel: 'stable' } };
    answers['GET /v1/platform'] = { status: 200, body: platform('4.1.12') };
    answers['PUT /v1/platform/channel'] = followed;
    answers['DELETE /v1/platform/channel'] = { status: 200, body: platform('4.1.12') };
    expect((await run('platform channel')).out).toContain('no channel');
    expect((await run('platform channel stable')).out).toBe('The platform follows the channel stable.');
    expect((await run('platform channel --none')).out).toContain('no channel');
    expect(await run('platform channel stable --none')).toMatchObject({ exitCode: 2 });
  });

  it('a plan is cancelled', async () => {
    answers['POST /v1/platform/cancel'] = { status: 200, body: platform('4.2.7', { state: 'cancelled' }) };
    expect(await run('platform cancel')).toMatchObject({
      exitCode: 0,
      out: 'The plan to 4.3.0 is cancelled; the platform stays on 4.2.7.',
    });
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
