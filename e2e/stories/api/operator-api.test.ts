/**
 * The operator API against its own OpenAPI document: schemathesis makes requests from it, those that fit and those that do
 * not, as three roles, and judges every reply by it with all the checks that it has.
 */

import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import { generateKeys } from '@gatehouse/release/keys';
import { reasonsText } from '@gatehouse/release/outcome';
import { publishRelease } from '@gatehouse/release/publish-release';
import { readRepositoryFiles } from '@gatehouse/release/release-import';
import { sampleSource } from '@gatehouse/release/sample-releases';
import { createGateway, runningCli, runningExistingCluster, withProfileUpdate } from '@gatehouse/server/testing/fleet';
import type { Caller } from '@gatehouse/server/testing/world';
import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import type { TestDatabase } from '@gatehouse/testkit/postgres';
import { createProvidedDatabase } from '@gatehouse/testkit/provided-postgres';
import { providedSchemathesis } from '@gatehouse/testkit/provided-schemathesis';
import { startServer, type TestServer } from '@gatehouse/testkit/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { member } from '../../src/json.ts';
import { repositoryRoot, run } from '../../src/program.ts';

/** Requests made at random for an operation, and chains of requests that follow from each other's replies. */
const examples = Number(process.env['GATEHOUSE_API_EXAMPLES'] ?? faultRounds({ whole: 500, short: 3 }));
const isWhole = examples >= 100;
const minute = 60_000;
/** Those that may be deleted. */
const sites = Array.from({ length: 12 }, (_, index) => `site-${index}`);

let scratch: string;
let database: TestDatabase;
let server: TestServer;
let caller: Caller;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'gatehouse-api-'));
  database = await createProvidedDatabase();
  server = await startServer({ databaseUrl: database.url });
  caller = callerOf(server);
  for (const version of ['4.1.12', '4.2.7'] as const) await publish(version);
  await call201('/v1/projects', { name: 'main' });
  for (const name of sites) await createGateway(caller, { name, project: 'main' });
  await runningExistingCluster(caller, 'site-c');
});
afterAll(async () => {
  await server?.stop();
  await database?.drop();
  await rm(scratch, { recursive: true, force: true });
});

