/** What a control plane trusts already, from the signed files that it serves to agents. */

import { readBounded } from '@gatehouse/release/bounded-body';
import type { ControlPlaneTrust } from '@gatehouse/release/bundle-import';
import { parseSnapshot, parseTimestamp } from '@gatehouse/release/tuf-metadata';
import { exitCodes, Failure } from './failure.ts';

const metadataBytesMax = 5_000_000;

/**
 * `undefined` before its first import. `rootVersions`: those that the import brings; a control plane's roots are among
 * them, or the two have nothing in common.
 */
export async function fetchControlPlaneTrust(
  server: string,
  rootVersions: readonly number[],
): Promise<ControlPlaneTrust | undefined> {
  const metadata = (name: string) => fetchFile(`${server}/v1/tuf/metadata/${name}`, metadataBytesMax);
  const timestamp = await metadata('timestamp.json');
  if (timestamp === undefined) return undefined;
  const roots: Uint8Array[] = [];
  for (const version of rootVersions.toSorted((a, b) => a - b)) {
    const root = await metadata(`${version}.root.json`);
    if (root !== undefined) roots.push(root);
  }
  const newest = roots.at(-1);
  if (newest === undefined) {
    throw new Failure(exitCodes.refused, [
      'Nothing was imported: this control plane trusts a root of which the import carries no version.',
      '  Compare the root fingerprint with the publisher: these files are from somebody else.',
    ]);
  }
  const snapshotVersion = parseTimestamp(timestamp).signed.snapshotMeta.version;
  const snapshot = await metadata(`${snapshotVersion}.snapshot.json`);
  const targetsVersion = snapshot && parseSnapshot(snapshot).signed.meta['targets.json']?.version;
  const targets = targetsVersion === undefined ? undefined : await metadata(`${targetsVersion}.targets.json`);
  return {
    roots,
    stored: {
      'root.json': newest,
      'timestamp.json': timestamp,
      ...(snapshot === undefined ? {} : { 'snapshot.json': snapshot }),
      ...(targets === undefined ? {} : { 'targets.json': targets }),
    },
    held: (file, bytesMax) => fetchFile(`${server}/v1/tuf/targets/${file}`, bytesMax),
  };
}

/** Whether it has that target; its name has its digest in it. */
export async function isHeld(server: string, file: string): Promise<boolean> {
  const answer = await fetch(`${server}/v1/tuf/targets/${file}`, { method: 'HEAD' });
  return answer.status === 200;
}

async function fetchFile(url: string, bytesMax: number): Promise<Uint8Array | undefined> {
  const answer = await fetch(url);
  if (answer.status === 404) {
    await answer.body?.cancel();
    return undefined;
  }
  if (answer.status !== 200) {
    throw new Failure(exitCodes.failed, [
      `${url} was answered ${answer.status}; try again when the control plane is well.`,
    ]);
  }
  return readBounded(answer, bytesMax);
}
