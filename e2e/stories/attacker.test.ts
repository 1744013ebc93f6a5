/**
 * Somebody owns the control plane: its program, its disk, its database and its online keys. Every way they try to run
 * something on a gateway that the holders of the release keys have not signed fails, and an operator sees why.
 */

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { attacks } from '../src/attacker/all-attacks.ts';
import type { Attack } from '../src/attacker/attack.ts';
import { installationAttacks } from '../src/attacker/installation-attacks.ts';
import { signedAgent, telling } from '../src/attacker/lies.ts';
import { findMarker, type SandboxGateway, startSandboxGateway } from '../src/attacker/sandbox-gateway.ts';
import { readTable, renderTable } from '../src/attacker/security-page.ts';
import { repositoryRoot, waitFor } from '../src/program.ts';

let gateway: SandboxGateway;

beforeAll(async () => {
  gateway = await startSandboxGateway();
});
afterAll(async () => {
  await gateway?.stop();
});
afterEach(() => {
  gateway.server.lie(undefined);
});

const often = { timeoutSeconds: 30, everyMilliseconds: 50 } as const;
const logged = 'log:';
const nowhere = `{
  "apiVersion": "v1", "kind": "Config", "current-context": "a",
  "clusters": [{ "name": "a", "cluster": { "server": "http://127.0.0.1:9" } }],
  "users": [{ "name": "a", "user": {} }], "contexts": [{ "name": "a", "context": { "cluster": "a", "user": "a" } }]
}`;

const refusalsSince = (since: number): readonly { readonly code: string; readonly message: string }[] =>
  gateway.server
    .polls()
    .filter(({ at }) => at > since)
    .flatMap(({ request }) => request.observation?.agentHolds ?? []);

/** Waits until the agent has reported it, or has written it into its log where nothing could be reported. */
async function waitForRefusal({ refusal }: Attack, since: number, linesBefore: number): Promise<string> {
  const lines = async () => (await gateway.log()).slice(linesBefore);
  const find = async (): Promise<string | undefined> => {
    if (!refusal.startsWith(logged)) return refusalsSince(since).find(({ code }) => code === refusal)?.message;
    const event = `"event":${JSON.stringify(refusal.slice(logged.length))}`;
    return (await lines()).find((line) => line.includes(event));
  };
  try {
    return await waitFor(`the refusal ${refusal}`, find, often);
  } catch (cause) {
    const explained = await gateway.plane.gatehouse(['gateway', 'explain', gateway.gateway]);
    const found = { marker: await findMarker(gateway), holds: refusalsSince(since) };
    const seen = { ...found, log: (await lines()).slice(-30), explained: explained.stdout };
    throw new Error(JSON.stringify(seen, undefined, 1), { cause });
  }
}

/** Until the gateway is content with what the honest server wants. */
async function waitUntilHonest(): Promise<void> {
  const holds = () => gateway.server.polls().at(-1)?.request.observation?.agentHolds ?? [];
  await waitFor(
    'the gateway to hold nothing against the honest server',
    async () => holds().length === 0 || undefined,
    {
      ...often,
      explain: () => JSON.stringify(holds()),
    },
  );
}

async function waitForAgent(digest: string): Promise<void> {
  await waitFor(
    `the agent ${digest} to act`,
    async () => gateway.server.polls().at(-1)?.request.agent.digest === digest || undefined,
    { timeoutSeconds: 60 },
  );
}

describe('an attacker with the server, its disk, its database and its online keys', () => {
  it('knows more than thirty ways, each of which docs/security.md tells', async () => {
    expect(new Set(attacks.map(({ name }) => name)).size).toBe(attacks.length);
    expect(attacks.length).toBeGreaterThanOrEqual(30);
    const page = await readFile(path.join(repositoryRoot, 'docs/security.md'), 'utf8');
    expect(readTable(page)).toEqual(renderTable([...attacks, ...installationAttacks]));
  });

  it.each(attacks)('$name: $refusal', async (attack) => {
    const since = performance.now();
    const linesBefore = (await gateway.log()).length;
    const lies = gateway.server.liesTold();
    const lie = await attack.begin(gateway);
    gateway.server.lie(lie);
    try {
      expect(await waitForRefusal(attack, since, linesBefore)).not.toBe('');
      // An attack on the database alone tells no lies on the way.
      expect(Object.keys(lie).length === 0 || gateway.server.liesTold() > lies).toBe(true);
      expect(await findMarker(gateway)).toEqual([]);
    } finally {
      gateway.server.lie(undefined);
      await attack.end?.(gateway);
    }
    await waitUntilHonest();
    expect(await findMarker(gateway)).toEqual([]);
  });

  it.each(installationAttacks)('$name: $refusal', async (attack) => {
    const name = `site-${installationAttacks.indexOf(attack)}`;
    const root = path.join(gateway.folder, 'repository/metadata/1.root.json');
    const manifest = path.join(gateway.folder, `${name}.yaml`);
    // Nothing is ever sent to that cluster.
    const kubeconfig = path.join(gateway.folder, 'kubeconfig');
    await writeFile(kubeconfig, nowhere);
    const args = {
      create: ['create', name, '--installation', 'existing-cluster', '--root', root, '--manifest', manifest],
      install: ['install', name, '--kubeconfig', kubeconfig, '--keep-management', '--root', root],
    }[attack.verb];
    await attack.begin(gateway);
    try {
      const { exitCode, stdout, stderr } = await gateway.plane.gatehouse(['gateway', ...args]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
      expect(stderr).toMatch(attack.says);
      expect(existsSync(manifest)).toBe(false);
    } finally {
      await attack.end(gateway);
    }
    await waitUntilHonest();
  });

  it('does not hinder an honest installation with the publisher’s root', async () => {
    const root = path.join(gateway.folder, 'repository/metadata/1.root.json');
    const manifest = path.join(gateway.folder, 'honest.yaml');
    const args = ['create', 'honest', '--installation', 'existing-cluster', '--root', root, '--manifest', manifest];
    const { exitCode, stdout, stderr } = await gateway.plane.gatehouse(['gateway', ...args]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('verified') as string });
    expect(stdout).toMatch(
      /^kubectl apply --server-side -f '.*honest\.yaml'\nkubectl -n gatehouse-honest create secret/,
    );
    expect(await readFile(manifest, 'utf8')).toContain(`@${gateway.agentDigest}`);
  });

  it('leaves an event behind for everything that an agent could report', async () => {
    const reported = attacks
      .map(({ refusal }) => refusal)
      // What cannot be reached is everyday, and `explain` tells of it while it lasts.
      .filter((refusal) => !refusal.startsWith(logged) && refusal !== 'repository-unreachable');
    const told = (await gateway.events()).filter(({ type }) => type === 'target-refused').map(({ message }) => message);
    for (const code of new Set(reported)) expect(told).toContainEqual(expect.stringContaining(`(${code})`));
  });

  it('could have run what is signed, and nothing older than that afterwards', async () => {
    const newer = signedAgent(gateway, '4.2.7');
    gateway.server.lie(telling({ agent: newer }));
    await waitForAgent(newer.digest);
    expect(await gateway.marker.traces()).toEqual([]);

    const since = performance.now();
    gateway.server.lie(telling({ agent: signedAgent(gateway, '4.1.12') }));
    await waitFor(
      'the older agent to be refused',
      async () => refusalsSince(since).find(({ code }) => code === 'agent-newer-than-target'),
      often,
    );
    expect(gateway.server.polls().at(-1)?.request.agent.digest).toBe(newer.digest);
  });
});
