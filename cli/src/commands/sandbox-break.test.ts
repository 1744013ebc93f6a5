import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gatehouse } from '../gatehouse.ts';

let cwd: string;
let sandbox: Server;
let asked: string[];
beforeEach(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'gh-break-'));
  await mkdir(path.join(cwd, '.gatehouse/sandbox'), { recursive: true });
  asked = [];
  sandbox = createServer((request, reply) => {
    request.setEncoding('utf8').on('data', (body: string) => asked.push(`${request.url} ${body}`));
    request.on('end', () => reply.end(JSON.stringify({ message: 'so be it.' })));
  });
  await new Promise<void>((resolve) => sandbox.listen(path.join(cwd, '.gatehouse/sandbox/control.sock'), resolve));
});
afterEach(async () => {
  sandbox.closeAllConnections();
  await new Promise((resolve) => sandbox.close(resolve));
  await rm(cwd, { recursive: true, force: true });
});

async function run(line: string): Promise<readonly string[]> {
  const out: string[] = [];
  const exitCode = await gatehouse(line.split(' '), {
    env: {},
    cwd,
    isInteractive: false,
    hasColour: false,
    out: (text) => out.push(text),
    error: () => undefined,
    now: () => 0,
    interrupted: new AbortController().signal,
  });
  expect(exitCode).toBe(0);
  return out;
}

test('without more it breaks a gateway, and says when that shows and how it is taken away', async () => {
  expect(await run('sandbox break')).toEqual([
    'so be it.',
    'It shows when the platform moves: on the page Platform of the console, or by `gatehouse platform upgrade 4.2.7`.',
    'Take it away again with `gatehouse sandbox break sandbox-vsphere --by bad-agent --mend`.',
  ]);
  expect(asked).toEqual(['/break {"gateway":"sandbox-vsphere","by":"bad-agent"}']);
});

test('the way back names the folder where that is another, and going it says what holds then', async () => {
  const [, , back] = await run(`sandbox break sandbox-maas --by pause --data ${path.join(cwd, '.gatehouse')}`);
  expect(back).toContain(`sandbox-maas --by pause --mend --data ${cwd}`);
  expect(await run('sandbox break sandbox-maas --by pause --mend')).toEqual(['so be it.']);
});
