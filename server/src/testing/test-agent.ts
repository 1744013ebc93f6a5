/** An agent of a test: enrols, proves its key, and polls with what the test lets it see. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  ChallengeReply,
  type Observation,
  PollReply,
  type PollRequest,
  SessionReply,
} from '@gatehouse/contract/agent-api';
import type { Release } from '@gatehouse/contract/operator-types';
import { jsonDigest } from '@gatehouse/release/canonical-json';
import { bodyAs, type Caller, type Reply } from './world.ts';

export interface AgentKey {
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

export function newAgentKey(): AgentKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return { publicKey: raw.toString('base64url'), privateKey };
}

export async function enrol(world: Caller, token: string, key: AgentKey): Promise<Reply> {
  const agent = { version: '4.1.12', digest: `sha256:${'0'.repeat(64)}` };
  return world.call('POST', '/v1/agent/enrol', { token: null, body: { token, publicKey: key.publicKey, agent } });
}

/** `signWith` differs from the gateway's own key where a test pretends. */
export async function openSession(world: Caller, gatewayId: string, signWith: AgentKey): Promise<Reply> {
  const asked = await world.call('POST', '/v1/agent/challenge', { token: null, body: { gatewayId } });
  const { challenge } = bodyAs(ChallengeReply, asked);
  return sendProof(world, gatewayId, challenge, signWith);
}

export async function sendProof(world: Caller, gatewayId: string, challenge: string, key: AgentKey): Promise<Reply> {
  const message = `gatehouse-agent-session:${gatewayId}:${challenge}`;
  const signature = sign(null, Buffer.from(message), key.privateKey).toString('base64url');
  return world.call('POST', '/v1/agent/session', { token: null, body: { gatewayId, challenge, signature } });
}

export interface TestAgent {
  readonly gatewayId: string;
  readonly key: AgentKey;
  readonly sessionToken: string;
  /** What the next polls see; a test changes it. */
  seen: Observation;
  generation: number;
  handOverNumber: number;
  /** As it is, or with some fields otherwise. */
  poll(change?: Partial<PollRequest>): Promise<Reply>;
  /** Polls, expects an answer, takes a target over. */
  polls(): Promise<PollReply>;
}

export async function startAgent(
  world: Caller,
  input: { readonly gatewayId: string; readonly token: string; readonly seen: Observation },
): Promise<TestAgent> {
  const key = newAgentKey();
  const enrolled = await enrol(world, input.token, key);
  if (enrolled.status !== 200) throw new Error(`not enrolled: ${JSON.stringify(enrolled.body)}`);
  const session = await openSession(world, input.gatewayId, key);
  const { sessionToken } = bodyAs(SessionReply, session);
  const agent: TestAgent = {
    gatewayId: input.gatewayId,
    key,
    sessionToken,
    seen: input.seen,
    generation: 0,
    handOverNumber: 1,
    poll: (change = {}) =>
      world.call('POST', '/v1/agent/poll', {
        token: sessionToken,
        body: {
          generation: agent.generation,
          handOverNumber: agent.handOverNumber,
          agent: agent.seen.agent,
          observationDigest: digestOf(agent.seen),
          observation: agent.seen,
          ...change,
        },
      }),
    async polls() {
      const body = bodyAs(PollReply, await agent.poll());
      if (body.target !== undefined) agent.generation = body.target.generation;
      return body;
    },
  };
  return agent;
}

export const digestOf = (seen: unknown): string => jsonDigest(seen);

/** A gateway on which everything is well. */
export function observation(release: Release, more: Partial<Observation> = {}): Observation {
  const createdAt = '2026-11-01T00:00:00.000Z';
  return {
    agent: { version: release.agentVersion, digest: release.agentDigest },
    takenBack: [],
    agentHolds: [],
    kubernetes: '1.26.8',
    nodes: ['a', 'b', 'c'].map((name) => ({
      name,
      role: 'control-plane' as const,
      kubernetesVersion: '1.26.8',
      ready: true,
      createdAt,
    })),
    drift: [],
    ...more,
  };
}
