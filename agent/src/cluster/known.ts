/** A read as the decisions take it: what could not be read is `unknown`. */

import type { Known } from '@gatehouse/domain/gateway';
import { ClusterUnreachable } from './cluster.ts';

export async function known<T>(read: () => Promise<T>): Promise<Known<T>> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ClusterUnreachable) return 'unknown';
    throw error;
  }
}
