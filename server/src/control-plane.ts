/** A running control plane: database, memory, tasks and HTTP put together. Started by `main.ts`, and by tests. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { type Instant, toInstant } from '@gatehouse/domain/instant';
import { differenceText } from '@gatehouse/domain/steady-time';
import { productionTimings, type Timings } from '@gatehouse/domain/timings';
import type { FailPoints } from '@gatehouse/release/fail-point';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import Type from 'typebox';
import { Parse } from 'typebox/value';
import { awaitDatabase } from './database/await-database.ts';
import { connectDatabase } from './database/connection.ts';
import { type DatabaseFault, faultOf } from './database/database-fault.ts';
import { type DatabaseWatch, watchDatabase } from './database/database-watch.ts';
import { withFailPoints } from './database/failing-dialect.ts';
import { migrate } from './database/migrate.ts';
import { createDeliverer } from './deliveries/deliver.task.ts';
import { listenForChanges } from './events/event-signal.ts';
import { ensureDefaults, ensureSigningKey } from './first-start.ts';
import { refreshSomeSummaries, refreshSummaries } from './gateways/refresh-summaries.task.ts';
import { type App, createApp } from './http/app.ts';
import type { Services } from './http/services.ts';
import { createMailServer, type MailSettings } from './mail/mail-server.ts';
import { createPlanWatch } from './platform/advance-plan.task.ts';
import { rememberTimeline } from './platform/platform.command.ts';
import { deleteReplica, type Replica, sayReplica } from './platform/replica.store.ts';
import { createPollMemory } from './polls/poll-memory.ts';
import { createPollTimes } from './polls/poll-times.task.ts';
import { createWarningLog } from './status/status.task.ts';
import { named, type StartStep, startStep, workUnderWay } from './work/fail-points.ts';
import { createSoon } from './work/soon.ts';
import { createSteadyClock, type SteadyClock, type SteadyClockOptions } from './work/steady-clock.ts';
import { keepUp, repeat } from './work/upkeep.task.ts';

export interface ControlPlaneOptions {
  readonly databaseUrl: string;
  readonly logger: FastifyBaseLogger;
  /** Where it is reached from; by default where it listens. */
  readonly publicUrl?: string;
  readonly publicCa?: string;
  readonly timings?: Timings;
  /** The mail server that notifications are sent by; absent: there is none. */
  readonly mail?: MailSettings | undefined;
  /** `host` or `host:port` of receivers of webhooks on addresses that else are not asked. */
  readonly webhooksAllowed?: readonly string[] | undefined;
  /** The time itself, of a test. */
  readonly now?: () => Instant;
  /** The machine's clock: what it says, and milliseconds that never go back. */
  readonly machineClock?: Pick<SteadyClockOptions, 'wall' | 'counting'>;
  readonly consoleDirectory?: string;
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  /** Of a test. */
  readonly failPoints?: FailPoints | undefined;
  /** Aborted when the program is told to end while it starts. */
  readonly told?: AbortSignal;
  /** The start waits for the database. */
  readonly onWait?: (fault: DatabaseFault) => void;
}

/** One step of the start that needs the database: with its fail points, and repeated until the database has answered it. */
export type StartDatabaseStep = <T>(name: StartStep, step: () => Promise<T>) => Promise<T>;

export interface ControlPlane {
  readonly services: Services;
  /** For what else the start does with the database. */
  readonly startDatabaseStep: StartDatabaseStep;
  /** Answers in this process too, without a port. */
  readonly http: FastifyInstance;
  /** Writes now what it would have written within the second: for whoever asks it right after a poll. */
  writePollTimes(): Promise<void>;
  listen(address: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly port: number; readonly url: string }>;
  /**
   * Ends what is running in order, within about six seconds: no new requests, those under way to their end, then tasks
   * and connections. With `hurry` aborted, requests under way are cut off.
   */
  close(options?: { readonly hurry?: AbortSignal }): Promise<void>;
}

const pollTimesEvery = 1000;
const upkeepEvery = 5000;
const replicaEvery = 10_000;
const planEvery = 2000;
const deliverEvery = 1000;
const summariesEvery = 5000;
const warningsEvery = 10_000;
/** How long each part of the end is waited for. */
const patience = { requests: 4000, connections: 500, rest: 2000 } as const;

