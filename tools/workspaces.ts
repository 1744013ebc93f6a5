import { readFileSync } from 'node:fs';
import path from 'node:path';

type Workspace = { readonly folder: string };

/** The workspaces that the root's package.json names. */
export function workspaces(root: string): readonly Workspace[] {
  const file = path.join(root, 'package.json');
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof parsed !== 'object' || parsed === null || !('workspaces' in parsed) || !Array.isArray(parsed.workspaces)) {
    throw new Error(`${file} names no workspaces`);
  }
  return parsed.workspaces.map((folder) => ({ folder: String(folder) }));
}
