/** TUF clients that others wrote, behind one door: what they make of a repository of ours. */

import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Updater } from 'tuf-js';
import { text } from './json.ts';

export interface ClientOrder {
  /** Where it keeps what it trusts; the same folder again continues from there. */
  readonly metadata: string;
  readonly targets: string;
  readonly url: string;
  /** The root it is installed with; absent: it continues. */
  readonly root?: string;
  readonly names: readonly string[];
}

export type ClientResult =
  | { readonly kind: 'ok'; readonly files: Readonly<Record<string, string>> }
  | { readonly kind: 'refused'; readonly reason: string };

export type TufClient = (order: ClientOrder) => Promise<ClientResult>;

export function pythonTuf(python: string): TufClient {
  return async ({ root = null, ...order }) => {
    await mkdir(order.metadata, { recursive: true });
    const script = path.join(import.meta.dirname, 'python-tuf-client.py');
    const output = await new Promise<string>((resolve, reject) => {
      execFile(python, [script, JSON.stringify({ ...order, root })], { timeout: 60_000 }, (error, stdout, stderr) => {
        if (error) reject(new Error(`python-tuf could not be run: ${stderr}`, { cause: error }));
        else resolve(stdout);
      });
    });
    const value: unknown = JSON.parse(output);
    const refused = text(value, 'refused');
    if (refused !== undefined) return { kind: 'refused', reason: refused };
    const files: Record<string, string> = {};
    for (const name of order.names) files[name] = await readFile(text(value, 'files', name) ?? '', 'utf8');
    return { kind: 'ok', files };
  };
}

export const tufJs: TufClient = async ({ metadata, targets, url, root, names }) => {
  await mkdir(metadata, { recursive: true });
  await mkdir(targets, { recursive: true });
  if (root !== undefined) await writeFile(path.join(metadata, 'root.json'), await readFile(root));
  const updater = new Updater({
    metadataDir: metadata,
    metadataBaseUrl: `${url}/metadata/`,
    targetDir: targets,
    targetBaseUrl: `${url}/targets/`,
  });
  try {
    await updater.refresh();
    const files: Record<string, string> = {};
    for (const name of names) {
      const info = await updater.getTargetInfo(name);
      if (!info) return { kind: 'refused', reason: `there is no ${name}` };
      files[name] = await readFile(await updater.downloadTarget(info), 'utf8');
    }
    return { kind: 'ok', files };
  } catch (error) {
    return { kind: 'refused', reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
};
