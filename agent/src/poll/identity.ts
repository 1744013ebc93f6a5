/**
 * Who this gateway is to the control plane: its Ed25519 key, made here and never sent, and the enrolment that ties it to
 * the gateway. The key is stored before the one-time token is spent and the token removed after, so a crash between any
 * two steps costs nothing: the next start goes on where the stored map says it is.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { Reason } from '@gatehouse/domain/reason';
import type { AgentCluster, StoredMap } from '../cluster/cluster.ts';
import type { ControlPlane } from './control-plane.ts';

/** Keys of the map `identity`. Fixed from the first release on. */
export const identityKeys = {
  registrationToken: 'registrationToken',
  privateKey: 'privateKey',
  gatewayId: 'gatewayId',
} as const;

export interface Identity {
  readonly gatewayId: string;
  readonly privateKey: KeyObject;
  /** Of the Secret it is kept in. */
  readonly uid?: string;
}

export type EnrolOutcome =
  | { readonly kind: 'enrolled'; readonly identity: Identity }
  | { readonly kind: 'hold'; readonly reason: Reason; readonly retryAfterSeconds?: number };

/** The identity as stored, when the gateway is enrolled. Reads only. */
export function parseIdentity(map: StoredMap | undefined, gatewayId: string): Identity | undefined {
  const key = map?.data[identityKeys.privateKey];
  const isEnrolled = map?.data[identityKeys.gatewayId] === gatewayId;
  return key === undefined || !isEnrolled ? undefined : identityIn(map, key, gatewayId);
}

/**
 * One step after the other towards being enrolled. Only the holder of the Lease may call it. Throws `ClusterUnreachable`.
 * A token that is still there although the gateway is enrolled came with a manifest that was applied again: the key is
 * tried first, and only if the server no longer knows it the token is spent; or if another agent uses the key too: then a
 * new one is made for the token, which no copy of the Secret has.
 */
export async function enrol(
  cluster: AgentCluster,
  controlPlane: ControlPlane,
  gateway: { readonly id: string; readonly agent: AgentRelease },
): Promise<EnrolOutcome> {
  let map = await storeKey(cluster);
  if (map === 'conflict') return hold('identity-conflict', 'Somebody else writes the Secret gatehouse-agent-identity.');
  let identity = identityIn(map, map.data[identityKeys.privateKey] ?? '', gateway.id);
  const token = map.data[identityKeys.registrationToken] ?? '';
  const wasEnrolled = map.data[identityKeys.gatewayId] === gateway.id;
  if (token === '' && wasEnrolled) return { kind: 'enrolled', identity };
  if (token === '') {
    return hold(
      'registration-token-missing',
      'The gateway is not enrolled and the Secret gatehouse-agent-identity holds no registration token.',
      'Create new install commands for the gateway and apply them.',
    );
  }
  const isKnown = await isKeyKnown(controlPlane, identity);
  if (isKnown === 'unknown')
    return hold('control-plane-unreachable', 'The control plane could not be reached to enrol.');
  if (isKnown === 'shared') {
    map = await renewKey(cluster, map);
    if (map === 'conflict') return hold('identity-conflict', 'The Secret gatehouse-agent-identity changed meanwhile.');
    identity = identityIn(map, map.data[identityKeys.privateKey] ?? '', gateway.id);
  }
  if (isKnown !== true) {
    const publicKey = publicKeyText(identity.privateKey);
    const answer = await controlPlane.enrol({ token, publicKey, agent: gateway.agent });
    if (answer.kind === 'unreachable') {
      return hold('control-plane-unreachable', answer.message, undefined, answer.retryAfterSeconds);
    }
    if (answer.kind === 'refused' && answer.status === 429) {
      return hold('control-plane-unreachable', answer.message, undefined, answer.retryAfterSeconds);
    }
    if (answer.kind === 'refused') {
      const nextStep = 'Create new install commands for the gateway and apply them.';
      return hold(`enrolment-${answer.code}`, answer.message, nextStep, answer.retryAfterSeconds);
    }
    if (answer.value.gatewayId !== gateway.id) {
      return hold(
        'enrolled-for-another-gateway',
        `The registration token belongs to the gateway ${answer.value.gatewayId}, the settings name ${gateway.id}.`,
        'Apply the install manifest and the token of the same gateway.',
      );
    }
  }
  const written = await cluster.writeMap(
    'identity',
    { [identityKeys.gatewayId]: gateway.id, [identityKeys.registrationToken]: null },
    map.resourceVersion,
  );
  if (written === 'conflict')
    return hold('identity-conflict', 'The Secret gatehouse-agent-identity changed meanwhile.');
  return { kind: 'enrolled', identity };
}

function identityIn(map: StoredMap | undefined, privateKey: string, gatewayId: string): Identity {
  const identity = { gatewayId, privateKey: createPrivateKey(privateKey) };
  return map?.uid === undefined ? identity : { ...identity, uid: map.uid };
}

async function storeKey(cluster: AgentCluster): Promise<StoredMap | 'conflict'> {
  const map = await cluster.readMap('identity');
  if (map?.data[identityKeys.privateKey] !== undefined) return map;
  return cluster.writeMap('identity', { [identityKeys.privateKey]: newKey() }, map?.resourceVersion);
}

/** No longer enrolled from here on: after a crash the next start goes on with the new key, and makes no third one. */
function renewKey(cluster: AgentCluster, { resourceVersion }: StoredMap): Promise<StoredMap | 'conflict'> {
  const change = { [identityKeys.privateKey]: newKey(), [identityKeys.gatewayId]: null };
  return cluster.writeMap('identity', change, resourceVersion);
}

const newKey = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

async function isKeyKnown(controlPlane: ControlPlane, identity: Identity): Promise<boolean | 'shared' | 'unknown'> {
  const session = await openSession(controlPlane, identity);
  if (session.kind === 'answered') return session.value.isIdentityShared === true ? 'shared' : true;
  // Whatever else is refused, such as too many requests, says nothing of the key; a token spent on it would be lost.
  return session.kind === 'refused' && session.status === 401 ? false : 'unknown';
}

/** Proves the key for a short-lived token: challenge, signature, session. */
export async function openSession(controlPlane: ControlPlane, identity: Identity) {
  const challenge = await controlPlane.challenge(identity.gatewayId);
  if (challenge.kind !== 'answered') return challenge;
  const text = `gatehouse-agent-session:${identity.gatewayId}:${challenge.value.challenge}`;
  const signature = sign(null, Buffer.from(text, 'utf8'), identity.privateKey).toString('base64url');
  return controlPlane.openSession({
    gatewayId: identity.gatewayId,
    challenge: challenge.value.challenge,
    signature,
  });
}

/** The raw 32 bytes as base64url: what JWK calls `x`. */
export function publicKeyText(privateKey: KeyObject): string {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  if (x === undefined) throw new TypeError('The key in gatehouse-agent-identity is not an Ed25519 key.');
  return x;
}

function hold(code: string, message: string, nextStep?: string, retryAfterSeconds?: number): EnrolOutcome {
  return {
    kind: 'hold',
    reason: { code, message, ...(nextStep === undefined ? {} : { nextStep }) },
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}
