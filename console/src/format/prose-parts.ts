/**
 * What is read in a text of the control plane, and nothing else: commands between backticks, instants, and the command
 * that explains a gateway, which the console has a page for. The rest stays text, whoever wrote it.
 */

export type ProsePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'command'; readonly text: string }
  /** As it stands in the text, RFC 3339 in UTC. */
  | { readonly kind: 'instant'; readonly at: string }
  | { readonly kind: 'gateway'; readonly name: string };

const marked = /(`[^`\n]+`|\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z)/;
const explained = /^gatehouse gateway explain ([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/;

export function proseParts(text: string): readonly ProsePart[] {
  const parts = text.split(marked).map((part, index): ProsePart => {
    // Every second part is what was looked for.
    if (index % 2 === 0) return { kind: 'text', text: part };
    if (!part.startsWith('`')) return toInstant(part);
    const command = part.slice(1, -1);
    const name = explained.exec(command)?.[1];
    return name === undefined ? { kind: 'command', text: command } : { kind: 'gateway', name };
  });
  return parts.filter((part) => part.kind !== 'text' || part.text !== '');
}

const toInstant = (text: string): ProsePart =>
  Number.isNaN(Date.parse(text)) ? { kind: 'text', text } : { kind: 'instant', at: text };
