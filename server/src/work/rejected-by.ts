/** Never resolves; rejects with `message` once the signal is aborted. For a race with what takes no signal itself. */
export function rejectedBy(signal: AbortSignal, message: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = () => reject(new Error(message));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
