import { Metadata, MetadataKind, type Targets } from '@tufjs/models';
import type { JSONObject } from '@tufjs/models/dist/utils/index.js';
import { expect, test } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { toTargetsMetadata } from './many-targets.ts';

const file = { length: 3, hashes: { sha256: 'a'.repeat(64) }, custom: { a: 1 } };
const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'b'.repeat(64) } };
const signed = {
  _type: 'targets',
  spec_version: '1.0.31',
  version: 7,
  expires: '2027-11-23T10:42:00Z',
  targets: { 'releases/4.2.7.json': file, constructor: file, '10': file, 'a b': { ...file, custom: {} } },
  'x-unknown': [1],
};
const parsed = (value: object): JSONObject => {
  const copy: JSONObject = JSON.parse(JSON.stringify(value));
  return copy;
};
const role = { keyids: ['c'], threshold: 1, name: 'deep', terminating: true, paths: ['x/*'] };

test.each<[string, object]>([
  ['as we write it', signed],
  ['without targets', { ...signed, targets: {} }],
  ['with delegations', { ...signed, delegations: { keys: { c: key }, roles: [role] } }],
])('metadata %s is read and written as the models do', (_, part) => {
  const value = { signed: part, signatures: [{ keyid: 'c', sig: 'd' }], 'x-more': true };
  const ours = toTargetsMetadata(parsed(value));
  const theirs: Metadata<Targets> = Metadata.fromJSON(MetadataKind.Targets, parsed(value));
  expect(canonicalJson(ours.toJSON())).toBe(canonicalJson(theirs.toJSON()));
  expect(canonicalJson(ours.toJSON())).toBe(canonicalJson(value));
});

test.each<[string, object, RegExp]>([
  ['of another role', { ...signed, _type: 'root' }, /expected 'targets'/],
  ['without a list', { ...signed, targets: undefined }, /names targets/],
  ['with a list of something else', { ...signed, targets: { x: 'y' } }, /names targets/],
  ['with a target of no length', { ...signed, targets: { x: { hashes: {} } } }, /names targets/],
])('metadata %s is refused', (_, part, fault) => {
  expect(() => toTargetsMetadata(parsed({ signed: part, signatures: [] }))).toThrow(fault);
});
