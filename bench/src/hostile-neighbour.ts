/**
 * What a sender of hostile bodies costs everybody else: the slowest one in a hundred polls of a good agent beside it, and
 * without it. The sender is a process of its own on the same machine, so what it takes of the processors counts too.
 */

import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { startWithEnrolledAgent } from './enrolled-agent.ts';

const polls = 400;
const everyMilliseconds = 20;
const rounds = 7;
const sender = new URL('./hostile-sender.ts', import.meta.url).pathname;

/** Milliseconds below which 99 of 100 polls were answered. They are sent by the clock, however long the ones before take. */
async function slowest(poll: () => Promise<void>): Promise<number> {
  const durations: number[] = [];
  const under: Promise<void>[] = [];
  for (let count = 0; count < polls; count += 1) {
    const begun = performance.now();
    under.push(poll().then(() => void durations.push(performance.now() - begun)));
    await pause(everyMilliseconds);
  }
  await Promise.all(under);
  return durations.toSorted((a, b) => a - b)[Math.floor(polls * 0.99)] ?? 0;
}

async function besideSender(server: string, token: string, poll: () => Promise<void>): Promise<number> {
  const child = spawn(process.execPath, [sender, server, token], { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    await pause(1000);
    const took = await slowest(poll);
    if (child.exitCode !== null) throw new Error('the hostile sender has ended by itself');
    return took;
  } finally {
    child.kill('SIGKILL');
  }
}

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export async function measureHostileNeighbour(): Promise<void> {
  const { server, adminToken, poll, stop } = await startWithEnrolledAgent();
  try {
    await slowest(poll);
    const quiet: number[] = [];
    const beside: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      quiet.push(await slowest(poll));
      beside.push(await besideSender(server, adminToken, poll));
    }
    const ratios = beside.map((took, round) => took / (quiet[round] ?? took));
    console.log(
      `The slowest one in a hundred of ${polls} polls, ${1000 / everyMilliseconds} a second, beside a sender of hostile bodies and without it`,
    );
    console.log(`  beside / without: ${middle(ratios).toFixed(2)}`);
    console.log(
      `  (lowest ${Math.min(...ratios).toFixed(2)}, highest ${Math.max(...ratios).toFixed(2)}, ${rounds} rounds, ${middle(beside).toFixed(1)} ms and ${middle(quiet).toFixed(1)} ms)`,
    );
  } finally {
    await stop();
  }
}
