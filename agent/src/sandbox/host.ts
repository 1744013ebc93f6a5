/**
 * The sandbox: one simulated cluster for each gateway of `gateways.json`, guard and agents in it as processes, their
 * calls on one socket, and the socket on which somebody makes trouble. Everything in it ends with it.
 */

import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Milliseconds } from '@gatehouse/domain/instant';
import { systemClock } from '../clock.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { serveCalls } from '../cluster/simulated/serve-calls.ts';
import {
  createSimulatedCluster,
  type SimulatedCluster,
  type SimulatedPace,
} from '../cluster/simulated/simulated-cluster.ts';
import { type Log, messageOf } from '../log.ts';
import { isSabotaged } from './break.ts';
import { createBundleFolder } from './bundle-folder.ts';
import { type ClusterFile, createClusterFile } from './cluster-file.ts';
import { serveControl } from './control-socket.ts';
import { parseGatewaysFile, type SandboxGateway } from './gateways-file.ts';
import { installedAgain, isOfGateway, newGatewayState, timingsOf } from './installation.ts';
import { createProcessPods } from './process-pods.ts';
import { openProcessRecord, type ProcessRecord } from './process-record.ts';
import { openSandboxReleases, type SandboxReleases } from './sandbox-releases.ts';

export interface Sandbox {
  readonly gateways: readonly string[];
  /** Ends every process and writes down how the clusters are. */
  stop(): Promise<void>;
}

/** Quick enough to be watched, slow enough for a process to start on a busy laptop. */
const sandboxPace: SimulatedPace = {
  kubelet: { probeEvery: 500, firstRestartAfter: 500, backOff: 2_000, backOffMax: 15_000, grace: 5_000 },
  controllerDelay: 50,
  machineSecond: 350,
};

const retryAfter: Milliseconds = 1_000;

