/**
 * Messages that shipped agents and control planes have exchanged. Agents in the field are older than the server and
 * servers may be older than an agent, so each of these has to parse for ever; a recording is added, never changed.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  ChallengeReply,
  ChallengeRequest,
  EnrolReply,
  EnrolRequest,
  PollReply,
  PollRequest,
  SessionReply,
  SessionRequest,
} from '@gatehouse/contract/agent-api';
import { Problem } from '@gatehouse/contract/problem';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';

const directory = path.join(import.meta.dirname, '../../../contract/recorded');

const schemas = new Map([
  ['/v1/agent/enrol', { request: EnrolRequest, reply: EnrolReply }],
  ['/v1/agent/challenge', { request: ChallengeRequest, reply: ChallengeReply }],
  ['/v1/agent/session', { request: SessionRequest, reply: SessionReply }],
  ['/v1/agent/poll', { request: PollRequest, reply: PollReply }],
]);

const Recording = Type.Object({
  path: Type.String(),
  status: Type.Integer(),
  request: Type.Unknown(),
  reply: Type.Unknown(),
});

const files = readdirSync(directory).filter((name) => name.endsWith('.jsonl'));
const recordings = files.flatMap((file) =>
  readFileSync(path.join(directory, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => ({
      name: `${file}, line ${index + 1}`,
      recording: Value.Parse(Recording, JSON.parse(line)),
    })),
);

describe('what was once exchanged still parses', () => {
  test('there are recordings of every exchange', () => {
    expect(new Set(recordings.map(({ recording }) => recording.path))).toEqual(new Set(schemas.keys()));
  });

  test.each(recordings)('$name: $recording.path $recording.status', ({ recording }) => {
    const schema = schemas.get(recording.path);
    if (schema === undefined) throw new Error(`no such exchange: ${recording.path}`);
    expect([...Value.Errors(schema.request, recording.request)]).toEqual([]);
    const reply = recording.status === 200 ? schema.reply : Problem;
    expect([...Value.Errors(reply, recording.reply)]).toEqual([]);
  });

  test('with fields that are added later, too', () => {
    for (const { recording } of recordings.filter(({ recording: { path: where } }) => where === '/v1/agent/poll')) {
      const request = Object.assign({}, recording.request, { addedLater: { any: 'thing' } });
      expect(Value.Check(PollRequest, request)).toBe(true);
    }
  });
});
