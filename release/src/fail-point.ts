/**
 * Places at which a test makes a program die: before and after each persist and each effect outside of the process. They
 * are named in `GATEHOUSE_FAIL_POINTS`, which is taken only with `NODE_ENV=test`; without it there are none, nothing is
 * wrapped, and the program is the one that customers run. Its value is `NAME=ACTION` or `NAME=ACTION@N` (the N-th time the
 * place is reached; 1), several with commas between. Or it is `@FILE`, and such text is read from that file each time a
 * place is reached: whoever comes to it first takes the file away, so that of many processes, and of all that are started
 * after them, one does it once.
 */

import { readFileSync, renameSync } from 'node:fs';
import process from 'node:process';

export const failPointsVariable = 'GATEHOUSE_FAIL_POINTS';

export const failActions = ['kill', 'throw', 'hang'] as const;
/**
 * - kill: SIGKILL, as the power goes;
 * - throw: what follows is not done, as if it had failed;
 * - hang: the place is never left.
 */
export type FailAction = (typeof failActions)[number];

export interface FailPoints {
  /** May not come back. Rejects with `FailPointReached` where it was told to throw. */
  reach(name: string): Promise<void>;
}

/** The variable asks for what there is not. The message is for the terminal. */
export class FailPointsInvalid extends Error {
  override readonly name = 'FailPointsInvalid';
}

export class FailPointReached extends Error {
  override readonly name = 'FailPointReached';
}

export interface FailPoint {
  readonly name: string;
  readonly action: FailAction;
  /** Counted from 1. */
  readonly time: number;
}

/** The two places of each thing that is done. */
export const placesAround = (doings: readonly string[]): readonly string[] =>
  doings.flatMap((doing) => [`${doing}.before`, `${doing}.after`]);

/** Does it with a place before and one after it. */
export async function aroundIt<T>(points: FailPoints | undefined, doing: string, effect: () => Promise<T>): Promise<T> {
  if (points === undefined) return effect();
  await points.reach(`${doing}.before`);
  const result = await effect();
  await points.reach(`${doing}.after`);
  return result;
}

/** Undefined without the variable. Throws `FailPointsInvalid` for a name that is not among `known`, and outside of a test. */
export function readFailPoints(
  environment: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): FailPoints | undefined {
  const value = environment[failPointsVariable];
  if (value === undefined || value === '') return undefined;
  if (environment['NODE_ENV'] !== 'test') {
    throw new FailPointsInvalid(
      `${failPointsVariable} makes a program die and is for tests; it is set, but NODE_ENV is not "test". Remove it.`,
    );
  }
  const names = new Set(known);
  if (value.startsWith('@')) return armedBy(value.slice(1), names);
  const points = parseFailPoints(value, names);
  const times = new Map<string, number>();
  return {
    async reach(name) {
      assertKnown(name, names);
      const due = dueNow(points, name, times);
      if (due !== undefined) await act(due);
    },
  };
}

/** Throws `FailPointsInvalid`. */
export function parseFailPoints(text: string, known: ReadonlySet<string>): readonly FailPoint[] {
  return text.split(',').map((entry) => {
    const parts = /^([^=@]+)=([a-z]+)(?:@([1-9]\d{0,5}))?$/.exec(entry.trim());
    const [, name = '', asked = '', time = '1'] = parts ?? [];
    const action = failActions.find((one) => one === asked);
    if (parts === null || action === undefined) {
      throw new FailPointsInvalid(
        `${failPointsVariable} has "${entry}"; it takes NAME=ACTION or NAME=ACTION@N with ${failActions.join(', ')} for ACTION.`,
      );
    }
    if (!known.has(name)) throw new FailPointsInvalid(unknown(name, known));
    return { name, action, time: Number(time) };
  });
}

function unknown(name: string, known: ReadonlySet<string>): string {
  const [first = ''] = name.split('.', 1);
  const near = [...known].filter((one) => one.startsWith(`${first}.`));
  const all = near.length > 0 ? near : [...new Set([...known].map((one) => `${one.split('.', 1)[0]}.…`))];
  return `${failPointsVariable} names ${name}, and there is no such fail point. There are: ${all.join(', ')}.`;
}

/** A place that is in no list could not be asked for, so nobody would ever try it. */
function assertKnown(name: string, known: ReadonlySet<string>): void {
  if (!known.has(name)) throw new Error(`the fail point ${name} was reached and is in no list`);
}

/** Counts that the place was reached. */
function dueNow(points: readonly FailPoint[], name: string, times: Map<string, number>): FailPoint | undefined {
  if (!points.some((point) => point.name === name)) return undefined;
  const time = (times.get(name) ?? 0) + 1;
  times.set(name, time);
  return points.find((point) => point.name === name && point.time === time);
}

function armedBy(file: string, known: ReadonlySet<string>): FailPoints {
  let text = '';
  let points: readonly FailPoint[] = [];
  let times = new Map<string, number>();
  return {
    async reach(name) {
      assertKnown(name, known);
      const now = readIfThere(file);
      if (now !== text) {
        text = now;
        points = now.trim() === '' ? [] : parseFailPoints(now, known);
        times = new Map();
      }
      const due = dueNow(points, name, times);
      // Another process that came first has taken it.
      if (due !== undefined && isTaken(file)) await act(due);
    },
  };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // Nothing is asked for now.
  }
}

function isTaken(file: string): boolean {
  try {
    renameSync(file, `${file}.reached`);
    return true;
  } catch {
    return false;
  }
}

async function act({ name, action }: FailPoint): Promise<void> {
  process.stderr.write(`fail point ${name}: ${action}\n`);
  if (action === 'throw') throw new FailPointReached(`the fail point ${name} was reached`);
  if (action === 'kill') process.kill(process.pid, 'SIGKILL');
  // What keeps the process alive keeps it from ending as if it had finished.
  await new Promise(() => setInterval(() => undefined, 60_000));
}
