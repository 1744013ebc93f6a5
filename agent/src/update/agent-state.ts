/**
 * The map `state` as attempts, good versions and versions taken back, for agent and guard alike. An old guard reads what
 * a newer agent wrote, so reading is lenient: an entry that is not understood is left out of the facts, and a write
 * touches only the keys it means to change. Read without a schema library, since the guard loads none.
 */

import type {
  AgentAttempt,
  AgentRelease,
  AgentState,
  AttemptPhase,
  AttemptReason,
  TakenBack,
  TakingBack,
  TrialFailure,
} from '@gatehouse/domain/agent-update-types';
import { formatInstant, type Instant, parseInstant, toInstant } from '@gatehouse/domain/instant';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import type { StoredMap } from '../cluster/cluster.ts';
import { defined } from '../defined.ts';

/** The map's keys. They never change their meaning; `profileUpdate` and `trial` are read elsewhere. */
export const stateKeys = {
  attempt: 'attempt',
  good: 'good',
  takenBack: 'takenBack',
  handOverNumber: 'handOverNumber',
  takingBack: 'takingBack',
  trialFailure: 'trialFailure',
  profileUpdate: 'profileUpdate',
  trial: 'trial',
} as const;

const phases: readonly AttemptPhase[] = [
  'rehearsing',
  'swapping',
  'watching',
  'settled',
  'taken-back',
  'interrupted',
  'rehearsal-failed',
];
const takenBackMax = 50;

type Unknowns = Readonly<Record<string, unknown>>;

export function parseAgentState(map: StoredMap | undefined): AgentState {
  const data = map?.data ?? {};
  const attempt = parseAttempt(parseJson(data[stateKeys.attempt]));
  const number = Number(data[stateKeys.handOverNumber] ?? '0');
  const takingBack = parseTakingBack(parseJson(data[stateKeys.takingBack]));
  const trialFailure = parseTrialFailure(parseJson(data[stateKeys.trialFailure]));
  return {
    ...(attempt === undefined ? {} : { attempt }),
    ...(takingBack === undefined ? {} : { takingBack }),
    ...(trialFailure === undefined ? {} : { trialFailure }),
    good: list(parseJson(data[stateKeys.good]), parseRelease),
    takenBack: list(parseJson(data[stateKeys.takenBack]), parseTakenBack),
    handOverNumber: Number.isSafeInteger(number) && number >= 0 ? number : 0,
  };
}

/**
 * The keys to write for what changed from what the map holds to `after`; empty when nothing did. Fields of the attempt
 * that only a newer agent knows stay as they are.
 */
export function agentStateChanges(
  map: StoredMap | undefined,
  after: AgentState,
): Readonly<Record<string, string | null>> {
  const before = parseAgentState(map);
  const changes: Record<string, string | null> = {};
  const put = (key: string, old: string | undefined, now: string | undefined): void => {
    if (old !== now) changes[key] = now ?? null;
  };
  const unknown = unknownFields(parseJson(map?.data[stateKeys.attempt]), after.attempt?.id);
  const withUnknown = (attempt: AgentAttempt | undefined) => attempt && { ...unknown, ...attempt };
  put(stateKeys.attempt, format(withUnknown(before.attempt)), format(withUnknown(after.attempt)));
  put(stateKeys.good, format(before.good), format(after.good));
  put(stateKeys.takenBack, format(before.takenBack), format(after.takenBack.slice(-takenBackMax)));
  put(stateKeys.handOverNumber, String(before.handOverNumber), String(after.handOverNumber));
  put(stateKeys.takingBack, format(before.takingBack), format(after.takingBack));
  put(stateKeys.trialFailure, format(before.trialFailure), format(after.trialFailure));
  return changes;
}

const attemptFields: readonly (keyof AgentAttempt)[] = [
  'id',
  'from',
  'to',
  'phase',
  'startedAt',
  'swappedAt',
  'interruptions',
  'endedAt',
  'reason',
  'generation',
  'pullErrorSince',
  'readyAt',
  'excusedEnds',
];

function unknownFields(stored: unknown, id: string | undefined): Unknowns {
  if (!isRecord(stored) || stored['id'] !== id) return {};
  const known: readonly string[] = attemptFields;
  return Object.fromEntries(Object.entries(stored).filter(([field]) => !known.includes(field)));
}

