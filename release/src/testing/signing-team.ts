/** A repository that two of three people sign, each with keys of their own: what tests of signing stand on. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { SigningKey } from '../key-file.ts';
import { generateKey, generateKeys, openKey, readKeyFolder } from '../keys.ts';
import type { Outcome } from '../outcome.ts';
import { prepareRelease } from '../publish-release.ts';
import { publishRequest } from '../publish-request.ts';
import { sampleSource } from '../sample-releases.ts';
import { type SigningRequest, signRequest } from '../signing-request.ts';
import { openTrustedReleases } from '../trusted-releases.ts';
import { readRepository } from '../tuf-repository.ts';

export const now = new Date();
export const later = (days: number): Date => new Date(now.getTime() + days * 86_400_000);

const scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-team-'));
export const removeTeams = (): Promise<void> => rm(scratch, { recursive: true, force: true });

let counter = 0;
/** A path that nothing has yet. */
export function fresh(name: string): string {
  counter += 1;
  return path.join(scratch, `${counter}-${name}`);
}

export function value<Value>(outcome: Outcome<Value>): Value {
  if (outcome.kind === 'refused') throw new Error(JSON.stringify(outcome.reasons));
  return outcome.value;
}

export const codes = (outcome: Outcome<unknown>): readonly string[] =>
  outcome.kind === 'refused' ? outcome.reasons.map(({ code }) => code) : [];

type Person = 'ann' | 'bob' | 'eve';
export interface Team {
  readonly directory: string;
  readonly keysDirectory: string;
  readonly root: Readonly<Record<Person, SigningKey>>;
  readonly targets: Readonly<Record<Person, SigningKey>>;
}

export async function newKey(role: 'root' | 'targets'): Promise<SigningKey> {
  const file = path.join(fresh('signer'), 'x.key.json');
  value(await generateKey({ file, role }));
  return value(await openKey(file));
}

/** Two of three sign root and targets, each at home; nothing is published yet. */
export async function newTeam(): Promise<Team> {
  const people = async (role: 'root' | 'targets') => ({
    ann: await newKey(role),
    bob: await newKey(role),
    eve: await newKey(role),
  });
  const [root, targets] = [await people('root'), await people('targets')];
  const keysDirectory = fresh('keys');
  value(await generateKeys(keysDirectory, { publicKeys: [...Object.values(root), ...Object.values(targets)] }));
  return { directory: fresh('repository'), keysDirectory, root, targets };
}

export const orderOf = ({ directory, keysDirectory }: Team) => ({ repositoryDirectory: directory, keysDirectory, now });
export async function prepare(team: Team, version: '4.1.12' | '4.2.7' = '4.1.12'): Promise<SigningRequest> {
  const agentBundle = Buffer.from(`the agent ${version}`);
  return value(await prepareRelease({ ...orderOf(team), source: sampleSource(version), agentBundle })).request;
}
export async function onlineKeys({ keysDirectory }: Team): Promise<readonly SigningKey[]> {
  return value(await (await readKeyFolder(keysDirectory)).open(['snapshot', 'timestamp']));
}
export async function publish(team: Team, request: SigningRequest, at = now) {
  return publishRequest({ directory: team.directory, request, keys: await onlineKeys(team), now: at });
}
export const sign = (request: SigningRequest, ...keys: readonly SigningKey[]) => value(signRequest(request, keys));
export async function newRepository(): Promise<Team> {
  const team = await newTeam();
  const { root, targets } = team;
  value(await publish(team, sign(await prepare(team), root.ann, root.bob, targets.ann, targets.bob)));
  return team;
}

export async function versions({ directory }: Team): Promise<readonly number[]> {
  const { root, targets, snapshot, timestamp } = value(await readRepository(directory));
  return [root, targets, snapshot, timestamp].map(({ signed }) => signed.version);
}

/** As an agent reads it, installed with the first root. */
export async function asAgent({ directory }: Team) {
  const trusted = value(
    await openTrustedReleases({
      root: await readFile(path.join(directory, 'metadata', '1.root.json')),
      fetchFile: async (kind, file) => readFile(path.join(directory, kind, file)).catch(() => undefined),
    }),
  );
  return trusted.refresh();
}