function callerOf({ url, adminToken }: TestServer): Caller {
  return {
    async call(method, address, { body, headers, token = adminToken } = {}) {
      const reply = await fetch(`${url}${address}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await reply.text();
      return {
        status: reply.status,
        headers: Object.fromEntries(reply.headers),
        body: text === '' ? undefined : JSON.parse(text),
      };
    },
  };
}

async function publish(version: '4.1.12' | '4.2.7'): Promise<void> {
  const keysDirectory = path.join(scratch, 'keys');
  const repositoryDirectory = path.join(scratch, 'repository');
  if (version === '4.1.12') await generateKeys(keysDirectory);
  const made = await publishRelease({
    repositoryDirectory,
    keysDirectory,
    source: sampleSource(version),
    agentBundle: Buffer.from(`the agent ${version} of a test`),
    now: new Date(),
  });
  if (made.kind === 'refused') throw new Error(reasonsText(made.reasons));
  const files = await readRepositoryFiles(repositoryDirectory);
  if (files.kind === 'refused') throw new Error(reasonsText(files.reasons));
  expect(await caller.call('POST', '/v1/releases/import', { body: files.value })).toMatchObject({ status: 200 });
}

async function call201(address: string, body: object): Promise<unknown> {
  const reply = await caller.call('POST', address, { body });
  expect(reply).toMatchObject({ status: 201 });
  return reply.body;
}

const roles = [
  { name: 'viewer', role: 'Viewer' },
  { name: 'operator', role: 'Operator', tenant: 'default', project: 'main' },
  // Last: only this one can change what the others would see.
  { name: 'admin-of-run', role: 'Platform Admin' },
] as const;

/**
 * One start of schemathesis for each, so that a run which is broken off keeps what it did and goes on with
 * `npm run test:api -- -t 'viewer: …'`. A short run makes one of all: most of its time would be starts.
 */
interface Part {
  readonly title: string;
  readonly phases: string;
  readonly only: readonly string[];
}
const operationsInPart = 5;

function partsOf(who: (typeof roles)[number]): readonly Part[] {
  // `coverage` tries every limit of every schema: 3,000 requests, of which a short run makes those of the Platform Admin.
  if (!isWhole) {
    const phases = who.name === 'admin-of-run' ? 'examples,coverage,fuzzing,stateful' : 'examples,fuzzing,stateful';
    return [{ title: 'all operations', phases, only: [] }];
  }
  const phases = 'examples,coverage,fuzzing';
  const names = Object.keys(operatorRoutes);
  const ofOperators = Array.from({ length: Math.ceil(names.length / operationsInPart) }, (_, index) => {
    const some = names.slice(index * operationsInPart, (index + 1) * operationsInPart);
    return { title: some.join(', '), phases, only: some.flatMap((name) => ['--include-operation-id', name]) };
  });
  return [
    ...ofOperators,
    { title: 'what agents call', phases, only: ['--include-tag', 'agent'] },
    { title: 'requests that follow from replies', phases: 'stateful', only: [] },
  ];
}

beforeAll(async () => {
  // Replies that are rare have their turn: a gateway with a profile update, paused, on a recalled release.
  const agent = await runningCli(caller, 'site-d');
  // The platform moves when every gateway has settled, or is no more.
  for (const name of [...sites, 'site-c']) await caller.call('DELETE', `/v1/gateways/${name}`);
  await withProfileUpdate(caller, agent);
  for (const name of sites) await createGateway(caller, { name, project: 'main' });
  const pause = { scope: 'gateway', name: 'site-d', reason: 'a freeze' };
  expect(await caller.call('POST', '/v1/pauses', { body: pause })).toMatchObject({ status: 200 });
});

describe.each(roles)('$name finds nothing that the document does not say', (who) => {
  let token: string;
  beforeAll(async () => {
    token = String(member(await call201('/v1/tokens', who), 'token'));
  });

  test.each(partsOf(who))(
    `${who.name}: $title`,
    async ({ phases, only }) => {
      const { exitCode, stdout, stderr } = await run(
        providedSchemathesis(),
        [
          ['run', `${server.url}/v1/openapi.json`, ...only],
          ['--header', `Authorization: Bearer ${token}`],
          ['--phases', phases, '--checks', 'all', '--continue-on-failure', '--max-examples', String(examples)],
          ['--generation-database', 'none', '--no-color', '--request-timeout', '60'],
          // What schemathesis makes is checked; how fast it makes it depends on the machine.
          ['--suppress-health-check', 'all'],
          // A short run asks the same each time, as far as replies are the same; a whole one is there to find what is new.
          isWhole ? [] : ['--seed', '1'],
        ].flat(),
        {
          cwd: scratch,
          env: {
            SCHEMATHESIS_HOOKS: path.join(repositoryRoot, 'testkit', 'schemathesis', 'hooks.py'),
            GATEHOUSE_GATEWAYS: ['site-d', ...sites].join(','),
            GATEHOUSE_OWN_TOKENS: ['admin', ...roles.map(({ name }) => name)].join(','),
          },
          timeoutSeconds: isWhole ? 10_800 : 540,
        },
      );
      expect(exitCode, `${stdout}\n${stderr}`).toBe(0);
      await keepReport(who.name, stdout);
      // Nobody took its token away, and the server is the same one.
      expect(await caller.call('GET', '/v1/me', { token })).toMatchObject({ status: 200, body: { name: who.name } });
      expect(faultsIn(server.output())).toEqual([]);
    },
    isWhole ? 185 * minute : 10 * minute,
  );
});

/** How many requests were made is in what schemathesis prints; a run that passes shows none of it. */
async function keepReport(name: string, printed: string): Promise<void> {
  const file = process.env['GATEHOUSE_API_REPORT'];
  if (file !== undefined) await appendFile(file, `=== ${name}\n${printed}\n`);
}

/** What the server itself calls the failure of a request. A machine so busy that PostgreSQL is late is none. */
const faultsIn = (log: string): readonly string[] =>
  log.split('\n').filter((line) => {
    if (!line.startsWith('{')) return false;
    const entry: unknown = JSON.parse(line);
    return Number(member(entry, 'level')) >= 50 && member(entry, 'reqId') !== undefined;
  });
