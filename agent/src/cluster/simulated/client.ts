/** The simulated cluster as a process sees it: the door, over the socket that its environment names. */

import { Agent, request } from 'node:http';
import { type Cluster, ClusterUnreachable, type ProfileCluster } from '../cluster.ts';
import { renderSimulatedTemplate } from './template.ts';
import type { Answers, CallName, CallReply, Calls } from './wire.ts';

export interface SimulatedConnection {
  readonly socketPath: string;
  readonly token: string;
  readonly podName: string;
}

const timeoutMilliseconds = 10_000;
const replyBytesMax = 20_000_000;

export async function connectSimulatedCluster(connection: SimulatedConnection): Promise<Cluster> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const call = <Name extends CallName>(name: Name, given: Calls[Name]): Answers[Name] =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The server answers each call with what the door's function of that name answers.
    send({ connection, agent, body: JSON.stringify({ call: name, given }) }) as Answers[Name];

  const { hasProfile } = await call('describe', {});
  const cluster: Omit<Cluster, 'profile'> = {
    kind: 'simulated',
    now: () => call('now', {}),
    readMap: (name) => call('readMap', { name }),
    writeMap: (name, data, resourceVersion) => call('writeMap', { name, data, resourceVersion }),
    readLease: () => call('readLease', {}),
    writeLease: (holder, resourceVersion) => call('writeLease', { holder, resourceVersion }),
    readDeployment: () => call('readDeployment', {}),
    applyDeployment: (order) => call('applyDeployment', order),
    dryRunDeployment: (order) => call('dryRunDeployment', order),
    listPods: () => call('listPods', {}),
    readTemplate: (digest) => call('readTemplate', { digest }),
    renderTemplate: renderSimulatedTemplate,
    startRehearsal: (attemptId, template) => call('startRehearsal', { attemptId, template }),
    readRehearsal: () => call('readRehearsal', {}),
    deleteRehearsal: () => call('deleteRehearsal', {}),
    readKubernetesVersion: () => call('readKubernetesVersion', {}),
    listNodes: () => call('listNodes', {}),
  };
  if (!hasProfile) return cluster;
  const profile: ProfileCluster = {
    readClusterApi: () => call('readClusterApi', {}),
    patchTopology: (patch) => call('patchTopology', patch),
    deleteMachine: (name) => call('deleteMachine', { name }),
    applyObject: (object, { dryRun }) => call('applyObject', { object, dryRun }),
    keepObject: (object) => call('keepObject', { object }),
    readObject: (reference) => call('readObject', reference),
    deleteObject: (reference) => call('deleteObject', reference),
    listBlockingBudgets: () => call('listBlockingBudgets', {}),
    checkImages: (images) => call('checkImages', { images }),
    countFreeAddresses: () => call('countFreeAddresses', {}),
    listRemovedApis: (target) => call('listRemovedApis', { target }),
  };
  return { ...cluster, profile };
}

async function send(given: {
  readonly connection: SimulatedConnection;
  readonly agent: Agent;
  readonly body: string;
}): Promise<unknown> {
  const text = await exchange(given);
  let reply: CallReply;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Our own server's; the types of each answer are in `wire.ts`.
    reply = JSON.parse(text) as CallReply;
  } catch (cause) {
    throw new ClusterUnreachable('the simulated cluster did not answer in JSON', { cause });
  }
  if (!('error' in reply)) return reply.answer;
  throw reply.kind === 'unreachable' ? new ClusterUnreachable(reply.error) : new Error(reply.error);
}

function exchange({
  connection,
  agent,
  body,
}: {
  readonly connection: SimulatedConnection;
  readonly agent: Agent;
  readonly body: string;
}): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      reject(new ClusterUnreachable('the simulated cluster does not answer', { cause }));
    };
    const sent = request(
      {
        socketPath: connection.socketPath,
        path: '/call',
        method: 'POST',
        agent,
        timeout: timeoutMilliseconds,
        headers: {
          authorization: `Bearer ${connection.token}`,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size > replyBytesMax) response.destroy(new Error(`the answer is larger than ${replyBytesMax} bytes`));
        });
        response.on('error', fail);
        response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMilliseconds / 1_000} s`)));
    sent.on('error', fail);
    sent.end(body);
  });
}
