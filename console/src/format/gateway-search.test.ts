import { describe, expect, test } from 'vitest';
import { nextSort, readGatewaySearch, setFilters, toListQuery, withFilter } from './gateway-search.ts';

describe('the address of the list of gateways', () => {
  test.each([
    [{}, {}],
    [
      { state: 'held', reason: 'pending-enrolment' },
      { state: 'held', reason: 'pending-enrolment' },
    ],
    // The router reads what looks like JSON as such.
    [
      { search: 42, project: true },
      { search: '42', project: 'true' },
    ],
    [
      { paused: false, updatesAvailable: true },
      { paused: false, updatesAvailable: true },
    ],
    [{ paused: 'no', search: '', colour: 'red', state: ['held'], name: null }, {}],
    [
      { page: 3, cursor: 'abc' },
      { page: 3, cursor: 'abc' },
    ],
    [{ page: 1 }, {}],
    [{ page: 2.5 }, {}],
    [{ page: 'two' }, {}],
  ])('%j is read as %j', (search, read) => {
    expect(readGatewaySearch(search)).toEqual(read);
  });

  test('is asked for as it is, without the number of the page', () => {
    expect(toListQuery({ state: 'odd', cursor: 'abc', page: 2 }, 50)).toEqual({
      state: 'odd',
      cursor: 'abc',
      limit: 50,
    });
  });

  test('begins at the first page with another filter, and forgets what is taken away', () => {
    const search = { state: 'held', provider: 'maas', cursor: 'abc', page: 4, paused: false };
    expect(withFilter(search, { state: 'paused' })).toEqual({ state: 'paused', provider: 'maas', paused: false });
    expect(withFilter(search, { state: undefined, provider: '' })).toEqual({ paused: false });
  });

  test('names the filters that are set, not the order or the page', () => {
    expect(setFilters({ paused: false, state: 'held', sort: '-name', cursor: 'abc', page: 2 })).toEqual([
      'state',
      'paused',
    ]);
  });

  test.each([
    [undefined, 'name', '-name'],
    [undefined, 'status', 'status'],
    ['status', 'status', '-status'],
    ['-status', 'status', 'status'],
    ['-status', 'name', 'name'],
  ])('sorted by %s, pressing %s sorts by %s', (sort, column, next) => {
    expect(nextSort(sort, column)).toBe(next);
  });
});