/** Rejects when another sandbox runs in the folder, or its files are not what they must be. */
export async function startSandbox(input: {
  readonly server: URL;
  /** The sandbox's folder, in which the control plane wrote `gateways.json`. */
  readonly directory: string;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<Sandbox> {
  const { directory } = input;
  const file = path.join(directory, 'gateways.json');
  const gateways = parseGatewaysFile(await readFile(file, 'utf8'), file);
  const running = new Map<string, { readonly cluster: SimulatedCluster; readonly file: ClusterFile }>();
  const controlPath = path.join(directory, 'control.sock');
  if (await answers(controlPath)) throw new Error(`A sandbox already runs in ${directory}.`);

  const runPrefix = path.join(tmpdir(), 'gatehouse-sandbox-');
  const run = await mkdtemp(runPrefix);
  const connections = new Map<string, Cluster>();
  const callSocketPath = path.join(run, 'calls.sock');
  const calls = await serveCalls(callSocketPath, (token) => connections.get(token));
  const socketPath = await placeSocket(controlPath, run);
  const control = await serveControl(socketPath, (name) => {
    const found = running.get(name);
    return found && { cluster: found.cluster, keep: () => found.file.keep(found.cluster.read()) };
  });
  const bundleDirectory = path.join(directory, 'bundles');
  await mkdir(bundleDirectory, { recursive: true, mode: 0o700 });
  const record = openProcessRecord(path.join(directory, 'processes.json'), { marker: bundleDirectory, run, runPrefix });

  const start = (gateway: SandboxGateway) =>
    startGateway({ ...input, gateway, run, bundleDirectory, record, callSocketPath, connections });
  const starting = gateways.map(async (gateway) => {
    const started = await start(gateway);
    if (started !== undefined) running.set(gateway.name, started);
  });
  const started = Promise.all(starting);
  // Whoever stops it in the middle waits for what has begun.
  started.catch((error: unknown) => input.log('error', 'sandbox-gateway-failed', { message: messageOf(error) }));

  return {
    gateways: gateways.map(({ name }) => name),
    async stop() {
      await started.catch(() => undefined);
      await Promise.all(
        [...running.values()].map(async ({ cluster, file: states }) => {
          await cluster.stop();
          await states.close(cluster.read());
        }),
      );
      await Promise.all([control.close(), calls.close()]);
      await rm(controlPath, { force: true });
      await rm(run, { recursive: true, force: true });
    },
  };
}

interface StartGateway {
  readonly server: URL;
  readonly directory: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly gateway: SandboxGateway;
  readonly run: string;
  readonly bundleDirectory: string;
  readonly record: ProcessRecord;
  readonly callSocketPath: string;
  readonly connections: Map<string, Cluster>;
}

/** Undefined when the sandbox was stopped before the gateway could be made. */
async function startGateway(
  given: StartGateway,
): Promise<{ readonly cluster: SimulatedCluster; readonly file: ClusterFile } | undefined> {
  const { gateway, directory, log, server, connections } = given;
  const folder = path.join(directory, 'clusters', gateway.name);
  const file = createClusterFile(path.join(folder, 'state.json'), (error) =>
    log('error', 'sandbox-state-not-written', { gateway: gateway.name, message: messageOf(error) }),
  );
  const kept = await file.read();
  const known = kept !== undefined && isOfGateway(kept, gateway) ? kept : undefined;
  const releases = await openSandboxReleases({
    server,
    root: Buffer.from(gateway.root, 'base64'),
    ...(gateway.serverCa === undefined ? {} : { serverCa: gateway.serverCa }),
  });
  const first = known === undefined ? await firstInstallation(given, releases) : undefined;
  const before = known ?? (first && newGatewayState(gateway, first, systemClock.wall()));
  if (before === undefined) {
    await releases.close();
    return undefined;
  }

  const print = openPodLog(path.join(folder, 'pods.log'));
  const cluster: SimulatedCluster = createSimulatedCluster({
    clock: systemClock,
    state: installedAgain(before, gateway, server),
    pace: sandboxPace,
    runtime: createProcessPods({
      bundles: createBundleFolder(given.bundleDirectory, (release) => releases.bundle(release)),
      record: given.record,
      socketDirectory: given.run,
      callSocketPath: given.callSocketPath,
      grant(podName, token) {
        connections.set(token, cluster.connect(podName));
        return () => connections.delete(token);
      },
      timings: timingsOf(gateway),
      isSabotaged: (order) => isSabotaged(cluster.read(), order),
      onLine: print,
    }),
  });
  cluster.onChange(() => file.changed(cluster.read()));
  if (first !== undefined) cluster.installGuard(first.agent, first.repository);
  log('info', 'sandbox-gateway-started', { gateway: gateway.name, isNew: first !== undefined });
  return { cluster, file };
}

/** Waits for the control plane, which starts at the same time. */
async function firstInstallation(
  { gateway, log, signal }: StartGateway,
  releases: SandboxReleases,
): Promise<Awaited<ReturnType<SandboxReleases['firstInstallation']>> | undefined> {
  let said = '';
  while (!signal.aborted) {
    try {
      return await releases.firstInstallation(gateway);
    } catch (error) {
      const message = messageOf(error);
      if (message !== said) log('info', 'sandbox-gateway-waits', { gateway: gateway.name, message });
      said = message;
    }
    await systemClock.sleep(retryAfter, signal);
  }
  return undefined;
}

const podLogBytesMax = 5_000_000;

/** The output of a gateway's pods, for whoever wants to look; the former part of it is kept once. */
function openPodLog(file: string): (podName: string, line: string) => void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  return (podName, line) => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size > podLogBytesMax) renameSync(file, `${file}.1`);
    appendFileSync(file, `${podName} ${line}\n`, { mode: 0o600 });
  };
}

/** A unix socket's path may be 108 bytes long, on some systems 104. */
const socketPathMax = 100;

/** Where to listen for what `wanted` names: there, or, when that is too long, in `run` with a link to it. */
async function placeSocket(wanted: string, run: string): Promise<string> {
  if (await lstat(wanted).catch(() => undefined)) await rm(wanted);
  if (Buffer.byteLength(wanted) <= socketPathMax) return wanted;
  const short = path.join(run, 'control.sock');
  await symlink(short, wanted);
  return short;
}

async function answers(socketPath: string): Promise<boolean> {
  const target = await lstat(socketPath).catch(() => undefined);
  if (target === undefined) return false;
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const end = (is: boolean) => (): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}
