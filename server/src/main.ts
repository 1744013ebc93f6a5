/** The control plane as a program: reads its command line, puts everything together, and ends it in order. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { FailPointsInvalid } from '@gatehouse/release/fail-point';
import { type Arguments, parseArguments, UsageError, usage } from './arguments.ts';
import { askedTimings } from './asked-timings.ts';
import { ensureConsole } from './console/ensure-console.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { WaitInterrupted } from './database/await-database.ts';
import { type DataDirectory, DirectoryInUse, openDataDirectory } from './database/data-directory.ts';
import { sqlStateOf } from './database/database-fault.ts';
import { DatabaseUnavailable } from './database/database-unavailable.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './database/embedded-postgres.ts';
import { ensureAdminToken, makeSignInLink } from './first-start.ts';
import { answerWhileStarting, type WhileStarting } from './http/while-starting.ts';
import { createLogger } from './logger.ts';
import { checkSandbox, ensureSandbox, SandboxMismatch } from './sandbox/sandbox-gateways.ts';
import { runSandbox, type SandboxProgram } from './sandbox/sandbox-program.ts';
import { readServerFailPoints, startStep } from './work/fail-points.ts';

const repository = path.join(import.meta.dirname, '..', '..');
const agentEntry = path.join(repository, 'agent', 'src', 'main.ts');
const sandboxEntry = path.join(repository, 'agent', 'src', 'sandbox', 'main.ts');

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** What has been started, in the order in which it ends. */
interface Started {
  whileStarting?: WhileStarting;
  sandbox?: SandboxProgram;
  controlPlane?: ControlPlane;
  postgres?: EmbeddedPostgres;
  directory?: DataDirectory;
}

const started: Started = {};
let isEnding = false;
let ending: Promise<void> | undefined;
const hurry = new AbortController();
const told = new AbortController();
const endMillisecondsMax = 9_800;
let starting: Promise<void> = Promise.resolve();

/** It was told to end before it was ready. */
class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Between two steps of a start: what has been started by then is ended in order, and nothing more is begun. */
function goOn(): void {
  if (isEnding) throw new Interrupted('told to end before it was ready');
}

async function start(args: Arguments, started: Started): Promise<void> {
  const logger = createLogger();
  const failPoints = readServerFailPoints(process.env);
  if (failPoints !== undefined) say('Warning: fail points are on; this control plane is to be killed by a test.');
  started.directory = await openDataDirectory(args.data);
  const data = started.directory.path;
  const tls = args.tls && { cert: await readFile(args.tls.certFile), key: await readFile(args.tls.keyFile) };
  const whileStarting = await answerWhileStarting({ host: args.host, port: args.port, tls });
  started.whileStarting = whileStarting;
  const built = ensureConsole(path.join(repository, 'console'), say);
  const databaseUrl =
    process.env['DATABASE_URL'] || (await startStep(failPoints, 'start-database', () => startDatabase(data, started)));
  goOn();
  const consoleOutcome = await built;
  goOn();
  if (consoleOutcome.kind === 'missing') say(`The console is not there (${consoleOutcome.reason}); the API is.`);
  const controlPlane = await startControlPlane({
    databaseUrl,
    logger,
    ...(args.publicUrl === undefined ? {} : { publicUrl: args.publicUrl }),
    ...(args.publicCaFile === undefined ? {} : { publicCa: await readFile(args.publicCaFile, 'utf8') }),
    timings: askedTimings(args),
    webhooksAllowed: args.webhooksAllowed,
    ...(args.mail === undefined
      ? {}
      : {
          mail: {
            ...args.mail,
            ...(args.mail.caFile === undefined ? {} : { ca: await readFile(args.mail.caFile, 'utf8') }),
          },
        }),
    ...(consoleOutcome.kind === 'ready' ? { consoleDirectory: consoleOutcome.directory } : {}),
    ...(tls === undefined ? {} : { tls }),
    failPoints,
    told: told.signal,
    onWait: ({ code, message, nextStep }) => {
      whileStarting.waitsFor({ code, message, nextStep });
    },
  });
  started.controlPlane = controlPlane;
  goOn();
  const { services, startDatabaseStep } = controlPlane;
  const tokenId = await startDatabaseStep('start-admin-token', async () => {
    await checkSandbox(services, args.isSandbox);
    return ensureAdminToken(services.db, data, services.now());
  });
  const sandboxDirectory = path.join(data, 'sandbox');
  if (args.isSandbox) {
    await startDatabaseStep('start-sandbox-gateways', () => ensureSandbox(services, sandboxDirectory, agentEntry));
  }
  goOn();
  const { url: address } = await startStep(failPoints, 'start-listening', async () => {
    await whileStarting.close();
    return controlPlane.listen({ host: args.host, port: whileStarting.port });
  });
  if (args.isSandbox) {
    started.sandbox = await startStep(failPoints, 'start-sandbox', async () =>
      runSandbox({
        entry: sandboxEntry,
        server: address,
        directory: sandboxDirectory,
        ...(args.tls === undefined ? {} : { extraCaFile: path.resolve(args.publicCaFile ?? args.tls.certFile) }),
        logger,
      }),
    );
  }
  goOn();
  const link = await startDatabaseStep('start-sign-in-link', () =>
    makeSignInLink(services.db, { tokenId, url: address, now: services.now() }),
  );
  say(`Gatehouse is ready at ${address}`);
  say(`Sign in once with this link: ${link}`);
  say(`An API token is in ${path.join(data, 'admin-token')}.`);
  if (args.isSandbox) {
    say(
      'This is a sandbox: its three gateways are real agents on simulated clusters, with sample releases that a sandbox',
    );
    say(
      'root has signed and with polls and settle times of a few seconds. For gateways of your own start with --no-sandbox.',
    );
  }
  if (tls === undefined && !isLoopback(args.host)) {
    say(
      `Warning: ${args.host} speaks plain HTTP. Agents need HTTPS; use --tls-cert and --tls-key, or a proxy in front.`,
    );
  }
}

