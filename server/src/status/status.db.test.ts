import { SystemStatus } from '@gatehouse/contract/status-types';
import { addMilliseconds, formatInstant, hours, minutes } from '@gatehouse/domain/instant';
import { queryDatabase, type TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsOf, runningExistingCluster } from '../testing/fleet.ts';
import { bodyAs, startWorld, type World } from '../testing/world.ts';

let database: TestDatabase;
let world: World;
const log: string[] = [];
beforeAll(async () => {
  database = await createProvidedDatabase();
  world = await startWorld({ databaseUrl: database.url, logTo: (line) => log.push(line) });
  await world.release('4.1.12');
});
afterAll(async () => {
  await world?.close();
  await database?.drop();
});

/** On a busy machine a database is slow, which is a warning too. */
const warnings = async () =>
  bodyAs(SystemStatus, await world.call('GET', '/v1/status')).warnings.filter(({ code }) => code !== 'database-slow');

test('a setting that only new sessions of the database get is found, and said in the log with what to do', async () => {
  expect(await warnings()).toEqual([]);
  const name = new URL(database.url).pathname.slice(1);
  await queryDatabase(database.url, `alter database ${name} set synchronous_commit = off`);
  expect(await warnings()).toEqual([
    {
      code: 'database-durable',
      message: `The database may forget what it has committed: synchronous_commit is off for the database ${name}.`,
      nextStep: expect.stringContaining('ALTER … RESET synchronous_commit'),
    },
  ]);
  const said = () => log.filter((line) => line.includes('"code":"database-durable"'));
  await expect.poll(() => said().length, { timeout: 30_000 }).toBe(1);
  await queryDatabase(database.url, `alter database ${name} reset synchronous_commit`);
  // A session that began meanwhile keeps it until the pool replaces it, which is a minute; here it is ended.
  await queryDatabase(
    database.url,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
  );
  await expect.poll(warnings, { timeout: 30_000 }).toEqual([]);
});

describe('the clock of a gateway', () => {
  test.each([
    ['a day ahead', hours(24), 'a day ahead of'],
    ['a day behind', -hours(24), 'a day behind'],
    ['ten years ahead', hours(24) * 3652, '10 years ahead of'],
    ['six minutes behind', -minutes(6), '6 minutes behind'],
  ])('%s is an event once, and one when it is right; every poll counts', async (what, off, words) => {
    const gateway = what.replaceAll(' ', '-');
    const agent = await runningExistingCluster(world, gateway);
    const clock = (by: number) => formatInstant(addMilliseconds(world.now(), by));
    const told = async () =>
      (await eventsOf(world, gateway))
        .filter(({ type }) => type.startsWith('clock'))
        .map(({ type, message }) => [type, message]);
    for (const by of [off, off, minutes(4) * Math.sign(off) + off]) {
      expect(await agent.poll({ clock: clock(by) })).toMatchObject({ status: 200 });
    }
    expect(await told()).toEqual([['clock', expect.stringContaining(words)]]);
    expect((await warnings()).find(({ code }) => code === 'clock')?.gateways).toContain(gateway);
    expect(await agent.poll({ clock: clock(minutes(1)) })).toMatchObject({ status: 200 });
    expect(await agent.poll({ clock: 'no clock at all' })).toMatchObject({ status: 200 });
    expect((await told()).map(([type]) => type)).toEqual(['clock', 'clock-right']);
    expect(await warnings()).toEqual([]);
  });
});
