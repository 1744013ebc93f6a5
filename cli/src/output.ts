/** The forms of `-o`: a table for people, JSON and YAML for programs, names for a shell. */

import { stringify } from 'yaml';
import { plain, type Terminal } from './terminal.ts';

export const outputForms = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputForm = (typeof outputForms)[number];

export interface Column<Item> {
  readonly head: string;
  readonly of: (item: Item) => string | undefined;
  readonly isWideOnly?: boolean;
}

/** kubectl's look: no borders, upper-case heads, three spaces between; an absent value is `-`. */
export function renderTable<Item>(columns: readonly Column<Item>[], items: readonly Item[], isWide: boolean): string {
  const shown = columns.filter((column) => isWide || column.isWideOnly !== true);
  const rows = [
    shown.map((column) => column.head),
    ...items.map((item) => shown.map((column) => plain(column.of(item) || '-').replaceAll('\n', ' '))),
  ];
  const widths = shown.map((_column, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

interface Listing<Item> {
  readonly items: readonly Item[];
  readonly columns: readonly Column<Item>[];
  readonly nameOf: (item: Item) => string;
  readonly whenEmpty: string;
}

export function printList<Item>(terminal: Terminal, form: OutputForm, listing: Listing<Item>): void {
  switch (form) {
    case 'json':
    case 'yaml':
      return printValue(terminal, form, { items: listing.items });
    case 'name':
      for (const item of listing.items) terminal.out(plain(listing.nameOf(item)));
      return;
    case 'table':
    case 'wide':
      if (listing.items.length === 0) terminal.error(listing.whenEmpty);
      else terminal.out(renderTable(listing.columns, listing.items, form === 'wide'));
      return;
    default:
      return form satisfies never;
  }
}

export function printValue(terminal: Terminal, form: 'json' | 'yaml', value: unknown): void {
  terminal.out(form === 'json' ? JSON.stringify(value, undefined, 2) : stringify(value).trimEnd());
}

/** `label  value` lines; those without a value are left out. */
export function renderFacts(facts: readonly (readonly [string, string | undefined])[]): string {
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== '');
  const width = Math.max(...known.map(([label]) => label.length));
  return known.map(([label, value]) => `${label.padEnd(width)}   ${plain(value)}`).join('\n');
}
