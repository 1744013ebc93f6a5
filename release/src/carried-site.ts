/** The files of a repository where any static file server has them. What is in them is not believed yet. */

import { readBounded } from './bounded-body.ts';
import type { CarriedFiles } from './carried-files.ts';

const requestSeconds = 120;
const rootsMax = 1000;
/** Some stores answer so for what they do not have, lest anybody learn what there is. */
const missingStatuses = [403, 404, 410];

/** The site did not answer, or not with a file. */
export class SiteFault extends Error {
  override readonly name = 'SiteFault';
}

/** `url`: of the folder that holds `metadata/` and `targets/`. */
export function openCarriedSite(url: string): CarriedFiles {
  const base = new URL(url.endsWith('/') ? url : `${url}/`);

  async function read(file: string, bytesMax: number): Promise<Uint8Array | undefined> {
    const place = new URL(file.split('/').map(encodeURIComponent).join('/'), base);
    // Paths come from metadata that is not verified yet, and must not lead out of the folder.
    if (!place.href.startsWith(base.href)) return undefined;
    try {
      const answer = await fetch(place, { signal: AbortSignal.timeout(requestSeconds * 1000) });
      if (missingStatuses.includes(answer.status)) {
        await answer.body?.cancel();
        return undefined;
      }
      if (!answer.ok) throw new SiteFault(`it was answered ${answer.status}`);
      return await readBounded(answer, bytesMax);
    } catch (cause) {
      throw new SiteFault(`${place.href} cannot be fetched`, { cause });
    }
  }

  return {
    paths: undefined,
    /** Roots alone: a static server lists nothing, and the other names stand in what they lead to. */
    async metadataNames() {
      const names: string[] = [];
      while (names.length < rootsMax) {
        const name = `${names.length + 1}.root.json`;
        if ((await read(`metadata/${name}`, 1)) === undefined) break;
        names.push(name);
      }
      return names;
    },
    size: async () => undefined,
    read,
    stream(file) {
      throw new SiteFault(`${base.href} brings no ${file}: images come in bundles`);
    },
    close: () => Promise.resolve(),
  };
}
