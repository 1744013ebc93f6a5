/**
 * The next root: keys added, keys taken away (a stolen one, for instance), other thresholds. It says nothing of who signs
 * it: the keys of the root before it and its own, as for every signing request.
 */

import type { Root } from '@tufjs/models';
import { type PublicKey, roleNames } from './key-file.ts';
import { keysOfRoleMax, type RootPlan, type Thresholds } from './keys.ts';
import { type Outcome, ok, type Refusal, refused } from './outcome.ts';
import { rootPlanOf } from './repository-change.ts';
import type { ExpiryChange } from './repository-settings.ts';
import { readState } from './repository-state.ts';
import type { SigningRequest } from './signing-request.ts';
import { prepareRequest, type RepositoryRefusalCode } from './tuf-repository.ts';

export interface RootRotation {
  readonly add?: readonly PublicKey[];
  /** Key ids, or beginnings of eight characters and more that mean one key. Taken away from every role that has it. */
  readonly remove?: readonly string[];
  readonly thresholds?: Partial<Thresholds>;
}

export type RotationRefusalCode = 'rotation-invalid';

const keyIdStartMin = 8;

/** Unsigned. A rotation that changes nothing renews the root's expiry. */
export async function prepareRotation(input: {
  readonly repositoryDirectory: string;
  readonly rotation: RootRotation;
  readonly now: Date;
  readonly expiry?: ExpiryChange;
}): Promise<Outcome<SigningRequest, RotationRefusalCode | RepositoryRefusalCode>> {
  const { repositoryDirectory: directory, rotation, now, expiry } = input;
  const current = await readState(directory);
  if (current.kind === 'refused') return current;
  const root = planRotation(current.value.root.signed, rotation);
  if (root.kind === 'refused') return root;
  return prepareRequest({ directory, change: { root: root.value }, now, ...(expiry === undefined ? {} : { expiry }) });
}

function planRotation(root: Root, { add = [], remove = [], thresholds = {} }: RootRotation) {
  const before = rootPlanOf(root);
  const refusals: Refusal<RotationRefusalCode>[] = [];
  const removed = new Set<string>();
  for (const start of remove) {
    const meant = [...new Set(before.keys.map(({ keyId }) => keyId).filter((keyId) => keyId.startsWith(start)))];
    const [keyId] = meant;
    if (start.length < keyIdStartMin || keyId === undefined || meant.length > 1)
      refusals.push(unclearKey(start, meant));
    else removed.add(keyId);
  }
  for (const key of add) {
    if (removed.has(key.keyId)) refusals.push(bothWays(key));
  }
  const all = [...before.keys.filter(({ keyId }) => !removed.has(keyId)), ...add];
  const plan: RootPlan = {
    keys: [...new Map(all.map((key) => [`${key.role} ${key.keyId}`, key])).values()],
    thresholds: { ...before.thresholds, ...thresholds },
  };
  for (const role of roleNames) {
    const count = plan.keys.filter((key) => key.role === role).length;
    const threshold = plan.thresholds[role];
    if (count > keysOfRoleMax || threshold < 1 || threshold > count) {
      refusals.push({
        code: 'rotation-invalid',
        message: `${role} would need ${threshold} signatures of ${count} keys; a role has 1 to ${keysOfRoleMax} keys.`,
        nextStep: `Add ${role} keys with --add, or change --${role}-threshold.`,
      });
    }
  }
  const [first, ...more] = refusals;
  return first ? refused(first, ...more) : ok(plan);
}

function unclearKey(start: string, meant: readonly string[]): Refusal<RotationRefusalCode> {
  const found = meant.length === 0 ? 'the root names no such key' : `${meant.length} keys begin so`;
  return {
    code: 'rotation-invalid',
    message: `${start} does not say which key goes: ${start.length < keyIdStartMin ? 'it is too short' : found}.`,
    nextStep: 'See the key ids with `gatehouse release list --repository <folder>`.',
  };
}

function bothWays({ role, keyId }: PublicKey): Refusal<RotationRefusalCode> {
  return {
    code: 'rotation-invalid',
    message: `The ${role} key ${keyId.slice(0, 12)} is to be added and taken away at once.`,
    nextStep: 'Leave one of the two out.',
  };
}
