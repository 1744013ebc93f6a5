/** The place in a list where the next page begins, opaque to clients. */

import { type Answer, done, refuse } from './answer.ts';

export const writeCursor = (place: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url');

const invalid = () => {
  const message = 'query.cursor is not one that a list has given; leave it out to begin at the first page.';
  return refuse('invalid-request', message, { reasons: [{ code: 'field-invalid', message }] });
};

/** Of the kinds that are expected, in their order. */
export function readCursor<Kinds extends readonly ('string' | 'number')[]>(
  cursor: string | undefined,
  kinds: Kinds,
): Answer<{ readonly [Index in keyof Kinds]: Kinds[Index] extends 'string' ? string : number } | undefined> {
  if (cursor === undefined) return done(undefined);
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return invalid();
  }
  if (!Array.isArray(place) || place.length !== kinds.length) return invalid();
  const fits = kinds.every((kind, index) => {
    const value: unknown = place[index];
    return kind === 'string' ? typeof value === 'string' && value.length <= 200 : Number.isSafeInteger(value);
  });
  return fits
    ? // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Each element was checked against its kind.
      done(place as { readonly [Index in keyof Kinds]: Kinds[Index] extends 'string' ? string : number })
    : invalid();
}

/** One page of `limit` from rows of which one more was asked for. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  { item, place }: { readonly item: (row: Row) => Item; readonly place: (row: Row) => readonly (string | number)[] },
): { items: Item[]; next?: string } {
  const items = rows.slice(0, limit).map(item);
  const last = rows[limit - 1];
  return rows.length > limit && last !== undefined ? { items, next: writeCursor(place(last)) } : { items };
}

export const limitOf = (query: { readonly limit?: number } | undefined): number => query?.limit ?? 100;
