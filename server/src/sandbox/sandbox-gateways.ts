/**
 * What a sandbox control plane has at its first start: the sample releases with the platform on the older one, and three
 * gateways. The sandbox program is told of them through a file that only the starter of Gatehouse can read.
 */

import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeRepositoryFiles, readRepositoryFiles } from '@gatehouse/release/release-import';
import { ensureSampleReleases, type SampleReleases } from '@gatehouse/release/sample-releases';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import { selectAgentIdentity } from '../agents/agent.store.ts';
import { makeGateway } from '../gateways/gateway.command.ts';
import { selectGatewaysNamed, updateGateway } from '../gateways/gateway.store.ts';
import { issueRegistrationToken } from '../gateways/install.ts';
import { done } from '../http/answer.ts';
import type { Services } from '../http/services.ts';
import { defaultTenantName } from '../identity/access.ts';
import { importReleases } from '../releases/import-releases.ts';
import { lockPlatform, selectPlatform, updatePlatform } from '../releases/release.store.ts';
import { selectProjectByName, selectTenantByName } from '../tenants/tenant.store.ts';
import { doWork, type Work } from '../work/work.ts';

export const firstVersion = '4.1.12';
const actor = 'sandbox';

const gateways = [
  { name: 'sandbox-vsphere', installation: 'cli', provider: 'vsphere', controlPlanes: 3, workers: 2 },
  { name: 'sandbox-maas', installation: 'cli', provider: 'maas', controlPlanes: 1, workers: 0 },
  { name: 'sandbox-openstack', installation: 'existing-cluster', provider: 'openstack', controlPlanes: 3, workers: 2 },
] as const;

/** What the sandbox program reads of each gateway. */
export const SandboxGateway = Type.Object({
  name: Type.String(),
  gatewayId: Type.String(),
  installation: Type.Enum(['cli', 'existing-cluster']),
  provider: Type.String(),
  controlPlanes: Type.Integer(),
  workers: Type.Integer(),
  /** Works once, for a day; the agent that has enrolled needs it no more. */
  registrationToken: Type.String(),
  /** `1.root.json`, base64. */
  root: Type.String(),
});
export type SandboxGateway = Static<typeof SandboxGateway>;

/** This directory was started with the sandbox before and now without, or the other way round. */
export class SandboxMismatch extends Error {
  override readonly name = 'SandboxMismatch';
}

/** A control plane has one root of trust, so it stays what it was begun as. */
export async function checkSandbox({ db }: Services, isSandbox: boolean): Promise<void> {
  const platform = await selectPlatform(db);
  if (platform.isSandbox === isSandbox) return;
  if (platform.isSandbox) {
    throw new SandboxMismatch(
      'This database belongs to a sandbox control plane. Start it without --no-sandbox, or use another --data directory and DATABASE_URL.',
    );
  }
  if (platform.version !== undefined) {
    throw new SandboxMismatch(
      'This database belongs to a control plane with releases of its own. Start it with --no-sandbox, or use another --data directory and DATABASE_URL.',
    );
  }
}

export async function ensureSandbox(services: Services, directory: string, agentEntry: string): Promise<void> {
  const now = services.now();
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const samples = await ensureSampleReleases({
    directory: path.join(directory, 'releases'),
    agentEntry,
    now: new Date(now),
  });
  const files = await readSamples(samples);
  const told = path.join(directory, 'gateways.json');
  const before = await readGateways(told);
  const answer = await doWork({ db: services.db, now, requestId: 'start' }, async (work) => {
    const platform = await lockPlatform(work.tx);
    if (!platform.isSandbox) await updatePlatform(work.tx, { isSandbox: true, now });
    if (platform.version === undefined) {
      const { programVersion } = services;
      const imported = await importReleases(work, { files, programVersion, actor, firstVersion });
      if (imported.kind === 'refused') throw new Error(`the sample releases were refused: ${imported.detail}`);
    }
    const root = Buffer.from(samples.root).toString('base64');
    const all: SandboxGateway[] = [];
    for (const gateway of gateways) all.push(await ensureGateway(work, gateway, root, before));
    return done(all);
  });
  if (answer.kind === 'refused') throw new Error(answer.detail);
  await writeFile(`${told}.unfinished`, `${JSON.stringify(answer.reply, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${told}.unfinished`, told);
}

async function readSamples(samples: SampleReleases) {
  const encoded = await readRepositoryFiles(samples.repositoryDirectory);
  const files = encoded.kind === 'ok' ? decodeRepositoryFiles(encoded.value) : encoded;
  if (files.kind === 'ok') return files.value;
  throw new Error(`the sample releases cannot be read: ${files.reasons.map(({ message }) => message).join(' ')}`);
}

async function readGateways(file: string): Promise<readonly SandboxGateway[]> {
  if (!existsSync(file)) return [];
  const value: unknown = JSON.parse(await readFile(file, 'utf8'));
  return Check(Type.Array(SandboxGateway), value) ? value : [];
}

async function ensureGateway(
  work: Work,
  gateway: (typeof gateways)[number],
  root: string,
  before: readonly SandboxGateway[],
): Promise<SandboxGateway> {
  const { tx, now } = work;
  const tenant = await selectTenantByName(tx, defaultTenantName);
  if (tenant === undefined) throw new Error('there is no default tenant');
  const project = await selectProjectByName(tx, { tenantId: tenant.id, name: 'default' });
  const place = { tenant, ...(project === undefined ? {} : { project }) };
  const [found] = await selectGatewaysNamed(tx, { nameOrId: gateway.name, tenantId: tenant.id });
  const row = found ?? (await makeGateway(work, { ...gateway, place, isSandbox: true, actor }));
  if (row === undefined) throw new Error(`the sandbox gateway ${gateway.name} cannot be made`);
  if (found === undefined && gateway.installation === 'cli') {
    await updateGateway(tx, row.id, { initial_release: firstVersion, provisioning_begun_at: new Date(now) });
  }
  const isEnrolled = (await selectAgentIdentity(tx, row.id)) !== undefined;
  const known = before.find(({ gatewayId }) => gatewayId === row.id)?.registrationToken;
  // One that has enrolled needs none; a gateway whose agent lost its key gets a fresh one with its file.
  const registrationToken =
    isEnrolled && known !== undefined ? known : (await issueRegistrationToken(work, row.id)).token;
  const { name, installation, provider, controlPlanes, workers } = gateway;
  return { name, gatewayId: row.id, installation, provider, controlPlanes, workers, registrationToken, root };
}
