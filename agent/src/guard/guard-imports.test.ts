/**
 * The guard must still work when much else does not, and takes little memory, so it stands on Node alone. What it would
 * load at its start is followed through our own files.
 */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '../../..');

/** Imports that remain when types are stripped and that are loaded at once: not `import type`, not `import()`. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s(?!type\b)(?:[^;'"]*?\sfrom\s)?'([^']+)'/gm);
  return [...statements].flatMap(([statement, from = '']) => {
    const names = /\{([^}]*)\}/
      .exec(statement)?.[1]
      ?.split(',')
      .map((name) => name.trim());
    const isOnlyTypes = names?.every((name) => name === '' || name.startsWith('type ')) ?? false;
    return isOnlyTypes ? [] : [from];
  });
}

function fileOf(from: string, importer: string): string | undefined {
  if (from.startsWith('.')) return path.join(path.dirname(importer), from);
  const ours = /^@gatehouse\/([a-z]+)\/(.+)$/.exec(from);
  return ours === null ? undefined : path.join(root, ours[1] ?? '', 'src', `${ours[2] ?? ''}.ts`);
}

function packagesBehind(entries: readonly string[]): ReadonlyMap<string, string> {
  const packages = new Map<string, string>();
  const seen = new Set<string>();
  const waiting = entries.map((entry) => path.join(import.meta.dirname, entry));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const from of importsOf(file)) {
      const next = fileOf(from, file);
      if (next !== undefined) waiting.push(next);
      else if (!from.startsWith('node:')) packages.set(from, path.relative(root, file));
    }
  }
  return packages;
}

it('loads no package', () => {
  const entries = ['run-guard.ts', '../connect-agent-cluster.ts', '../cluster/kubernetes/connect-agent-cluster.ts'];
  expect(packagesBehind(entries)).toEqual(new Map());
});

it('would be told of one', () => {
  expect([...packagesBehind(['../cluster/kubernetes/kubeconfig.ts']).keys()]).toEqual(['@kubernetes/client-node']);
});
