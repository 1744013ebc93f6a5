// A decision takes `now` as an argument and makes no ids, so that the same facts always give the same answer. The
// compiler already hides Node and the browser from domain; this looks for what the language itself brings, and for the
// same things reached by another way. Tests may do as they like. No comment switches it off.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseSync, visitorKeys } from 'oxc-parser';

const bannedNames = new Set([
  'performance',
  'process',
  'globalThis',
  'global',
  'window',
  'self',
  'crypto',
  'eval',
  'Function',
  'Intl',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'requestAnimationFrame',
  'Temporal',
]);
const pureOfDate = new Set(['UTC', 'parse']);

type AstNode = { readonly type: string; readonly start: number; readonly [key: string]: unknown };
type Finding = { readonly offset: number; readonly what: string };

function isNode(value: unknown): value is AstNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function childrenOf(node: AstNode): readonly { readonly key: string; readonly child: AstNode }[] {
  return (visitorKeys[node.type] ?? []).flatMap((key) => {
    const value = node[key];
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.filter(isNode).map((child) => ({ key, child }));
  });
}

function isOnlyAName(parent: AstNode, key: string): boolean {
  if (parent.type.startsWith('TS') && parent.type !== 'TSTypeQuery') return key !== 'expression';
  if (parent.type === 'MemberExpression') return key === 'property' && parent['computed'] !== true;
  if (['MethodDefinition', 'PropertyDefinition', 'Property'].includes(parent.type)) {
    return key === 'key' && parent['computed'] !== true && parent['shorthand'] !== true;
  }
  return ['ImportSpecifier', 'ExportSpecifier', 'LabeledStatement', 'MetaProperty'].includes(parent.type);
}

function memberName(parent: AstNode): string | undefined {
  const property = parent['property'];
  if (parent.type !== 'MemberExpression' || parent['computed'] === true || !isNode(property)) return undefined;
  return String(property['name']);
}

function whatIsWrong(name: string, parent: AstNode, key: string): string | undefined {
  if (isOnlyAName(parent, key)) return undefined;
  if (bannedNames.has(name)) return name;
  const member = key === 'object' ? memberName(parent) : undefined;
  if (name === 'Math')
    return member === undefined || member === 'random'
      ? member === undefined
        ? 'Math by itself'
        : 'Math.random'
      : undefined;
  if (name !== 'Date') return undefined;
  if (member !== undefined && pureOfDate.has(member)) return undefined;
  if (parent.type === 'BinaryExpression' && parent['operator'] === 'instanceof') return undefined;
  if (parent.type === 'NewExpression' && key === 'callee') {
    const [first] = Array.isArray(parent['arguments']) ? (parent['arguments'] as readonly unknown[]) : [];
    return isNode(first) && first.type !== 'SpreadElement' ? undefined : 'new Date() without a time';
  }
  return member === undefined ? 'Date by itself' : `Date.${member}`;
}

function findingsIn(node: AstNode): readonly Finding[] {
  return childrenOf(node).flatMap(({ key, child }) => {
    const what = child.type === 'Identifier' ? whatIsWrong(String(child['name']), node, key) : undefined;
    const below = findingsIn(child);
    return what === undefined ? below : [{ offset: child.start, what }, ...below];
  });
}

const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error('Usage: clock-ban.ts <folder ...>');
for (const file of folders.flatMap((folder) => globSync(path.join(folder, '**/*.{ts,tsx,mts,js,mjs}')))) {
  if (/\.test\.tsx?$/.test(file)) continue;
  const text = readFileSync(file, 'utf8');
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0)
    throw new Error(`${file} cannot be parsed: ${errors.map(({ message }) => message).join('; ')}`);
  for (const { offset, what } of isNode(program) ? findingsIn(program) : []) {
    const line = text.slice(0, offset).split('\n').length;
    console.error(`${file}:${line}: ${what} is no business of a decision; take the time or the id as an argument`);
    process.exitCode = 1;
  }
}
