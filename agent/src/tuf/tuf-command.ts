/**
 * `gatehouse-agent tuf`: the agent's verifying client by itself, on a repository that stands anywhere, with its metadata
 * in a folder. For looking into a repository as an agent would, and for the public conformance suite for TUF clients.
 */

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import {
  defaultLimits,
  fetchBounded,
  matchesHashes,
  openTufClient,
  percentEncoded,
  type TufClient,
  targetFileName,
} from '@gatehouse/release/tuf-client';
import { refusalOf } from '@gatehouse/release/tuf-fault';
import { messageOf } from '../log.ts';
import { type HttpDoor, openHttpDoor } from '../poll/http.ts';
import { fetchRepositoryFile } from '../poll/repository-file.ts';
import { openMetadataFolder, openTargetFolder } from './tuf-folder.ts';

const usage = `Usage: gatehouse-agent tuf --metadata-dir DIR [options] init ROOT.json | refresh | download

  --metadata-dir DIR       where verified metadata is kept
  --metadata-url URL       the repository's metadata (refresh, download)
  --target-base-url URL    the repository's targets (download)
  --target-name NAME       what to download; may be repeated
  --target-dir DIR         where downloaded files are kept
`;

/** Exit code 0, or 1 with the reason on standard error. */
export async function runTufCommand(args: readonly string[], say: (text: string) => void): Promise<number> {
  let order: Order;
  try {
    order = parseOrder(args);
  } catch (error) {
    say(`${messageOf(error)}\n${usage}`);
    return 1;
  }
  try {
    await carryOut(order);
    return 0;
  } catch (error) {
    const { code, message } = describe(error);
    say(`${code}: ${message}\n`);
    return 1;
  }
}

type Order =
  | { readonly verb: 'init'; readonly metadataDirectory: string; readonly rootFile: string }
  | { readonly verb: 'refresh'; readonly metadataDirectory: string; readonly metadataUrl: URL }
  | {
      readonly verb: 'download';
      readonly metadataDirectory: string;
      readonly metadataUrl: URL;
      readonly targetUrl: URL;
      readonly targetDirectory: string;
      readonly targetNames: readonly string[];
    };

function parseOrder(args: readonly string[]): Order {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'metadata-dir': { type: 'string' },
      'metadata-url': { type: 'string' },
      'target-base-url': { type: 'string' },
      'target-name': { type: 'string', multiple: true },
      'target-dir': { type: 'string' },
    },
  });
  const needed = (name: Exclude<keyof typeof values, 'target-name'>): string => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`--${name} is missing.`);
    return value;
  };
  const [verb, rootFile, ...more] = positionals;
  const metadataDirectory = needed('metadata-dir');
  if (verb === 'init' && rootFile !== undefined && more.length === 0) return { verb, metadataDirectory, rootFile };
  if (rootFile !== undefined) throw new TypeError(`${rootFile} is one word too many.`);
  switch (verb) {
    case 'refresh':
      return { verb, metadataDirectory, metadataUrl: new URL(needed('metadata-url')) };
    case 'download': {
      const targetNames = values['target-name'] ?? [];
      if (targetNames.length === 0) throw new TypeError('--target-name is missing.');
      return {
        verb,
        metadataDirectory,
        metadataUrl: new URL(needed('metadata-url')),
        targetUrl: new URL(needed('target-base-url')),
        targetDirectory: needed('target-dir'),
        targetNames,
      };
    }
    default:
      throw new TypeError('One of init ROOT.json, refresh and download has to be asked for.');
  }
}

async function carryOut(order: Order): Promise<void> {
  const store = openMetadataFolder(order.metadataDirectory);
  if (order.verb === 'init') {
    const root = await readFile(order.rootFile);
    const trusted = await store.read('root');
    if (trusted !== undefined && !root.equals(trusted)) {
      throw new Error(`${order.metadataDirectory} trusts another root already; name an empty folder.`);
    }
    await openTufClient({ root, store, fetchMetadata: notAskedFor, now: async () => Date.now() });
    return;
  }
  await withDoor(order.metadataUrl, async (door) => {
    const client = await openTufClient({
      store,
      fetchMetadata: (name, bytesMax, signal) => fetchRepositoryFile(door, name, bytesMax, signal),
      now: async () => Date.now(),
    });
    await client.refresh();
    if (order.verb === 'download') await download(client, order);
  });
}

/** In the order of the arguments; the first that cannot be had ends it. */
async function download(client: TufClient, order: Order & { readonly verb: 'download' }): Promise<void> {
  const folder = openTargetFolder(order.targetDirectory);
  await withDoor(order.targetUrl, async (door) => {
    for (const name of order.targetNames) {
      const target = await client.find(name);
      if (target === undefined) throw new Error(`No role that is asked for it names ${name}.`);
      const kept = await folder.read(name);
      if (kept?.length === target.length && matchesHashes(kept, target.hashes)) continue;
      const file = targetFileName(target, client.root().consistentSnapshot);
      const segments = file.split('/');
      // A URL takes them for a way up, so that another file than the named one would be asked for.
      if (segments.some((segment) => segment === '.' || segment === '..')) throw new Error(`${name} is no path.`);
      const time = AbortSignal.timeout(defaultLimits.targetMilliseconds);
      const bytes = await fetchBounded(name, target.length, time, (signal) =>
        fetchRepositoryFile(door, segments.map(percentEncoded).join('/'), target.length, signal),
      );
      if (bytes === undefined) throw new Error(`${name} is signed, but ${file} is not in the repository.`);
      if (bytes.length !== target.length || !matchesHashes(bytes, target.hashes)) {
        throw new Error(`${name} is not the file that was signed.`);
      }
      await folder.write(name, bytes);
    }
  });
}

async function withDoor(server: URL, task: (door: HttpDoor) => Promise<void>): Promise<void> {
  const door = openHttpDoor({ server, proxy: {}, userAgent: 'gatehouse-agent-tuf' });
  try {
    await task(door);
  } finally {
    await door.close();
  }
}

async function notAskedFor(): Promise<never> {
  throw new Error('init makes no request');
}

function describe(error: unknown): { readonly code: string; readonly message: string } {
  try {
    return refusalOf(error);
  } catch {
    return { code: 'failed', message: messageOf(error) };
  }
}