/** Fields that hold a point in time; written as RFC 3339, so that a person who looks can read them. */
const instantFields: readonly string[] = [
  'at',
  'startedAt',
  'swappedAt',
  'endedAt',
  'pullErrorSince',
  'readyAt',
  'excusedEnds',
];

function format(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(toWritten(value, ''));
}

/** Keys in one order, so that one value has one text. */
function toWritten(value: unknown, field: string): unknown {
  if (typeof value === 'number' && instantFields.includes(field)) return formatInstant(toInstant(value));
  if (Array.isArray(value)) return value.map((item: unknown) => toWritten(item, field));
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, toWritten(member, key)]));
}

function parseAttempt(value: unknown): AgentAttempt | undefined {
  if (!isRecord(value)) return undefined;
  const from = parseRelease(value['from']);
  const to = parseRelease(value['to']);
  const phase = phases.find((one) => one === value['phase']);
  const startedAt = instant(value['startedAt']);
  const id = value['id'];
  if (typeof id !== 'string' || !from || !to || !phase || startedAt === undefined) return undefined;
  const interruptions = value['interruptions'];
  return {
    id,
    from,
    to,
    phase,
    startedAt,
    interruptions: typeof interruptions === 'number' ? interruptions : 0,
    ...defined({
      swappedAt: instant(value['swappedAt']),
      endedAt: instant(value['endedAt']),
      reason: parseReason(value['reason']),
      generation: number(value['generation']),
      pullErrorSince: instant(value['pullErrorSince']),
      readyAt: instant(value['readyAt']),
      excusedEnds: instants(value['excusedEnds']),
    }),
  };
}

function parseTakenBack(value: unknown): TakenBack | undefined {
  if (!isRecord(value)) return undefined;
  const release = parseRelease(value['release']);
  const reason = parseReason(value['reason']);
  const at = instant(value['at']);
  if (!release || !reason || at === undefined) return undefined;
  return { release, reason, at, ...defined({ generation: number(value['generation']) }) };
}

function parseTakingBack(value: unknown): TakingBack | undefined {
  if (!isRecord(value)) return undefined;
  const release = parseRelease(value['release']);
  const to = parseRelease(value['to']);
  const reason = parseReason(value['reason']);
  const at = instant(value['at']);
  if (!release || !to || !reason || at === undefined) return undefined;
  return { release, to, reason, isBlamed: value['isBlamed'] === true, at };
}

function parseTrialFailure(value: unknown): TrialFailure | undefined {
  if (!isRecord(value) || typeof value['attemptId'] !== 'string' || typeof value['message'] !== 'string')
    return undefined;
  const { attemptId, kind, message } = value;
  return kind === 'unreachable' || kind === 'refused' ? { attemptId, kind, message } : undefined;
}

function parseRelease(value: unknown): AgentRelease | undefined {
  if (!isRecord(value) || typeof value['version'] !== 'string' || typeof value['digest'] !== 'string') return undefined;
  const version = parsePlatformVersion(value['version']);
  return version === undefined ? undefined : { version, digest: value['digest'] };
}

function parseReason(value: unknown): AttemptReason | undefined {
  if (!isRecord(value) || typeof value['code'] !== 'string' || typeof value['message'] !== 'string') return undefined;
  return {
    code: value['code'],
    message: value['message'],
    ...(typeof value['exitCode'] === 'number' ? { exitCode: value['exitCode'] } : {}),
    ...(typeof value['lastLogLines'] === 'string' ? { lastLogLines: value['lastLogLines'] } : {}),
  };
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function instant(value: unknown): Instant | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return parseInstant(value);
  } catch {
    return undefined;
  }
}

function instants(value: unknown): readonly Instant[] | undefined {
  return Array.isArray(value) ? list(value, instant) : undefined;
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function list<T>(value: unknown, parse: (item: unknown) => T | undefined): readonly T[] {
  if (!Array.isArray(value)) return [];
  return value.map((item: unknown) => parse(item)).filter((item) => item !== undefined);
}

function isRecord(value: unknown): value is Unknowns {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
