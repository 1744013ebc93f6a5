/**
 * A control plane on a database of its own, reached through its public door: the HTTP routes, in this process. Its clock
 * stands still unless a test moves it. Beside it signed releases, callers with a role each, and an agent that says what
 * it is told to say.
 */

import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addMilliseconds, type Instant, toInstant } from '@gatehouse/domain/instant';
import type { Timings } from '@gatehouse/domain/timings';
import { generateKeys } from '@gatehouse/release/keys';
import { publishRecall } from '@gatehouse/release/publish-recall';
import { publishRelease } from '@gatehouse/release/publish-release';
import type { ReleaseSource } from '@gatehouse/release/release-builder';
import { type EncodedRepositoryFiles, readRepositoryFiles } from '@gatehouse/release/release-import';
import { sampleSource } from '@gatehouse/release/sample-releases';
import type { InjectOptions } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../control-plane.ts';
import { ensureAdminToken } from '../first-start.ts';
import { createLogger } from '../logger.ts';
import { failPointNames, startStep } from '../work/fail-points.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Parsed JSON, or undefined when there is none. What a test reads of it, it states. */
  readonly body: unknown;
}

/** The body as a schema of the contract says; throws with what does not fit. */
export function bodyAs<Schema extends TSchema>(schema: Schema, { status, body }: Reply): Static<Schema> {
  if (Check(schema, body)) return body;
  throw new Error(`not the expected reply: status ${status}, ${JSON.stringify(body)}`);
}

export interface Call {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: nobody. */
  readonly token?: string | null;
  readonly remoteAddress?: string;
}

export interface MoreOfRelease {
  /** It names no edges, so the rule of thumb holds. */
  readonly hasNoEdges?: boolean;
}

/** Who asks a control plane, in this process or over the network. */
export interface Caller {
  /** With the admin's token unless another is given. */
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', address: string, call?: Call): Promise<Reply>;
}

export interface World extends Caller {
  readonly plane: ControlPlane;
  readonly adminToken: string;
  readonly url: string;
  /** Names of the fail points that were passed. One that is in no list, and a write without a name, are errors. */
  readonly passedFailPoints: ReadonlySet<string>;
  now(): Instant;
  advance(milliseconds: number): void;
  /** Publishes and imports it; the first one sets the platform's version. */
  release(version: '4.1.12' | '4.2.7', change?: Partial<ReleaseSource>, more?: MoreOfRelease): Promise<Reply>;
  /** The publisher marks it bad in signed metadata; imported. */
  recall(version: string, reason: string): Promise<Reply>;
  /** What the publisher has published: the body of an import. */
  published(): Promise<EncodedRepositoryFiles>;
  /** The same, imported again. */
  importAgain(): Promise<Reply>;
  close(): Promise<void>;
}

export interface StartWorld {
  readonly databaseUrl: string;
  /** Gets everything that is logged, at every level, as it would leave the program. */
  readonly logTo?: (text: string) => void;
  readonly timings?: Timings;
  /** How notifications leave the control plane. */
  readonly sending?: Pick<ControlPlaneOptions, 'mail' | 'webhooksAllowed'>;
}

export async function startWorld({ databaseUrl, timings, logTo, sending }: StartWorld): Promise<World> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-world-'));
  let offset = 0;
  const startedAt = Date.now();
  const now = (): Instant => toInstant(startedAt + offset);
  const passedFailPoints = new Set<string>();
  const failPoints = {
    async reach(name: string): Promise<void> {
      if (!failPointNames.includes(name)) throw new Error(`the fail point ${name} is in no list`);
      passedFailPoints.add(name);
    },
  };
  const plane = await startControlPlane({
    databaseUrl,
    logger:
      logTo === undefined ? createLogger(process.env['LOG_LEVEL'] ?? 'fatal') : createLogger('trace', { write: logTo }),
    publicUrl: 'https://gatehouse.example',
    now,
    ...sending,
    ...(timings === undefined ? {} : { timings }),
    failPoints,
  });
  await startStep(failPoints, 'start-admin-token', () => ensureAdminToken(plane.services.db, directory, now()));
  const adminToken = readFileSync(path.join(directory, 'admin-token'), 'utf8').trim();
  const keysDirectory = path.join(directory, 'keys');
  await generateKeys(keysDirectory);
  const repositoryDirectory = path.join(directory, 'repository');

  async function call(method: InjectOptions['method'], address: string, options: Call = {}): Promise<Reply> {
    const { body, headers, token = adminToken, remoteAddress } = options;
    const reply = await plane.http.inject({
      method: method ?? 'GET',
      url: address,
      ...(remoteAddress === undefined ? {} : { remoteAddress }),
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    // What it writes by the second would otherwise be there or not, as chance has it.
    if (address === '/v1/agent/poll') await plane.writePollTimes();
    return { status: reply.statusCode, headers: reply.headers, body: parse(reply.body) };
  }

  async function published(): Promise<EncodedRepositoryFiles> {
    const files = await readRepositoryFiles(repositoryDirectory);
    if (files.kind === 'refused') throw new Error(JSON.stringify(files.reasons));
    return files.value;
  }
  const importAgain = async (): Promise<Reply> => call('POST', '/v1/releases/import', { body: await published() });

  return {
    plane,
    adminToken,
    url: databaseUrl,
    passedFailPoints,
    now,
    call,
    advance(milliseconds) {
      offset = addMilliseconds(toInstant(offset), milliseconds);
    },
    async release(version, change = {}, { hasNoEdges = false } = {}) {
      const { upgradeFrom, ...source } = { ...sampleSource(version), ...change };
      const made = await publishRelease({
        repositoryDirectory,
        keysDirectory,
        source: { ...source, ...(hasNoEdges || upgradeFrom === undefined ? {} : { upgradeFrom }) },
        // An agent with a digest of its own comes without one.
        ...(change.agent?.digest === undefined
          ? { agentBundle: Buffer.from(`the agent ${source.platformVersion} of a test`) }
          : {}),
        now: new Date(),
      });
      if (made.kind === 'refused') throw new Error(JSON.stringify(made.reasons));
      return importAgain();
    },
    async recall(version, reason) {
      const made = await publishRecall({ repositoryDirectory, keysDirectory, version, reason, now: new Date() });
      if (made.kind === 'refused') throw new Error(JSON.stringify(made.reasons));
      return importAgain();
    },
    published,
    importAgain,
    async close() {
      await plane.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text; // A manifest, metrics, a page.
  }
}
