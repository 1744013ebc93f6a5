/**
 * Somebody owns the control plane: its program, its disk, its database and its online keys. Every way they try to run
 * something on a gateway that the holders of the release keys have not signed fails, and an operator sees why.
 */

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { attacks } from '../src/attacker/all-attacks.ts';
import { installationAttacks } from '../src/attacker/installation-attacks.ts';
import { signedAgent, telling } from '../src/attacker/lies.ts';
import { type SandboxGateway, startSandboxGateway } from '../src/attacker/sandbox-gateway.ts';
import { readTable, renderTable } from '../src/attacker/security-page.ts';
import { refusalsSince, waitUntilHonest, withstand } from '../src/attacker/withstand.ts';
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

const nowhere = `{
  "apiVersion": "v1", "kind": "Config", "current-context": "a",
  "clusters": [{ "name": "a", "cluster": { "server": "http://127.0.0.1:9" } }],
  "users": [{ "name": "a", "user": {} }], "contexts": [{ "name": "a", "context": { "cluster": "a", "user": "a" } }]
}`;

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
    await withstand(gateway, attack);
    // All attacks within a minute or two are more than an agent may have to tell in an hour: what is beyond is not kept.
    await gateway.sql(`update milestones set at = at - interval '1 hour' where subject like 'refusal:%'`);
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
    await waitUntilHonest(gateway);
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
      .filter((refusal) => !refusal.startsWith('log:') && refusal !== 'repository-unreachable');
    const events = await gateway.events();
    expect(events.map(({ type }) => type)).not.toContain('agent-reports-too-much');
    const told = events.filter(({ type }) => type === 'target-refused').map(({ message }) => message);
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
      async () => refusalsSince(gateway, since).find(({ code }) => code === 'agent-newer-than-target'),
      gateway.patience,
    );
    expect(gateway.server.polls().at(-1)?.request.agent.digest).toBe(newer.digest);
  });
});
