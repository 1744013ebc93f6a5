import { BrokenOff, OtherContent } from '@gatehouse/release/archive-writer';
import { RegistryError } from '@gatehouse/release/oci-registry';
import { exitCodes, Failure } from './failure.ts';

/** What a registry, the network or the disk did, in words instead of a stack; a bug keeps its own. */
export async function orFailure<Result>(call: () => Promise<Result>, nextStep: string): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    if (!isOfTheWorld(error)) throw error;
    throw new Failure(exitCodes.failed, [...messagesOf(error), `  ${nextStep}`]);
  }
}

function isOfTheWorld(error: unknown): error is Error {
  if (error instanceof RegistryError || error instanceof OtherContent || error instanceof BrokenOff) return true;
  return error instanceof Error && 'syscall' in error;
}

function messagesOf(error: Error): readonly string[] {
  const { cause } = error;
  return [error.message, ...(cause instanceof Error ? messagesOf(cause).map((line) => `  ${line.trim()}`) : [])];
}
