/**
 * The setting `timings`: shorter spans for the sandbox and for tests, laid over the production ones. Read without a
 * schema library, since the guard needs it too.
 */

import { productionTimings, type Timings } from '@gatehouse/domain/timings';

const valueMax = 7 * 24 * 3_600_000;

/** JSON in the form of `Timings`, of which any part may be left out. Throws when it names or holds what there is not. */
export function parseTimings(text: string | undefined): Timings {
  if (text === undefined || text.trim() === '') return productionTimings;
  const given = parseGroups(text);
  const { poll, lease, agentUpdate, guard, profileUpdate, platform } = productionTimings;
  const group = <Group extends Readonly<Record<keyof Group, number>>>(name: string, production: Group): Group => ({
    ...production,
    ...parseMembers(name, given[name], production),
  });
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(productionTimings, name)) throw new Error(`timings names ${name}, which there is not`);
  }
  return {
    poll: group('poll', poll),
    lease: group('lease', lease),
    agentUpdate: group('agentUpdate', agentUpdate),
    guard: group('guard', guard),
    profileUpdate: group('profileUpdate', profileUpdate),
    platform: group('platform', platform),
  };
}

function parseGroups(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below.
  }
  throw new Error('timings must be JSON: groups of numbers by name');
}

function parseMembers(name: string, value: unknown, production: object): Readonly<Record<string, number>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) throw new Error(`timings.${name} must be numbers by name`);
  const members: Record<string, number> = {};
  for (const [member, number] of Object.entries(value) as [string, unknown][]) {
    if (!Object.hasOwn(production, member)) throw new Error(`timings names ${name}.${member}, which there is not`);
    if (typeof number !== 'number' || !(number >= 0 && number <= valueMax)) {
      throw new Error(`timings.${name}.${member} must be a number from 0 to ${valueMax}`);
    }
    members[member] = number;
  }
  return members;
}
