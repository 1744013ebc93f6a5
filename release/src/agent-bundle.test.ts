import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleAgent } from './agent-bundle.ts';
import { sha256Digest } from './canonical-json.ts';

let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), 'gatehouse-bundle-'));
  const files: Record<string, string> = {
    'package.json': '{"type":"module"}',
    'src/main.ts': `
      import { basename } from 'node:path';
      declare const GATEHOUSE_AGENT_VERSION: string;
      console.log(basename('/agent'), GATEHOUSE_AGENT_VERSION);
      if (process.argv[2] !== 'guard') (await import('./heavy.ts')).run();
    `,
    'src/heavy.ts': `
      import legacy from 'legacy';
      console.log('heavy evaluated');
      export const run = (): void => console.log(legacy.joined);
    `,
    'node_modules/legacy/package.json': '{"name":"legacy","main":"index.js"}',
    // The name is put together so that the bundler cannot resolve it.
    'node_modules/legacy/index.js':
      "const name = ['pa', 'th'].join(''); exports.joined = require(name).join('a', 'b'); console.log('legacy evaluated');",
  };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(scratch, 'one', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function runBundle(bytes: Uint8Array, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-', ...args], { input: bytes });
  return stdout.toString() + stderr.toString();
}

test('one file with the version in it, CommonJS packages included, and imports on demand stay on demand', async () => {
  const bytes = await bundleAgent({ entry: path.join(scratch, 'one/src/main.ts'), version: '4.2.7' });
  expect(runBundle(bytes)).toBe('agent 4.2.7\nlegacy evaluated\nheavy evaluated\na/b\n');
  expect(runBundle(bytes, 'guard')).toBe('agent 4.2.7\n');
});

test('the same source in another folder gives the same bytes, another version others', async () => {
  await cp(path.join(scratch, 'one'), path.join(scratch, 'two/deeper'), { recursive: true });
  const digest = async (folder: string, version: string) =>
    sha256Digest(await bundleAgent({ entry: path.join(scratch, folder, 'src/main.ts'), version }));
  expect(await digest('two/deeper', '4.2.7')).toBe(await digest('one', '4.2.7'));
  expect(await digest('one', '4.2.8')).not.toBe(await digest('one', '4.2.7'));
});

test('source that does not build is said to be so', async () => {
  const entry = path.join(scratch, 'one/src/broken.ts');
  await writeFile(entry, "import './missing.ts';");
  await expect(bundleAgent({ entry, version: '4.2.7' })).rejects.toThrow('missing.ts');
});
