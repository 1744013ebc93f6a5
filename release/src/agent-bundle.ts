/**
 * The agent as one file, for the image and for the sandbox. The same source and version give the same bytes, so the
 * digest in a release can be reproduced. What the agent imports on demand stays so: the file holds it, but evaluates it
 * only when asked, which keeps `agent.mjs guard` small in memory.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

/** Packages that are CommonJS call `require` for Node's own modules; a module in ESM has none by itself. */
const banner = [
  "import { createRequire as gatehouseCreateRequire } from 'node:module';",
  'const require = gatehouseCreateRequire(import.meta.url);',
].join('\n');

/**
 * Bundles the program that starts at `entry` for Node 24. `version` replaces the name `GATEHOUSE_AGENT_VERSION` in its
 * source. Throws with esbuild's messages when the source does not build.
 */
export async function bundleAgent(input: { readonly entry: string; readonly version: string }): Promise<Uint8Array> {
  const result = await build({
    entryPoints: [input.entry],
    // Paths of sources stand in comments; relative to here they are the same in every checkout.
    absWorkingDir: packageDirectory(input.entry),
    bundle: true,
    write: false,
    splitting: false,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    define: { GATEHOUSE_AGENT_VERSION: JSON.stringify(input.version) },
    banner: { js: banner },
    legalComments: 'eof',
    // Node shows the line that failed; if all were one line, it would bury the reason in a pod's termination message.
    minify: false,
    sourcemap: false,
    logLevel: 'silent',
  });
  const [file] = result.outputFiles;
  if (!file) throw new Error(`esbuild wrote nothing for ${input.entry}`);
  return file.contents;
}

function packageDirectory(entry: string): string {
  let directory = path.dirname(path.resolve(entry));
  while (!existsSync(path.join(directory, 'package.json'))) {
    const parent = path.dirname(directory);
    if (parent === directory) throw new Error(`${entry} belongs to no package: no package.json above it`);
    directory = parent;
  }
  return directory;
}
