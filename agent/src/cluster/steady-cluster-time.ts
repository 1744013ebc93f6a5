/**
 * The gateway's time for decisions: the API server's clock, but not its jumps (`domain/steady-time.ts`). Without it a clock
 * that is set in the middle of an update would end a deadline early and blame a version, or put it off by as much.
 */

import { type Instant, toInstant } from '@gatehouse/domain/instant';
import { differenceText, readSteadyTime, type SteadyTime } from '@gatehouse/domain/steady-time';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';

/**
 * As `cluster`, with a time that passes as fast as this process's own. In whole milliseconds, as times are written: what is
 * read again from an object must be the time that was written there.
 */
export function withSteadyTime<Cluster extends { now(): Promise<Instant> }>(
  cluster: Cluster,
  clock: Pick<Clock, 'monotonic'>,
  log: Log,
): Cluster {
  let time: SteadyTime | undefined;
  const now = async (): Promise<Instant> => {
    const wall = await cluster.now();
    const reading = readSteadyTime(time, { wall, counting: clock.monotonic() });
    ({ time } = reading);
    if (reading.news !== undefined) {
      const { kind, by } = reading.news;
      log('warn', 'clock', {
        what: kind,
        message: `The API server's clock is ${differenceText(by)} the time that counted`,
      });
    }
    return toInstant(Math.floor(reading.now));
  };
  return new Proxy(cluster, {
    get: (target, property, receiver): unknown => (property === 'now' ? now : Reflect.get(target, property, receiver)),
  });
}
