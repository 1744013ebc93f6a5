/** What nearly every poll of a fleet is: nothing new. It should cost little more than any request at all. */

import { startWithEnrolledAgent } from './enrolled-agent.ts';
import { compare } from './rounds.ts';

const requests = 1000;
const atOnce = 16;
const rounds = 7;

async function repeat(request: () => Promise<unknown>): Promise<void> {
  let left = requests;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      await request();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

export async function measurePollsWithNothingNew(): Promise<void> {
  const { server, poll, stop } = await startWithEnrolledAgent();
  try {
    const health = async () => (await fetch(`${server}/healthz`)).text();
    await compare(
      `${requests} polls that bring nothing new, ${atOnce} at once, beside as many GET /healthz of the same server`,
      { name: 'poll', run: () => repeat(poll) },
      { name: 'GET /healthz', run: () => repeat(health) },
      rounds,
    );
  } finally {
    await stop();
  }
}
