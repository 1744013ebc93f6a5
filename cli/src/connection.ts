/**
 * Which control plane, and as whom: `--server` and `--token`, then GATEHOUSE_SERVER and GATEHOUSE_TOKEN, then the file
 * that `gatehouse login` wrote, last a control plane started here (http://localhost:8080 and ./.gatehouse/admin-token).
 */

import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { type Client, createClient } from '@gatehouse/contract/client';
import { isSystemError } from '@gatehouse/release/system-error';
import { usageFailure } from './failure.ts';
import type { Terminal } from './terminal.ts';

export interface ConnectionFlags {
  readonly server?: string;
  readonly token?: string;
}

interface Saved {
  readonly server: string;
  readonly token: string;
}

export interface Connection {
  readonly server: string;
  readonly token: string | undefined;
  readonly client: Client;
}

function configFile(terminal: Terminal): string {
  const base = terminal.env['XDG_CONFIG_HOME'] || path.join(terminal.env['HOME'] || homedir(), '.config');
  return path.join(base, 'gatehouse', 'config.json');
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'EACCES')) return undefined;
    throw error;
  }
}

function readSaved(terminal: Terminal): Saved | undefined {
  const file = configFile(terminal);
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'server' in value && 'token' in value) {
      const { server, token } = value;
      if (typeof server === 'string' && typeof token === 'string') return { server, token };
    }
  } catch {
    // Falls through to the one message below: what is wrong with it does not matter to the reader.
  }
  throw usageFailure(`${file} is not a configuration of gatehouse.`, 'Delete it and run `gatehouse login` again.');
}

/** Writes the file of `gatehouse login`, readable by its owner alone; whole or not at all. */
export async function saveConnection(terminal: Terminal, saved: Saved): Promise<string> {
  const file = configFile(terminal);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${JSON.stringify(saved, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return file;
}

export function parseServer(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw usageFailure(`${text} is not the address of a control plane.`, 'Give it as https://gatehouse.example.');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw usageFailure(`${text} begins with neither https:// nor http://.`);
  }
  return url.href.replace(/\/+$/, '');
}

const decoder = () => {
  const utf8 = new TextDecoder();
  return (bytes: Uint8Array) => utf8.decode(bytes, { stream: true });
};

export function clientFor(server: string, token: string | undefined): Client {
  return createClient({ server, ...(token === undefined ? {} : { token }), fetch, decoder });
}

export function connect(terminal: Terminal, flags: ConnectionFlags): Connection {
  const saved = readSaved(terminal);
  const server = parseServer(
    flags.server ?? terminal.env['GATEHOUSE_SERVER'] ?? saved?.server ?? 'http://localhost:8080',
  );
  // A saved token is for the server it was saved with and is sent nowhere else; nor is the local admin token.
  const savedToken = saved !== undefined && saved.server === server ? saved.token : undefined;
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(new URL(server).hostname);
  const localToken = isLocal ? readIfThere(path.join(terminal.cwd, '.gatehouse', 'admin-token'))?.trim() : undefined;
  const token = flags.token ?? terminal.env['GATEHOUSE_TOKEN'] ?? savedToken ?? localToken;
  return { server, token, client: clientFor(server, token) };
}
