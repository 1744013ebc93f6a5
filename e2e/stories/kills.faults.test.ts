/**
 * Control plane, PostgreSQL, guards and agents are killed over and over while eight write and two gateways move along
 * releases. Nothing acknowledged is lost, nothing is done twice, and whatever was under way comes to its end.
 */

import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@gatehouse/contract/client';
import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { queryDatabase } from '@gatehouse/testkit/postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Fleet, liveGateways, nodesOfOurs, startFleet, versions } from '../src/kills/fleet.ts';
import { brokenInvariants } from '../src/kills/invariants.ts';
import {
  type Deed,
  deeds,
  type EnrolmentKill,
  enrolmentKills,
  type Kill,
  killsAsked,
  nameOf,
  needsHop,
  placeOf,
  randomFrom,
  shuffled,
} from '../src/kills/kills.ts';
import { patiently } from '../src/kills/patiently.ts';
import { spread } from '../src/kills/spread.ts';
import { createWriters, isRefusedWith, noneYet, read, type Writers } from '../src/kills/writers.ts';
import { waitFor } from '../src/program.ts';

const kills = faultRounds({ whole: 200, short: 8 });
const enrolments = faultRounds({ whole: enrolmentKills.length, short: 2 });
/** Printed by a round that fails; set it to have the same kills in the same order. */
const seed = Number(process.env['GATEHOUSE_KILLS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const random = randomFrom(seed);
const actor = 'writers';
/** So many kills fall on the way from one release to the next. */
const killsPerHop = Math.ceil(kills / versions.length);
/** A place that is not passed for so long is not passed in this round. */
const reachedWithinSeconds = 6;
/** Far beyond what is held, which is measured. */
const patienceSeconds = 300;
/** What is killed at no certain place is killed within this time. */
const soonMilliseconds = 1500;

let fleet: Fleet;
let admin: Client;
let writers: Writers;
const measured = { readyAfter: [] as number[], answeredAfter: [] as number[] };

beforeAll(async () => {
  fleet = await startFleet();
  admin = fleet.client(fleet.server.adminToken());
  const { token } = await admin.createToken({ body: { name: actor, role: 'Platform Admin' } });
  writers = createWriters(fleet.client(token));
});
afterAll(async () => {
  await fleet?.stop();
});

/** Begins the kill in the midst of the writes, and says whether it has come about. A place is asked for at once. */
async function begin(kill: Kill): Promise<() => boolean> {
  const { armed, server } = fleet;
  const isDone = () => true;
  const soon = () => pause(random() * soonMilliseconds);
  switch (kill.kind) {
    case 'server':
      armed.server.arm(`${kill.point}=kill`);
      return () => armed.server.wasReached();
    case 'server-start':
      armed.server.arm(`${kill.point}=kill`);
      await soon();
      server.kill();
      return () => armed.server.wasReached();
    case 'agent':
      armed.agents.arm(`${kill.point}=kill`);
      return () => armed.agents.wasReached();
    case 'agents':
      await soon();
      for (const pid of await fleet.podProcesses()) killProcess(pid);
      return isDone;
    case 'postgres':
      await soon();
      killProcess(server.postgresPid());
      return isDone;
    case 'postgres-backend':
      await soon();
      killProcess(await someBackend());
      return isDone;
    case 'server-anywhere':
      await soon();
      server.kill();
      return isDone;
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself in between.
  }
}

async function someBackend(): Promise<number> {
  const backends = await ask(
    `select a.pid from pg_stat_activity as a where a.backend_type = 'client backend' and a.pid <> pg_backend_pid()`,
  );
  return Number(backends[Math.floor(random() * backends.length)]?.['pid']);
}

const ask = (statement: string) => patiently(async () => queryDatabase(fleet.server.databaseUrl(), statement));
const findBroken = () =>
  patiently(async () => brokenInvariants(fleet.server.databaseUrl(), writers.acknowledged, actor));

/** Writes and kills at once. False when the place was not passed. */
async function round(kill: Kill, tag: string): Promise<boolean> {
  const readyBefore = fleet.server.readyAfter().length;
  const [isKilled] = await Promise.all([begin(kill), writers.round(tag)]);
  // Its start passes the place or does not, however long that takes.
  if (kill.kind === 'server-start') await fleet.server.waitUntilReady(patienceSeconds);
  const deadline = performance.now() + (kill.kind === 'server-start' ? 0 : reachedWithinSeconds * 1000);
  while (!isKilled() && performance.now() < deadline) await pause(50);
  fleet.armed.server.disarm();
  fleet.armed.agents.disarm();
  await fleet.server.waitUntilReady(patienceSeconds);
  if (isKilled()) {
    measured.readyAfter.push(...fleet.server.readyAfter().slice(readyBefore));
    measured.answeredAfter.push(Math.max(...writers.takeDurations()));
  }
  expect(await writers.replay()).toEqual([]);
  expect(await findBroken()).toEqual([]);
  return isKilled();
}

/** Places of deeds at which the control plane was killed, and how often each deed was done. */
const killedDeeds: string[] = [];
const turns = new Map<Deed, number>(deeds.map((deed) => [deed, 0]));

/** Does what passes the deed's place, and is answered in spite of the kill there. */
async function killedAt(deed: Deed, doIt: () => Promise<unknown>): Promise<void> {
  const turn = turns.get(deed) ?? 0;
  const point = placeOf(deed, turn);
  turns.set(deed, turn + 1);
  fleet.armed.server.arm(`${point}=kill`);
  try {
    await doIt();
    // What stands after the reply is passed a moment later.
    const deadline = performance.now() + soonMilliseconds;
    while (!fleet.armed.server.wasReached() && performance.now() < deadline) await pause(50);
  } finally {
    fleet.armed.server.disarm();
  }
  await fleet.server.waitUntilReady(patienceSeconds);
  if (fleet.armed.server.wasReached()) killedDeeds.push(point);
}

async function isConfirmationDue(): Promise<boolean> {
  const params = { gateway: liveGateways[0] };
  const update = await read(() => admin.getProfileUpdate({ params }).catch(noneYet));
  return update?.phase === 'available' && update.confirmReasons.length === 0;
}

let hops = 0;
/** Imports the next release and moves the platform to it; nothing while what came before is still on its way. */
async function hop(): Promise<void> {
  const version = versions[hops + 1];
  if (version === undefined || !(await areCurrent())) return;
  await expectEachNodeReplacedOnce();
  const body = await fleet.publish(version);
  await killedAt('importReleases', () => writers.write('importReleases', { body }, { subject: version }));
  try {
    await killedAt('upgradePlatform', () =>
      writers.write('upgradePlatform', { body: { to: version } }, { subject: version }),
    );
    hops += 1;
  } catch (error) {
    // A gateway was not heard for a moment, say; in the next round then.
    if (!isRefusedWith(error, ['upgrade-refused'])) throw error;
  }
}

/** For each release, whoever was killed while it was done. */
async function expectEachNodeReplacedOnce(): Promise<void> {
  expect(await fleet.machinesMade()).toBe(nodesOfOurs * (1 + hops));
}

async function areCurrent(): Promise<boolean> {
  const seen = await Promise.all(liveGateways.map((gateway) => read(() => admin.getGateway({ params: { gateway } }))));
  return seen.every(({ isCurrent }) => isCurrent);
}

it(`${kills} kills: nothing acknowledged is lost, and nothing is done twice`, async () => {
  const done: string[] = [];
  const missed = new Map<string, number>();
  const next = chooser();
  report(`seed ${seed}`);
  for (let number = 1; done.length < kills; number += 1) {
    const isHopDue = done.length >= hops * killsPerHop;
    let kill: Kill = { kind: 'server-anywhere' };
    try {
      if (isHopDue) await hop();
      if (await isConfirmationDue()) await killedAt('confirmProfileUpdate', () => writers.operate());
      kill = next(number % 2 === 0 && !(await areCurrent()));
      if (await round(kill, `r${number}`)) done.push(nameOf(kill));
      else missed.set(nameOf(kill), (missed.get(nameOf(kill)) ?? 0) + 1);
      report(`round ${number}: ${nameOf(kill)}${done.at(-1) === nameOf(kill) ? '' : ', not passed'}`);
    } catch (error) {
      const logs = await Promise.all(liveGateways.map((gateway) => fleet.podLog(gateway).catch(() => '')));
      throw new Error(
        `round ${number} (${nameOf(kill)}) of GATEHOUSE_KILLS_SEED=${seed} failed after ${done.length} kills\n` +
          [fleet.server.output(), ...logs].join('\n'),
        { cause: error },
      );
    }
  }

  // Everything that moves comes to its end without another kill.
  const quietSince = performance.now();
  await waitFor(
    'both gateways to be current',
    async () => {
      await writers.operate();
      return (await areCurrent()) || undefined;
    },
    { timeoutSeconds: patienceSeconds, everyMilliseconds: 500, explain: () => fleet.server.output() },
  );
  const endedAfter = performance.now() - quietSince;
  expect(await findBroken()).toEqual([]);
  const completed = await ask(`select u.outcome, count(*)::int as count from profile_updates as u group by u.outcome`);
  expect(completed).toEqual([{ outcome: 'completed', count: hops }]);
  const told = await ask(
    `select e.message, count(*)::int as count from events as e
      where e.message in ('all control planes are updated', 'profile update completed') group by e.message order by 1`,
  );
  expect(told).toEqual([
    { message: 'all control planes are updated', count: hops },
    { message: 'profile update completed', count: hops },
  ]);
  await expectEachNodeReplacedOnce();
  // Each was done once, whatever became of the first who did it.
  expect(killedDeeds.length).toBeGreaterThan(0);
  const upgraded = await ask(
    `select count(*)::int as count from audit_records as a where a.action = 'platform.upgrade' and a.actor = '${actor}'`,
  );
  expect(upgraded).toEqual([{ count: hops }]);

  report(
    [
      `${killedDeeds.length} kills in deeds: ${killedDeeds.join(', ')}`,
      `${done.length} kills at ${new Set(done).size} places, seed ${seed}; ${hops} hops, ${writers.acknowledged.length} acknowledged writes`,
      `ready after a start: ${spread(measured.readyAfter)}`,
      `longest write of a round: ${spread(measured.answeredAfter)}`,
      `both gateways current after the last kill: ${(endedAfter / 1000).toFixed(1)} s`,
      `not passed in their round: ${[...missed].map(([name, times]) => `${name} (${times})`).join(', ')}`,
      `killed at: ${done.toSorted().join(', ')}`,
    ].join('\n'),
  );
});

it(`an enrolment that breaks off goes on: ${enrolments} places`, async ({ annotate }) => {
  const asked = shuffled(enrolmentKills, random).slice(0, enrolments);
  const took: number[] = [];
  for (const [index, kill] of asked.entries()) took.push(await enrolKilledAt(kill, `newcomer-${index}`));
  await annotate(`enrolled after a kill at ${asked.map(({ point }) => point).join(', ')}: ${spread(took)}`);
  expect(await findBroken()).toEqual([]);
});

/** Milliseconds from the kill until the agent is heard. */
async function enrolKilledAt({ of, point }: EnrolmentKill, gateway: string): Promise<number> {
  const armed = fleet.armed[of];
  armed.arm(`${point}=kill`);
  const sandbox = await fleet.install(gateway, versions[hops] ?? versions[0]);
  try {
    const explain = () => `${sandbox.output()}\n${fleet.server.output()}`;
    const patience = { timeoutSeconds: patienceSeconds, everyMilliseconds: 100, explain };
    await waitFor(`a kill at ${point}`, async () => armed.wasReached() || undefined, patience);
    const begun = performance.now();
    const params = { gateway };
    const isHeard = async () =>
      (await read(() => admin.getGateway({ params }))).agentVersion !== undefined ? true : undefined;
    await waitFor(`${gateway} to be heard after a kill at ${point}`, isHeard, patience);
    const heardAfter = performance.now() - begun;
    const enrolled = await ask(
      `select count(*)::int as count from events as e where e.type = 'agent-enrolled' and e.gateway_name = '${gateway}'`,
    );
    expect(enrolled, point).toEqual([{ count: 1 }]);
    return heardAfter;
  } finally {
    armed.disarm();
    await sandbox.stop();
  }
}

/** Gives one kill after the other, each once before any comes again; of those that need a hop only when one is under way. */
function chooser(): (isHopWanted: boolean) => Kill {
  const asked = killsAsked(process.env);
  const waiting = new Map<boolean, readonly Kill[]>();
  return (isHopWanted) => {
    const those = asked.filter((kill) => needsHop(kill) === isHopWanted);
    const [first, ...rest] = waiting.get(isHopWanted) ?? [];
    const [kill = first, ...others] =
      first === undefined ? shuffled(those.length > 0 ? those : asked, random) : [first, ...rest];
    if (kill === undefined) throw new Error('there is nothing to kill');
    waiting.set(isHopWanted, others);
    return kill;
  };
}

/** How it goes, for whoever waits: `GATEHOUSE_KILLS_REPORT` names a file. */
function report(text: string): void {
  const file = process.env['GATEHOUSE_KILLS_REPORT'];
  if (file === undefined) process.stdout.write(`${text}\n`);
  else appendFileSync(file, `${text}\n`);
}
