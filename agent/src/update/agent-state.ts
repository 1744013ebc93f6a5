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
} from '@gatehouse/domain/agent-update-types';
import { formatInstant, type Instant, parseInstant } from '@gatehouse/domain/instant';
import { parsePlatformVersion } from '@gatehouse/domain/version';
import type { StoredMap } from '../cluster/cluster.ts';

/** The map's keys. They never change their meaning; `profileUpdate` and `trial` are read elsewhere. */
export const stateKeys = {
  attempt: 'attempt',
  good: 'good',
  takenBack: 'takenBack',
  handOverNumber: 'handOverNumber',
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
  return {
    ...(attempt === undefined ? {} : { attempt }),
    good: list(parseJson(data[stateKeys.good]), parseRelease),
    takenBack: list(parseJson(data[stateKeys.takenBack]), parseTakenBack),
    handOverNumber: Number.isSafeInteger(number) && number >= 0 ? number : 0,
  };
}

/** The keys to write for what changed from `before` to `after`; empty when nothing did. */
export function agentStateChanges(before: AgentState, after: AgentState): Readonly<Record<string, string | null>> {
  const changes: Record<string, string | null> = {};
  const put = (key: string, old: string | undefined, now: string | undefined): void => {
    if (old !== now) changes[key] = now ?? null;
  };
  put(stateKeys.attempt, formatAttempt(before.attempt), formatAttempt(after.attempt));
  put(stateKeys.good, JSON.stringify(before.good), JSON.stringify(after.good));
  put(stateKeys.takenBack, formatTakenBack(before.takenBack), formatTakenBack(after.takenBack));
  put(stateKeys.handOverNumber, String(before.handOverNumber), String(after.handOverNumber));
  return changes;
}

function formatAttempt(attempt: AgentAttempt | undefined): string | undefined {
  if (attempt === undefined) return undefined;
  return JSON.stringify({
    ...attempt,
    startedAt: formatInstant(attempt.startedAt),
    ...(attempt.swappedAt === undefined ? {} : { swappedAt: formatInstant(attempt.swappedAt) }),
    ...(attempt.endedAt === undefined ? {} : { endedAt: formatInstant(attempt.endedAt) }),
  });
}

function formatTakenBack(takenBack: readonly TakenBack[]): string {
  return JSON.stringify(takenBack.slice(-takenBackMax).map((one) => ({ ...one, at: formatInstant(one.at) })));
}

function parseAttempt(value: unknown): AgentAttempt | undefined {
  if (!isRecord(value)) return undefined;
  const from = parseRelease(value['from']);
  const to = parseRelease(value['to']);
  const phase = phases.find((one) => one === value['phase']);
  const startedAt = instant(value['startedAt']);
  const id = value['id'];
  if (typeof id !== 'string' || !from || !to || !phase || startedAt === undefined) return undefined;
  const swappedAt = instant(value['swappedAt']);
  const endedAt = instant(value['endedAt']);
  const reason = parseReason(value['reason']);
  const interruptions = value['interruptions'];
  return {
    id,
    from,
    to,
    phase,
    startedAt,
    interruptions: typeof interruptions === 'number' ? interruptions : 0,
    ...(swappedAt === undefined ? {} : { swappedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function parseTakenBack(value: unknown): TakenBack | undefined {
  if (!isRecord(value)) return undefined;
  const release = parseRelease(value['release']);
  const reason = parseReason(value['reason']);
  const at = instant(value['at']);
  return release && reason && at !== undefined ? { release, reason, at } : undefined;
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

function instant(value: unknown): Instant | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return parseInstant(value);
  } catch {
    return undefined;
  }
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
