/** One file of a TUF repository over HTTP, bounded in size and time. What it holds is verified by whoever asked. */

import type { Fetched } from '@gatehouse/release/tuf-client';
import type { HttpDoor } from './http.ts';

/** Longer than the verifying side waits, which then says in its own words that it took too long. */
const fileMillisecondsMax = 150_000;

/** `path` is below the door's address, percent-encoded. Throws when nothing can be said of the file. */
export async function fetchRepositoryFile(
  door: HttpDoor,
  path: string,
  bytesMax: number,
  signal?: AbortSignal,
): Promise<Fetched> {
  const answer = await door.send({
    method: 'GET',
    path,
    bodyBytesMax: bytesMax,
    millisecondsMax: fileMillisecondsMax,
    ...(signal === undefined ? {} : { signal }),
  });
  if (answer.kind === 'unreachable') {
    if (answer.isTooLarge === true) return 'too-large';
    throw new Error(answer.message);
  }
  // Some file servers, those of object stores among them, say 403 of what is not there.
  if (answer.status === 404 || answer.status === 403) return undefined;
  if (answer.status !== 200) throw new Error(`GET ${path}: status ${answer.status}`);
  return answer.body;
}
