import { expect, test } from 'vitest';
import { hours, minutes } from './instant.ts';
import { checkControlPlane, type DatabaseFacts } from './platform-preflight.ts';
import { type StatusFacts, statusWarnings } from './status-warnings.ts';

const durable: DatabaseFacts = {
  isInRecovery: false,
  isReadOnly: false,
  fsync: 'on',
  fullPageWrites: 'on',
  synchronousCommit: 'on',
  synchronousStandbyNames: '',
  timeline: 1,
  knownTimeline: 1,
};
const preflight = (change: Partial<DatabaseFacts>) =>
  checkControlPlane({ database: { ...durable, ...change }, missingMigrations: [], replicas: [] });
const well: StatusFacts = {
  preflight: preflight({}),
  clock: {},
  setBack: { total: 0, names: [] },
  ahead: { total: 0, names: [], agentVersions: [] },
  clocks: { total: 0, names: [] },
};

test('nothing is said while all is well', () => {
  expect(statusWarnings(well)).toEqual([]);
  expect(statusWarnings({ ...well, clock: { aheadOfDatabase: minutes(1) } })).toEqual([]);
});

test.each<[string, Partial<StatusFacts>, string, RegExp]>([
  ['fsync off', { preflight: preflight({ fsync: 'off' }) }, 'database-durable', /fsync is off/],
  ['torn pages', { preflight: preflight({ fullPageWrites: 'off' }) }, 'database-durable', /full_page_writes is off/],
  [
    'commits not waited for',
    { preflight: preflight({ synchronousCommit: 'off' }) },
    'database-durable',
    /synchronous_commit is off/,
  ],
  [
    'commits not waited for in new sessions of a role',
    { preflight: preflight({ synchronousCommitOfNew: { value: 'off', of: 'the role gatehouse' } }) },
    'database-durable',
    /synchronous_commit is off for the role gatehouse/,
  ],
  ['another timeline', { preflight: preflight({ timeline: 2 }) }, 'database-timeline', /from timeline 1 to 2/],
  [
    'a database set back',
    { setBack: { total: 1, names: ['site-a'] } },
    'database-set-back',
    /one gateway had newer targets/,
  ],
  [
    'agents ahead of the platform',
    { ahead: { total: 2, names: ['a', 'b'], agentVersions: ['4.2.7'], platformVersion: '4.1.12' } },
    'platform-older-than-agents',
    /2 gateways are newer \(4\.2\.7\) than platform version 4\.1\.12/,
  ],
  ['a jump of the clock', { clock: { jumpedBy: hours(24) } }, 'clock', /a day ahead of the time that counts/],
  ['a clock off the database’s', { clock: { aheadOfDatabase: -minutes(6) } }, 'clock', /6 minutes behind the database/],
  ['clocks of gateways', { clocks: { total: 3, names: ['a'] } }, 'clock', /clocks of 3 gateways/],
])('%s is said with what to do', (_name, change, code, message) => {
  const warnings = statusWarnings({ ...well, ...change });
  expect(warnings).toEqual([
    expect.objectContaining({ code, message: expect.stringMatching(message), nextStep: expect.stringMatching(/\.$/) }),
  ]);
});

test('a role may be as strict as it likes, and a setting that new sessions do not have counts no more', () => {
  const strict = { synchronousCommitOfNew: { value: 'remote_apply', of: 'the role gatehouse' } };
  expect(statusWarnings({ ...well, preflight: preflight(strict) })).toEqual([]);
});