async function startDatabase(data: string, started: Started): Promise<string> {
  const onTrouble = (line: string): boolean => process.stderr.write(`${line}\n`);
  const postgres = await startEmbeddedPostgres({ directory: data, onTrouble, signal: told.signal }).catch(
    (error: unknown) => {
      goOn(); // That it did not come up is of no interest then.
      throw error;
    },
  );
  started.postgres = postgres;
  return postgres.url;
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

/**
 * In the order in which nothing loses what it stands on, within ten seconds. Asked twice, the second waits for the first,
 * and requests under way are cut off.
 */
function end(code: number): Promise<void> {
  process.exitCode = code;
  if (isEnding) hurry.abort();
  isEnding = true;
  told.abort();
  ending ??= (async () => {
    // Also when what it starts does not end.
    setTimeout(giveUp, endMillisecondsMax).unref();
    await starting.catch(() => undefined); // Said where it was waited for.
    for (const stop of [
      () => started.whileStarting?.close(),
      // What the sandbox's agents ask meanwhile is answered with the word that the server ends.
      () => Promise.all([started.controlPlane?.close({ hurry: hurry.signal }), started.sandbox?.stop()]),
      () => started.postgres?.stop(),
      () => started.directory?.release(),
    ]) {
      try {
        await stop();
      } catch (error) {
        process.stderr.write(
          `While stopping: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
        );
      }
    }
    process.exit();
  })();
  return ending;
}

/** Nothing that hangs may keep the program: what is committed is kept, and the next start finds whatever is left over. */
function giveUp(): void {
  process.stderr.write(`It did not end in order within ${endMillisecondsMax / 1000} s; it ends as it is.\n`);
  process.exit(1);
}

/** What a person at the terminal can do something about is one line; anything else is shown whole. */
function explainFailure(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`;
  if (
    error instanceof DirectoryInUse ||
    error instanceof DatabaseUnavailable ||
    error instanceof SandboxMismatch ||
    error instanceof FailPointsInvalid
  ) {
    return error.message;
  }
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    return 'The port is in use by another program; choose another one with --port.';
  }
  // SQLSTATE class 28: not let in; 3D: no such database. Nobody but a person can put that right, so it is not waited for.
  if (/^(28|3D)/.test(sqlStateOf(error)) && error instanceof Error) {
    return `PostgreSQL does not take this program: ${error.message}. Correct DATABASE_URL, or what PostgreSQL allows it.`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end(0));
try {
  const args = parseArguments(process.argv.slice(2));
  if (args.isHelp) say(usage);
  else {
    starting = start(args, started);
    await starting;
  }
} catch (error) {
  const isInterrupted = error instanceof Interrupted || error instanceof WaitInterrupted;
  if (!isInterrupted) process.stderr.write(`${explainFailure(error)}\n`);
  await end(isInterrupted ? 0 : error instanceof UsageError || error instanceof FailPointsInvalid ? 2 : 1);
}
