/** The table of docs/security.md, which must say what the test does. */

import type { Attack } from './attack.ts';

type Row = Pick<Attack, 'name' | 'has' | 'refusal'>;

const head = '| attack | the attacker has | refused with |';

export function renderTable(attacks: readonly Row[]): readonly string[] {
  return [
    head,
    '| --- | --- | --- |',
    ...attacks.map(({ name, has, refusal }) => `| ${name} | ${has} | \`${refusal}\` |`),
  ];
}

/** The lines of the page from the head of the table to its end. */
export function readTable(page: string): readonly string[] {
  const lines = page.split('\n');
  const start = lines.indexOf(head);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return start < 0 ? [] : lines.slice(start, end < 0 ? undefined : end);
}