export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { logger, databaseUrl, failPoints } = options;
  const watch = watchDatabase(databaseUrl);
  watch.subscribe((trouble) =>
    trouble === undefined
      ? logger.warn('the database answers again')
      : logger.error({ code: trouble.code, nextStep: trouble.nextStep }, trouble.message),
  );
  // That the database is away was said once; what fails because of it need not be said every second.
  const report = (what: string) => (error: unknown) =>
    logger[watch.trouble() !== undefined && faultOf(error) !== undefined ? 'debug' : 'error']({ err: error }, what);
  const connection = connectDatabase({
    url: databaseUrl,
    watch,
    onIdleError: report('an idle database connection was lost'),
    ...(failPoints === undefined ? {} : { around: (dialect) => withFailPoints(dialect, failPoints, workUnderWay) }),
  });
  const { db } = connection;
  const clock = options.now === undefined ? createSteadyClock(steadyOptions(options, watch)) : givenClock(options.now);
  const now = (): Instant => clock.now();
  const untilDatabaseAnswers = awaitDatabase({
    watch,
    signal: options.told,
    onWait(fault, waitedSeconds) {
      const { code, nextStep } = fault;
      logger.warn({ code, nextStep, waitedSeconds }, `the start waits for the database: ${fault.message}`);
      options.onWait?.(fault);
    },
  });
  const startDatabaseStep: StartDatabaseStep = (name, step) =>
    startStep(failPoints, name, () => untilDatabaseAnswers(step));
  await startDatabaseStep('start-schema', () => migrate(db));
  const signingKey = await startDatabaseStep('start-defaults', async () => {
    await ensureDefaults(db, now());
    return ensureSigningKey(db);
  });
  const timings = options.timings ?? productionTimings;
  const scheme = options.tls === undefined ? 'http' : 'https';
  let listeningAt = `${scheme}://localhost`;
  let isStopping = false;
  const services: Services = {
    db,
    watch,
    now,
    clock,
    timings,
    publicUrl: () => options.publicUrl ?? listeningAt,
    ...(options.publicCa === undefined ? {} : { publicCa: options.publicCa }),
    programVersion: programVersion(),
    replicaName: `${hostname()}/${process.pid}`,
    isStopping: () => isStopping,
    signingKey,
  };
  const replica: Replica = {
    id: randomUUID(),
    name: services.replicaName,
    programVersion: services.programVersion,
  };
  await startDatabaseStep('start-replica', () => sayReplica(db, replica));
  await startDatabaseStep('start-timeline', () => rememberTimeline(services));
  const memory = createPollMemory(timings, { isDatabaseAway: () => watch.trouble()?.isAnswering === false });
  const signal = listenForChanges(databaseUrl, report('the connection that listens for changes was lost'));
  signal.subscribe({
    onChange: (change) => memory.forget(change),
    onListening: (isListening) => memory.setListening(isListening),
  });
  const watchPlan = createPlanWatch(services);
  const advance = createSoon(() => named(failPoints, 'platform-plan', watchPlan), {
    everyMilliseconds: planEvery,
    onError: report('the platform’s plan could not be looked at'),
  });
  signal.subscribe({
    onChange: ({ kind }) => (kind === 'events' ? undefined : advance.soon()),
    onListening: (isListening) => (isListening ? advance.soon() : undefined),
  });
  const summaries = createSoon(() => named(failPoints, 'gateway-summaries', () => refreshSummaries(services)), {
    everyMilliseconds: summariesEvery,
    onError: report('the summaries of gateways could not be brought up to date'),
  });
  signal.subscribe({
    onChange: ({ kind }) => (kind === 'events' ? undefined : summaries.soon()),
    onListening: (isListening) => (isListening ? summaries.soon() : undefined),
  });
  const mail = options.mail === undefined ? undefined : createMailServer(options.mail);
  const deliverer = createDeliverer({
    services,
    mail,
    webhooks: { allowed: options.webhooksAllowed ?? [], ownUrls: [databaseUrl] },
    jitter: Math.random,
    onError: report('what is to be sent could not be sent'),
  });
  const deliver = createSoon(() => named(failPoints, 'deliver', () => deliverer.look()), {
    everyMilliseconds: deliverEvery,
    onError: report('what is to be sent could not be looked at'),
  });
  signal.subscribe({
    onChange: ({ kind }) => (kind === 'notifications' ? deliver.soon() : undefined),
    onListening: (isListening) => (isListening ? deliver.soon() : undefined),
  });
  const times = createPollTimes(db, report('poll times could not be written'));
  const writePollTimes = () => named(failPoints, 'poll-times', () => times.flush());
  const tasks = [
    repeat(writePollTimes, {
      milliseconds: pollTimesEvery,
      onError: report('poll times could not be written'),
    }),
    repeat(() => named(failPoints, 'upkeep', () => keepUp(services)), {
      milliseconds: upkeepEvery,
      onError: report('upkeep failed'),
    }),
    repeat(() => named(failPoints, 'replica', () => sayReplica(db, replica)), {
      milliseconds: replicaEvery,
      onError: report('this replica could not say that it is there'),
    }),
    advance,
    deliver,
    deliverer,
    summaries,
    createSoon(createWarningLog(services, logger), {
      everyMilliseconds: warningsEvery,
      onError: report('it could not be looked what is wrong with the control plane itself'),
    }),
  ];
  const app: App = await createApp({
    services,
    logger,
    signal,
    memory,
    times,
    mailFrom: mail?.from,
    refreshSummaries: () => named(failPoints, 'gateway-summaries', () => refreshSomeSummaries(services)),
    ...(options.consoleDirectory === undefined ? {} : { consoleDirectory: options.consoleDirectory }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    failPoints,
  });
  return {
    services,
    startDatabaseStep,
    http: app.http,
    writePollTimes,
    async listen({ host, port }) {
      await app.http.listen({ host, port });
      const address = app.http.server.address();
      if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
      listeningAt = `${scheme}://${shownHost(host)}:${address.port}`;
      return { port: address.port, url: listeningAt };
    },
    async close({ hurry } = {}) {
      isStopping = true;
      app.followers.close();
      await app.drain.untilIdle(patience.requests, hurry);
      // A connection that hangs must not keep the rest from ending in order.
      const cut = setTimeout(() => app.http.server.closeAllConnections(), patience.connections);
      await app.http.close();
      clearTimeout(cut);
      await atMost(patience.rest, async () => {
        await Promise.all(tasks.map((task) => task.stop()));
        if (watch.trouble()?.isAnswering !== false) {
          await writePollTimes();
          await named(failPoints, 'stop-replica', () => deleteReplica(db, replica.id)).catch(
            report('this replica could not say that it ends'),
          );
        }
        await signal.close();
      });
      await watch.close();
      await atMost(patience.rest, () => connection.close());
    },
  };
}

