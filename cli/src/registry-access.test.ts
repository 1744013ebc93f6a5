/** Which credentials go to which registry. */

import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type FakeRegistry, startFakeRegistry } from '@gatehouse/release/fake-registry';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRegistries } from './registry-access.ts';
import { parseRegistryPrefix } from './registry-prefix.ts';
import type { Terminal } from './terminal.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const credentials = { username: 'operator', password: 'open: sesame' };
const encoded = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');

let registry: FakeRegistry;
let home: string;
beforeAll(async () => {
  registry = await startFakeRegistry({ access: 'basic', credentials });
});
afterAll(() => registry.close());
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'gatehouse-login-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const terminal = (env: Readonly<Record<string, string>> = {}): Terminal => ({
  env: { HOME: home, PATH: process.env['PATH'] ?? '', ...env },
  cwd: home,
  isInteractive: false,
  hasColour: false,
  out: () => undefined,
  error: () => undefined,
  now: () => Date.now(),
  interrupted: new AbortController().signal,
});

async function ask(from: Terminal, named: string | undefined): Promise<string> {
  const open = await openRegistries(from, { plainHttp: true }, named);
  const repository = await open(`${registry.host}/gatehouse/agent`, 'pull');
  return repository.hasBlob(digest).then(
    () => 'let in',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

async function write(file: string, content: unknown): Promise<void> {
  await mkdir(path.dirname(path.join(home, file)), { recursive: true });
  await writeFile(path.join(home, file), typeof content === 'string' ? content : JSON.stringify(content));
}

const environment = {
  GATEHOUSE_REGISTRY_USERNAME: credentials.username,
  GATEHOUSE_REGISTRY_PASSWORD: credentials.password,
};

describe('credentials', () => {
  it('are asked for in words when there are none', async () => {
    expect(await ask(terminal(), registry.host)).toContain('asks for a username and password, and none were given');
  });

  it('of the environment are for the registry that was named, and no other', async () => {
    expect(await ask(terminal(environment), `${registry.host}/mirror`)).toBe('let in');
    expect(await ask(terminal(environment), 'localhost:1/mirror')).toContain('none were given');
    expect(await ask(terminal(environment), undefined)).toContain('none were given');
  });

  it.each<readonly [string, string, Readonly<Record<string, string>>]>([
    ['docker login', '.docker/config.json', {}],
    ['docker login elsewhere', 'elsewhere/config.json', { DOCKER_CONFIG: 'elsewhere' }],
    ['podman login', 'run/containers/auth.json', { XDG_RUNTIME_DIR: 'run' }],
    ['a file that is named', 'auth.json', { REGISTRY_AUTH_FILE: 'auth.json' }],
  ])('are those that %s left', async (_, file, env) => {
    await write(file, { auths: { [registry.host]: { auth: encoded } } });
    const absolute = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, path.join(home, value)]));
    expect(await ask(terminal(absolute), undefined)).toBe('let in');
  });

  it('of another registry are not sent', async () => {
    await write('.docker/config.json', { auths: { 'other.example': { auth: encoded } } });
    const before = registry.requests.length;
    expect(await ask(terminal(), registry.host)).toContain('none were given');
    expect(registry.requests.slice(before).map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('are asked of the program that keeps them', async () => {
    const program = path.join(home, 'bin/docker-credential-vault');
    const answer = JSON.stringify({ Username: credentials.username, Secret: credentials.password });
    await write('bin/docker-credential-vault', `#!/bin/sh\n[ "$(cat)" = ${registry.host} ] && echo '${answer}'\n`);
    await chmod(program, 0o755);
    await write('.docker/config.json', { credsStore: 'vault' });
    const env = { PATH: `${path.dirname(program)}:${process.env['PATH']}` };
    expect(await ask(terminal(env), undefined)).toBe('let in');
    await write('.docker/config.json', { credHelpers: { [registry.host]: 'absent' } });
    expect(await ask(terminal(env), undefined)).toContain('none were given');
  });

  it('in a file that is none are said to be so, without its content', async () => {
    await write('.docker/config.json', '{"auths": secret');
    const asked = ask(terminal(), undefined);
    await expect(asked).rejects.toThrow('is not what `docker login` writes');
    await expect(asked).rejects.not.toThrow('secret');
  });
});

describe('a registry', () => {
  it('that is not on this machine is never spoken to in plain HTTP', async () => {
    await expect(openRegistries(terminal(), { plainHttp: true }, 'registry.example/x')).rejects.toThrow('not on it');
  });

  it('on this machine is spoken to in plain HTTP only when that is said', async () => {
    const open = await openRegistries(terminal(), {}, registry.host);
    await expect((await open(`${registry.host}/a/b`, 'pull')).hasBlob(digest)).rejects.toThrow(/https:.*failed/);
  });

  it.each([
    'registry.example',
    'registry.example:5000/a/b',
    'localhost/a',
    'registry:5000',
    '127.0.0.1:5000/a_b-c/d.e/',
  ])('is named as %s', (text) => {
    expect(parseRegistryPrefix(text, '--images-to')).toBe(text.replace(/\/$/, ''));
  });

  it.each([
    'https://registry.example',
    'registry',
    'a/b',
    'registry.example/A',
    'registry.example/../x',
    'x.example/a//b',
  ])('is not named as %s', (text) => {
    expect(() => parseRegistryPrefix(text, '--images-to')).toThrow(`--images-to ${text} is not a registry`);
  });
});
