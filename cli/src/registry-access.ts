/**
 * How a command reaches the registries it copies images from or to: with the credentials that `docker login` or
 * `podman login` left, with those of the environment for the one registry that was named, with an authority of its own.
 */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { splitRegistry } from '@gatehouse/release/image-reference';
import { openRepository, type RegistryCredentials, type RegistryRepository } from '@gatehouse/release/oci-registry';
import { isLoopback, registryUrl } from '@gatehouse/release/registry-address';
import { openRegistryTransport } from '@gatehouse/release/registry-transport';
import { isSystemError } from '@gatehouse/release/system-error';
import { usageFailure } from './failure.ts';
import type { RegistryOptions } from './registry-options.ts';
import type { Terminal } from './terminal.ts';

/** `named`: the registry of the command line, the only one that gets the environment's credentials. */
export async function openRegistries(
  terminal: Terminal,
  options: RegistryOptions,
  named: string | undefined,
): Promise<(reference: string, access: 'pull' | 'pull,push') => Promise<RegistryRepository>> {
  const ca = options.registryCa === undefined ? undefined : await readAuthority(options.registryCa);
  const fetch = openRegistryTransport({ ca });
  const namedHost = named === undefined ? undefined : splitRegistry(`${named}/x`).registry;
  if (options.plainHttp === true && namedHost !== undefined && !isLoopback(namedHost)) {
    throw usageFailure(
      `--plain-http is only for a registry on this machine, and ${namedHost} is not on it.`,
      'Give the registry a certificate, and its authority with --registry-ca.',
    );
  }
  return async (reference, access) => {
    const { registry, path: repository } = splitRegistry(reference);
    const credentials = await findCredentials(terminal, registry, registry === namedHost);
    const isPlain = options.plainHttp === true && isLoopback(registry);
    const url = isPlain ? registryUrl(registry) : registryUrl(registry).replace(/^http:/, 'https:');
    return openRepository({ registry: { url, credentials, fetch }, repository }, access);
  };
}

async function readAuthority(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw usageFailure(`--registry-ca ${file} holds no certificate in PEM.`);
}

async function findCredentials(
  terminal: Terminal,
  registry: string,
  isNamed: boolean,
): Promise<RegistryCredentials | undefined> {
  const username = terminal.env['GATEHOUSE_REGISTRY_USERNAME'];
  const password = terminal.env['GATEHOUSE_REGISTRY_PASSWORD'];
  if (isNamed && username !== undefined && password !== undefined) return { username, password };
  for (const file of loginFiles(terminal)) {
    const login = await readLogin(file);
    if (login === undefined) continue;
    for (const key of keysOf(registry)) {
      const found = decodeAuth(login.auths?.[key]?.auth) ?? (await askHelper(terminal, login, key));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function loginFiles({ env }: Terminal): readonly string[] {
  const home = env['HOME'] || homedir();
  return [
    env['REGISTRY_AUTH_FILE'],
    path.join(env['DOCKER_CONFIG'] || path.join(home, '.docker'), 'config.json'),
    env['XDG_RUNTIME_DIR'] && path.join(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json'),
  ].filter((file): file is string => file !== undefined && file !== '');
}

/** Docker keeps the login of its own registry under an address from its first days. */
function keysOf(registry: string): readonly string[] {
  return registry === 'docker.io' ? ['https://index.docker.io/v1/', 'docker.io', 'index.docker.io'] : [registry];
}

interface Login {
  readonly auths?: Readonly<Record<string, { readonly auth?: string } | undefined>>;
  readonly credHelpers?: Readonly<Record<string, string | undefined>>;
  readonly credsStore?: string;
}

async function readLogin(file: string): Promise<Login | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES')) return undefined;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below; the position in a file with secrets helps nobody.
  }
  throw usageFailure(
    `${file} is not what \`docker login\` writes.`,
    'Log in again, or name another file with DOCKER_CONFIG.',
  );
}

function decodeAuth(auth: unknown): RegistryCredentials | undefined {
  if (typeof auth !== 'string') return undefined;
  const text = Buffer.from(auth, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1
    ? undefined
    : { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}

/** The program that keeps logins elsewhere, by Docker's protocol: the registry's name in, JSON out. */
async function askHelper(terminal: Terminal, login: Login, key: string): Promise<RegistryCredentials | undefined> {
  const helper = login.credHelpers?.[key] ?? login.credsStore;
  if (helper === undefined || !/^[A-Za-z0-9._-]+$/.test(helper)) return undefined;
  const output = await new Promise<string | undefined>((resolve) => {
    const child = execFile(
      `docker-credential-${helper}`,
      ['get'],
      { env: { ...terminal.env }, timeout: 30_000, maxBuffer: 1_000_000 },
      // It ends with a failure when it has no login for this registry, which may need none.
      (error, stdout) => resolve(error === null ? stdout : undefined),
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(key);
  });
  const value: unknown = output === undefined ? undefined : JSON.parse(output);
  if (typeof value !== 'object' || value === null || !('Username' in value) || !('Secret' in value)) return undefined;
  const { Username: username, Secret: password } = value;
  return typeof username === 'string' && typeof password === 'string' && username !== '<token>'
    ? { username, password }
    : undefined;
}
