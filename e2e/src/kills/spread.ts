/** Milliseconds as a line: how many there are, the median, the 95th of a hundred, and the longest. */
export function spread(milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number): string => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return value === undefined ? '-' : `${(value / 1000).toFixed(1)} s`;
  };
  return `n ${sorted.length}, median ${at(0.5)}, p95 ${at(0.95)}, longest ${at(1)}`;
}
