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

  test.each(recordings)('with fields that are added later anywhere: $name', ({ recording }) => {
    const schema = schemas.get(recording.path);
    if (schema === undefined) throw new Error(`no such exchange: ${recording.path}`);
    const reply = recording.status === 200 ? schema.reply : Problem;
    expect([...Value.Errors(schema.request, withMore(recording.request))]).toEqual([]);
    expect([...Value.Errors(reply, withMore(recording.reply))]).toEqual([]);
  });

  test('a time that is none is refused, wherever one is', () => {
    const polls = recordings.filter(({ recording }) => recording.path === '/v1/agent/poll' && recording.status === 200);
    const times = polls.flatMap(({ recording }) => [
      ...timesIn(recording.request).map((at) => ({
        schema: PollRequest as Type.TSchema,
        message: recording.request,
        at,
      })),
      ...timesIn(recording.reply).map((at) => ({ schema: PollReply as Type.TSchema, message: recording.reply, at })),
    ]);
    expect(times.length).toBeGreaterThan(0);
    for (const { schema, message, at } of times) {
      for (const none of ['yesterday', '2026-02-30T10:00:00.000Z', '', 0]) {
        expect({ at, none, isTaken: Value.Check(schema, replaced(message, at, none)) }).toEqual({
          at,
          none,
          isTaken: false,
        });
      }
    }
  });
});

/** Names that others choose, each with a text. */
const maps = new Set(['topologyVariables', 'controlPlaneOverrides']);

/** The message with a field more in each object of it. */
function withMore(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(withMore);
  if (typeof message !== 'object' || message === null) return message;
  return {
    ...Object.fromEntries(
      Object.entries(message).map(([name, value]) => [name, maps.has(name) ? value : withMore(value)]),
    ),
    addedLater: { any: 'thing' },
  };
}

type Path = readonly (string | number)[];

function timesIn(message: unknown, at: Path = []): readonly Path[] {
  if (typeof message === 'string') return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(message) ? [at] : [];
  if (typeof message !== 'object' || message === null) return [];
  return Object.entries(message).flatMap(([name, value]) => timesIn(value, [...at, name]));
}

/** A copy in which something else is at the place. */
function replaced(message: unknown, [name, ...rest]: Path, by: unknown): unknown {
  if (name === undefined) return by;
  if (Array.isArray(message)) {
    const items: readonly unknown[] = message;
    return items.map((one, index) => (String(index) === name ? replaced(one, rest, by) : one));
  }
  const fields: Readonly<Record<string, unknown>> = Object.assign({}, message);
  return { ...fields, [name]: replaced(fields[name], rest, by) };
}
