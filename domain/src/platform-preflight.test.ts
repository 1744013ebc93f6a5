import { describe, expect, test } from 'vitest';
import { checkControlPlane, type DatabaseFacts, failuresOf, type PreflightFacts } from './platform-preflight.ts';
import { platform } from './testing/facts.ts';

const database: DatabaseFacts = {
  isInRecovery: false,
  isReadOnly: false,
  fsync: 'on',
  fullPageWrites: 'on',
  synchronousCommit: 'on',
  synchronousStandbyNames: '',
  timeline: 1,
  knownTimeline: 1,
};
const replica = (name: string, version: string, silentFor = 0) => ({
  name,
  programVersion: platform(version),
  silentFor,
});
function facts(more: Partial<PreflightFacts> = {}): PreflightFacts {
  return { database, missingMigrations: [], replicas: [replica('one', '0.2.0')], ...more };
}
const failing = (more: Partial<PreflightFacts>) => failuresOf(checkControlPlane(facts(more)));

test('a control plane as it should be passes every check', () => {
  expect(checkControlPlane(facts()).map(({ check, outcome }) => [check, outcome])).toEqual([
    ['database-writable', 'passed'],
    ['database-durable', 'passed'],
    ['database-timeline', 'passed'],
    ['migrations-done', 'passed'],
    ['replicas-accepted', 'passed'],
  ]);
});

describe('the database', () => {
  test.each<[string, Partial<DatabaseFacts>, string, string]>([
    ['with fsync off may forget', { fsync: 'off' }, 'database-durable', 'fsync is off'],
    ['with torn pages may forget', { fullPageWrites: 'off' }, 'database-durable', 'full_page_writes is off'],
    [
      'with synchronous_commit off may forget',
      { synchronousCommit: 'off' },
      'database-durable',
      'synchronous_commit is off',
    ],
    [
      'that waits for a standby only half may forget with the primary',
      { synchronousCommit: 'local', synchronousStandbyNames: 'one' },
      'database-durable',
      'synchronous_commit is local',
    ],
    ['that is a standby takes no hop', { isInRecovery: true }, 'database-writable', 'standby'],
    ['that takes no writes takes no hop', { isReadOnly: true }, 'database-writable', 'no writes'],
    ['on another timeline was promoted or restored', { timeline: 3 }, 'database-timeline', 'from timeline 1 to 3'],
    ['that does not say its timeline is not trusted', { timeline: 'unknown' }, 'database-timeline', 'cannot be read'],
  ])('%s', (_name, change, code, words) => {
    const reasons = failing({ database: { ...database, ...change } });
    expect(reasons.map((reason) => reason.code)).toEqual([code]);
    expect(reasons[0]?.message).toContain(words);
    expect(reasons[0]?.nextStep).not.toBe(undefined);
  });

  test.each<[string, Partial<DatabaseFacts>]>([
    ['remote_apply is more than on', { synchronousCommit: 'remote_apply', synchronousStandbyNames: 'one' }],
    ['local is on where there is no standby to wait for', { synchronousCommit: 'local' }],
  ])('%s', (_name, change) => {
    expect(failing({ database: { ...database, ...change } })).toEqual([]);
  });

  test('on a timeline that nobody has recorded yet passes', () => {
    const { knownTimeline: _none, ...fresh } = database;
    expect(failing({ database: { ...fresh, timeline: 7 } })).toEqual([]);
  });

  test('on another timeline names what accepts it', () => {
    const [reason] = failing({ database: { ...database, timeline: 3 } });
    expect(reason?.nextStep).toContain('--accept-risk database-timeline-3');
  });

  test('without a migration of this program is not ready', () => {
    expect(failing({ missingMigrations: ['0009-x'] })).toMatchObject([{ code: 'migrations-done' }]);
  });
});

describe('the replicas', () => {
  const release = { version: platform('4.2.7'), serverMinimum: platform('0.2.0') };

  test('each has to run a program that the release accepts, and who does not is named', () => {
    const replicas = [replica('one', '0.2.0'), replica('two', '0.1.9'), replica('three', '0.1.0')];
    const [reason] = failing({ release, replicas });
    expect(reason).toMatchObject({ code: 'replicas-accepted' });
    expect(reason?.message).toContain('two (0.1.9), three (0.1.0)');
  });

  test('one that has gone without saying so counts for a minute', () => {
    const replicas = (silentFor: number) => [replica('one', '0.2.0'), replica('old', '0.1.0', silentFor)];
    expect(failing({ release, replicas: replicas(59_999) })).toHaveLength(1);
    expect(failing({ release, replicas: replicas(60_000) })).toEqual([]);
  });

  test('without a release to come any program will do', () => {
    expect(failing({ replicas: [replica('one', '0.0.1')] })).toEqual([]);
  });
});
