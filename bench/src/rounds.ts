/** Two tasks in turn, so that a machine whose speed drifts slows both; the ratio is taken round by round. */

export interface Task {
  readonly name: string;
  readonly run: () => Promise<void>;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const text = (seconds: number): string =>
  seconds < 0.5 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`;

async function secondsOf(task: Task): Promise<number> {
  const start = performance.now();
  await task.run();
  return (performance.now() - start) / 1000;
}

/** Prints how many times longer `measured` takes than `baseline`: the median of the rounds, and their extremes. */
export async function compare(title: string, measured: Task, baseline: Task, rounds: number): Promise<void> {
  await secondsOf(baseline);
  await secondsOf(measured);
  const ratios: number[] = [];
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const base = await secondsOf(baseline);
    const own = await secondsOf(measured);
    ratios.push(own / base);
    times.push(own);
  }
  console.log(title);
  console.log(`  ${measured.name} / ${baseline.name}: ${median(ratios).toFixed(2)}`);
  console.log(
    `  (lowest ${Math.min(...ratios).toFixed(2)}, highest ${Math.max(...ratios).toFixed(2)}, ${rounds} rounds, ${text(median(times))} each)`,
  );
}