/** A database that hangs keeps nobody from ending. */
async function atMost(milliseconds: number, work: () => Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work(), late]);
  clearTimeout(timer);
}

const systemClock: Pick<SteadyClockOptions, 'wall' | 'counting'> = {
  wall: () => toInstant(Date.now()),
  counting: () => performance.now(),
};

function steadyOptions(
  { databaseUrl, logger, machineClock }: ControlPlaneOptions,
  watch: DatabaseWatch,
): SteadyClockOptions {
  const isElsewhere = !isOnThisMachine(databaseUrl);
  return {
    ...(machineClock ?? systemClock),
    // A database on this machine has this machine's clock.
    reference: () => {
      const time = isElsewhere ? watch.time() : undefined;
      return time === undefined ? undefined : toInstant(time);
    },
    onNews({ kind, by }) {
      const what = `the clock of this machine is ${differenceText(by)} the time that counted`;
      if (kind === 'jumped') logger.error({ code: 'clock' }, `${what}; nothing ends or expires by it yet`);
      else
        logger.warn(
          { code: 'clock' },
          kind === 'believed' ? `${what}, and counts from now on` : 'the clock is right again',
        );
    },
  };
}

const givenClock = (now: () => Instant): SteadyClock & { readonly isGiven: true } => ({
  now,
  jumpedBy: () => undefined,
  isNewTime: () => false,
  isGiven: true,
});

function isOnThisMachine(databaseUrl: string): boolean {
  const { hostname: host, searchParams } = new URL(databaseUrl);
  const named = searchParams.get('host') ?? host;
  return named === '' || named.startsWith('/') || named === 'localhost' || named === '::1' || named.startsWith('127.');
}

const PackageFile = Type.Object({ version: Type.String() });

function programVersion(): string {
  const file = path.join(import.meta.dirname, '..', 'package.json');
  return Parse(PackageFile, JSON.parse(readFileSync(file, 'utf8'))).version;
}

/** What a person on this machine types; an address that stands for all of them is none to go to. */
function shownHost(host: string): string {
  if (['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host)) return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
