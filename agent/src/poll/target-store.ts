/**
 * The target as the gateway keeps it, in the map `target`: what it was last told to be holds on with the server gone. A
 * target is stored as it came, with what this agent does not understand, since a newer agent may read it. What an honest
 * server never sends is refused with a reason that reaches the people who look: an older generation, one far ahead,
 * another target under a generation that was used, and one that is too large to be kept.
 */

import { type PollRequest, Target } from '@gatehouse/contract/agent-api';
import { acceptTarget } from '@gatehouse/domain/generation';
import type { Reason } from '@gatehouse/domain/reason';
import { jsonDigestIfAny } from '@gatehouse/release/canonical-json';
import type { TSchema } from 'typebox';
import { Check } from 'typebox/value';
import type { AgentCluster } from '../cluster/cluster.ts';

export const targetKey = 'target';

/** Undefined: none came yet, or what is stored cannot be read by this agent (then the server sends it again). */
export function parseTarget(text: string | undefined): Target | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Check(Target, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export async function readTarget(cluster: AgentCluster): Promise<Target | undefined> {
  return parseTarget((await cluster.readMap('target'))?.data[targetKey]);
}

export type TargetRefusalCode = 'target-older' | 'target-too-far-ahead' | 'target-changed' | 'target-too-large';

export type StoredTarget =
  | { readonly kind: 'stored' | 'same' }
  | { readonly kind: 'refused'; readonly reason: Reason<TargetRefusalCode> };

const triesMax = 5;
/** Of UTF-8. The map holds documents of releases too, and a ConfigMap ends at 1 MiB. */
const targetBytesMax = 400_000;

/** Throws `ClusterUnreachable`. */
export async function storeTarget(cluster: AgentCluster, target: Target): Promise<StoredTarget> {
  const text = JSON.stringify(target);
  const bytes = Buffer.byteLength(text);
  for (let tries = 1; tries <= triesMax; tries += 1) {
    const map = await cluster.readMap('target');
    const stored = parseTarget(map?.data[targetKey]);
    const reason = refuseTarget(stored, target, bytes);
    if (reason !== undefined) return { kind: 'refused', reason };
    if (stored?.generation === target.generation) return { kind: 'same' };
    const written = await cluster.writeMap('target', { [targetKey]: text }, map?.resourceVersion);
    if (written !== 'conflict') return { kind: 'stored' };
  }
  throw new Error(`The ConfigMap gatehouse-agent-target changed under each of ${triesMax} attempts to write it.`);
}

const nextStep = 'Nothing was changed on the gateway. Ask who runs the control plane how this could be.';

function refuseTarget(
  stored: Target | undefined,
  offered: Target,
  bytes: number,
): Reason<TargetRefusalCode> | undefined {
  const has = stored?.generation ?? 0;
  const what = `The control plane sent a target with generation ${offered.generation}`;
  const verdict = acceptTarget({ stored: has, offered: offered.generation });
  if (verdict === 'older') {
    return { code: 'target-older', message: `${what}, but the gateway has ${has}; it never goes back.`, nextStep };
  }
  if (verdict === 'too-far') {
    const message = `${what}, but the gateway has ${has}: no control plane counts that far.`;
    return { code: 'target-too-far-ahead', message, nextStep };
  }
  if (verdict === 'same' && stored !== undefined && !isSame(stored, offered)) {
    const message = `${what}, which the gateway has had with other contents; a target never changes.`;
    return { code: 'target-changed', message, nextStep };
  }
  if (bytes > targetBytesMax) {
    const message = `${what} that has ${bytes} bytes; more than ${targetBytesMax} are not kept.`;
    return { code: 'target-too-large', message, nextStep };
  }
  return undefined;
}

function isSame(stored: Target, offered: Target): boolean {
  const digest = jsonDigestIfAny(stored);
  return digest !== undefined && digest === jsonDigestIfAny(offered);
}

/** What a poll says of the target that the gateway has. */
export function identifyTarget(target: Target | undefined): Pick<PollRequest, 'generation' | 'targetDigest'> {
  if (target === undefined) return { generation: 0 };
  const targetDigest = jsonDigestIfAny(target);
  return { generation: target.generation, ...(targetDigest === undefined ? {} : { targetDigest }) };
}

const namedFieldsMax = 20;
const nameLengthMax = 60;

/**
 * The fields of a target that this agent knows nothing of, as paths such as `agent.image`; a bounded number of them.
 * They are kept for a newer agent and mean nothing to this one.
 */
export function unknownFields(target: Target): readonly string[] {
  const found: string[] = [];
  collectUnknown(Target, target, '', found);
  return found;
}

function collectUnknown(schema: TSchema, value: unknown, at: string, found: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  const { properties, items } = toParts(schema);
  if (Array.isArray(value)) {
    if (items !== undefined) for (const item of value) collectUnknown(items, item, at, found);
    return;
  }
  if (properties === undefined) return;
  for (const [name, member] of Object.entries(value)) {
    if (found.length >= namedFieldsMax) return;
    const place = `${at}${at === '' ? '' : '.'}${name.slice(0, nameLengthMax)}`;
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (known !== undefined) collectUnknown(known, member, place, found);
    else if (!found.includes(place)) found.push(place);
  }
}

/** As JSON Schema has them. */
function toParts(schema: TSchema): {
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly items?: TSchema;
} {
  return schema;
}
