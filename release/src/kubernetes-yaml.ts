/**
 * YAML as Kubernetes and Helm read it, which is not YAML 1.2: `0644` is octal, `yes` is true, and of two equal keys the
 * last counts. Whoever copies a manifest means what `kubectl apply` makes of it.
 */

import { type Document, Lexer, parseAllDocuments, type ScalarTag } from 'yaml';

/** Of a text. Each is looked for in all of it, so many of them cost their square, also where they make nothing grow. */
const aliasesMax = 100;
const anchorsMax = 1000;
/** Of lists and maps in brackets; what is indented takes a line for each level. */
const depthMax = 200;
const tooDeep = 'it is nested deeper than can be read';

const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};
const truth: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:y|Y|yes|Yes|YES|on|On|ON)$/,
  resolve: () => true,
};
const untruth: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:n|N|no|No|NO|off|Off|OFF)$/,
  resolve: () => false,
};

export type YamlDocuments =
  | { readonly kind: 'ok'; readonly documents: readonly { readonly value: unknown; readonly comment: string }[] }
  | { readonly kind: 'fault'; readonly reason: string };

/** How plain words are read. A key that a person wrote twice is a mistake; templates render some twice. */
export type Dialect = 'yaml-1.2' | 'kubernetes' | 'rendered';

/** `comment`: what stands before a document's contents. */
export function parseYaml(text: string, dialect: Dialect): YamlDocuments {
  const tooMany = hasTooMany(text);
  if (tooMany !== undefined) return { kind: 'fault', reason: tooMany };
  const parsed =
    dialect === 'yaml-1.2'
      ? parseAllDocuments(text, { prettyErrors: true })
      : parseAllDocuments(text, {
          prettyErrors: true,
          uniqueKeys: dialect !== 'rendered',
          customTags: (tags) => [octal, truth, untruth, ...tags],
        });
  const documents: { readonly value: unknown; readonly comment: string }[] = [];
  for (const document of 'empty' in parsed ? [] : parsed) {
    const [error] = document.errors;
    if (error) return { kind: 'fault', reason: `it is no YAML: ${textOf(error)}` };
    try {
      const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
      if (isEndless(value)) return { kind: 'fault', reason: 'an alias stands within what it stands for' };
      documents.push({ value, comment: commentOf(document) });
    } catch (cause) {
      return { kind: 'fault', reason: cause instanceof Error ? cause.message : String(cause) };
    }
  }
  return { kind: 'ok', documents };
}

/** A parser that has run out of room says so in its own words, with the line, which is all there may be. */
const textOf = ({ message }: Error): string =>
  message.startsWith('Maximum call stack') ? tooDeep : message.trim().replace(/[.:]$/, '');

/** Before it is parsed: told from what is only a text by the lexer, which goes over it once. */
function hasTooMany(text: string): string | undefined {
  if (!/[&*[{]/.test(text)) return undefined;
  let [anchors, aliases, depth, isText] = [0, 0, 0, false];
  for (const token of new Lexer().lex(text)) {
    if (!isText && token.startsWith('&')) anchors += 1;
    if (!isText && token.startsWith('*')) aliases += 1;
    if (token === '[' || token === '{') depth += 1;
    if (token === ']' || token === '}') depth -= 1;
    if (depth > depthMax) return `it is no YAML: ${tooDeep}`;
    if (aliases > aliasesMax) return `it has more than ${aliasesMax} aliases`;
    if (anchors > anchorsMax) return `it has more than ${anchorsMax} anchors`;
    isText = token === textFollows;
  }
  return undefined;
}

/** What the lexer says before the text of a plain or block scalar. */
const textFollows = '\u001F';

/** Only what is within itself cannot be written down. */
function isEndless(value: unknown): boolean {
  try {
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
    return false;
  } catch {
    return true;
  }
}

function commentOf(document: Document.Parsed): string {
  return [document.commentBefore, document.contents?.commentBefore].filter(Boolean).join('\n');
}
