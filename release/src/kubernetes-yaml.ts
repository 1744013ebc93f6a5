/**
 * YAML as Kubernetes and Helm read it, which is not YAML 1.2: `0644` is octal, `yes` is true, and of two equal keys the
 * last counts. Whoever copies a manifest means what `kubectl apply` makes of it.
 */

import { type Document, parseAllDocuments, type ScalarTag } from 'yaml';

const aliasesMax = 100;

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
    if (error) return { kind: 'fault', reason: `it is no YAML: ${error.message.trim().replace(/[.:]$/, '')}` };
    try {
      documents.push({ value: document.toJS({ maxAliasCount: aliasesMax }), comment: commentOf(document) });
    } catch (cause) {
      return { kind: 'fault', reason: cause instanceof Error ? cause.message : String(cause) };
    }
  }
  return { kind: 'ok', documents };
}

function commentOf(document: Document.Parsed): string {
  return [document.commentBefore, document.contents?.commentBefore].filter(Boolean).join('\n');
}
