/** A control plane with one release and one enrolled agent that polls as a real one does, without a cluster. */

import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from '@gatehouse/contract/client';
import { jsonDigest, sha256Digest } from '@gatehouse/release/canonical-json';
import { generateKeys } from '@gatehouse/release/keys';
import { publishRelease } from '@gatehouse/release/publish-release';
import { readRepositoryFiles } from '@gatehouse/release/release-import';
import { sampleSource } from '@gatehouse/release/sample-releases';
import { startServer } from '@gatehouse/testkit/server';

export interface EnrolledAgent {
  readonly server: string;
  readonly adminToken: string;
  /** One poll that brings nothing new; throws when it brings something. */
  readonly poll: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const agent = { version: '4.1.12', digest: sha256Digest('an agent that is only measured') };
const observation = {
  agent,
  takenBack: [],
  agentHolds: [],
  kubernetes: '1.26.8',
  nodes: [],
  drift: [],
};

async function publish(directory: string): Promise<string> {
  const keysDirectory = path.join(directory, 'keys');
  const repositoryDirectory = path.join(directory, 'repository');
  const keys = await generateKeys(keysDirectory);
  if (keys.kind === 'refused') throw new Error(keys.reasons[0].message);
  const source = sampleSource('4.1.12');
  const published = await publishRelease({
    repositoryDirectory,
    keysDirectory,
    source: { ...source, agent: { ...source.agent, digest: agent.digest } },
    now: new Date(),
  });
  if (published.kind === 'refused') throw new Error(published.reasons[0].message);
  return repositoryDirectory;
}

async function post<Reply>(url: string, body: unknown, token?: string): Promise<Reply> {
  const reply = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  if (!reply.ok) throw new Error(`${url} answered ${reply.status}: ${await reply.text()}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The server's own schema made it; this is a measurement, not a check.
  return (await reply.json()) as Reply;
}

/** `databaseUrl`: absent, the control plane has a PostgreSQL of its own. */
export async function startWithEnrolledAgent(databaseUrl?: string): Promise<EnrolledAgent> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-bench-'));
  const repository = await readRepositoryFiles(await publish(directory));
  if (repository.kind === 'refused') throw new Error(repository.reasons[0].message);
  const server = await startServer(databaseUrl === undefined ? {} : { databaseUrl });
  const stop = async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const decoder = () => (bytes: Uint8Array) => Buffer.from(bytes).toString();
    const client = createClient({ server: server.url, token: server.adminToken, fetch, decoder });
    await client.importReleases({ body: repository.value });
    const body = { name: 'measured', installation: 'existing-cluster', provider: 'vsphere' } as const;
    const { install } = await client.createGateway({ body });
    const token = /registrationToken=([^\s'"]+)/.exec(install?.commands.join(' ') ?? '')?.[1];
    if (token === undefined) throw new Error('no registration token in the install commands');

    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { x } = publicKey.export({ format: 'jwk' });
    const api = `${server.url}/v1/agent`;
    const { gatewayId } = await post<{ gatewayId: string }>(`${api}/enrol`, { token, publicKey: x, agent });
    const { challenge } = await post<{ challenge: string }>(`${api}/challenge`, { gatewayId });
    const signature = sign(null, Buffer.from(`gatehouse-agent-session:${gatewayId}:${challenge}`), privateKey).toString(
      'base64url',
    );
    const { sessionToken } = await post<{ sessionToken: string }>(`${api}/session`, {
      gatewayId,
      challenge,
      signature,
    });

    const observationDigest = jsonDigest(observation);
    const first = await post<{ target?: { generation: number } }>(
      `${api}/poll`,
      { generation: 0, handOverNumber: 1, agent, observationDigest, observation },
      sessionToken,
    );
    const generation = first.target?.generation ?? 0;
    const poll = async () => {
      const reply = await post<{ target?: unknown }>(
        `${api}/poll`,
        { generation, handOverNumber: 1, agent, observationDigest },
        sessionToken,
      );
      if (reply.target !== undefined) throw new Error('a poll that should bring nothing brought a target');
    };
    await poll();
    return { server: server.url, adminToken: server.adminToken, poll, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
