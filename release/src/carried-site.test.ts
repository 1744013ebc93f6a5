import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyBundle } from './bundle-import.ts';
import { openCarriedSite } from './carried-site.ts';
import { prepareRotation } from './rotate-root.ts';
import { codes, newRepository, now, publish, removeTeams, sign, type Team, value } from './testing/signing-team.ts';

let team: Team;
let server: Server;
let url = '';
const asked: string[] = [];
beforeAll(async () => {
  team = await newRepository();
  const request = value(await prepareRotation({ repositoryDirectory: team.directory, rotation: {}, now }));
  value(await publish(team, sign(request, team.root.ann, team.root.bob)));
  server = createServer((incoming, reply) => {
    asked.push(incoming.url ?? '');
    if (incoming.url?.startsWith('/broken/') === true) return reply.writeHead(500).end();
    if (incoming.url?.startsWith('/endless/') === true) {
      const more = (): void => {
        while (reply.write('x'.repeat(65_536)));
      };
      reply.on('drain', more).on('error', () => undefined);
      return more();
    }
    const file = path.join(team.directory, decodeURIComponent(incoming.url ?? '').replace(/^\/releases/, ''));
    readFile(file).then(
      (bytes) => reply.end(bytes),
      () => reply.writeHead(403).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('not listening');
  url = `http://127.0.0.1:${bound.port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await removeTeams();
});

const importFrom = (at: string) => verifyBundle({ files: openCarriedSite(at), name: at, trust: undefined });

test('a repository is read from any static file server, and verified like one that was carried', async () => {
  const { verified, files } = value(await importFrom(`${url}/releases`));
  expect(verified.releases.map(({ platformVersion }) => platformVersion)).toEqual(['4.1.12']);
  expect(Object.keys(files.metadata).toSorted()).toEqual([
    '1.root.json',
    '1.targets.json',
    '2.root.json',
    '2.snapshot.json',
    'timestamp.json',
  ]);
});

test('where there is none, that is said', async () => {
  expect(codes(await importFrom(`${url}/nowhere/`))).toEqual(['repository-missing']);
});

test('a server that fails is not one that has nothing', async () => {
  await expect(importFrom(`${url}/broken`)).rejects.toThrow('cannot be fetched');
  await expect(importFrom('http://127.0.0.1:1/')).rejects.toThrow('cannot be fetched');
});

test('no more is read than was asked for, and nothing beside the folder', async () => {
  const site = openCarriedSite(`${url}/endless`);
  expect((await site.read('metadata/timestamp.json', 1000))?.length).toBeLessThan(1_000_000);
  asked.length = 0;
  expect(await openCarriedSite(`${url}/releases`).read('../keys/root.key.json', 1000)).toBeUndefined();
  expect(asked).toEqual([]);
});
