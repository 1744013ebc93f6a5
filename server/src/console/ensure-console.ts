/** Builds the console where it runs from its sources and was not built since they changed. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import Type from 'typebox';
import { Parse } from 'typebox/value';

export type ConsoleOutcome =
  | { readonly kind: 'ready'; readonly directory: string }
  /** The API answers without it. */
  | { readonly kind: 'missing'; readonly reason: string };

export async function ensureConsole(consoleFolder: string, say: (line: string) => void): Promise<ConsoleOutcome> {
  const directory = path.join(consoleFolder, 'dist');
  const index = path.join(directory, 'index.html');
  const sources = await newestOf([
    path.join(consoleFolder, 'src'),
    path.join(consoleFolder, 'index.html'),
    path.join(consoleFolder, 'vite.config.ts'),
    path.join(path.dirname(consoleFolder), 'contract', 'src'),
  ]);
  const built = existsSync(index) ? (await stat(index)).mtimeMs : 0;
  if (built > sources) return { kind: 'ready', directory };
  if (!existsSync(path.join(consoleFolder, 'index.html'))) {
    return built > 0 ? { kind: 'ready', directory } : { kind: 'missing', reason: 'its sources are not here' };
  }
  const vite = await findVite(consoleFolder);
  if (vite === undefined)
    return built > 0 ? { kind: 'ready', directory } : { kind: 'missing', reason: 'vite is not installed' };
  say('Building the console, once ...');
  const failure = await build(vite, consoleFolder, directory);
  if (failure === undefined) return { kind: 'ready', directory };
  if (!existsSync(index)) return { kind: 'missing', reason: `it could not be built: ${failure}` };
  say(`The console could not be built and is shown as it was before: ${failure}`);
  return { kind: 'ready', directory };
}

async function newestOf(places: readonly string[]): Promise<number> {
  let newest = 0;
  for (const place of places) {
    if (!existsSync(place)) continue;
    const isFolder = (await stat(place)).isDirectory();
    const files = isFolder ? await readdir(place, { recursive: true }) : [''];
    for (const file of files) newest = Math.max(newest, (await stat(path.join(place, file))).mtimeMs);
  }
  return newest;
}

const PackageFile = Type.Object({ bin: Type.Union([Type.String(), Type.Record(Type.String(), Type.String())]) });

async function findVite(consoleFolder: string): Promise<string | undefined> {
  try {
    const file = createRequire(path.join(consoleFolder, 'package.json')).resolve('vite/package.json');
    const { bin } = Parse(PackageFile, JSON.parse(await readFile(file, 'utf8')));
    const entry = typeof bin === 'string' ? bin : bin['vite'];
    return entry && path.join(path.dirname(file), entry);
  } catch {
    return undefined; // An installation without what builds it.
  }
}

/**
 * Built beside its place and put there with a rename, so that another control plane that starts or serves from the same
 * folder never meets half of it. Undefined when it succeeded, else what was said last.
 */
async function build(vite: string, consoleFolder: string, directory: string): Promise<string | undefined> {
  const beside = await mkdtemp(`${directory}-`);
  try {
    const failure = await runVite(vite, consoleFolder, beside);
    if (failure !== undefined) return failure;
    // A temporary folder is its maker's alone; this one is for whoever starts a control plane here.
    await chmod(beside, 0o755);
    const before = `${beside}-before`;
    if (existsSync(directory)) await rename(directory, before);
    await rename(beside, directory).catch((error: unknown) => {
      // Another start was faster by a moment; what it built is as good.
      if (!existsSync(path.join(directory, 'index.html'))) throw error;
    });
    await rm(before, { recursive: true, force: true });
    return undefined;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

async function runVite(vite: string, consoleFolder: string, outDir: string): Promise<string | undefined> {
  const child = spawn(process.execPath, [vite, 'build', '--outDir', outDir, '--emptyOutDir'], {
    cwd: consoleFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const keep = (chunk: Buffer) => {
    said = `${said}${chunk.toString('utf8')}`.slice(-2000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const code = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(status ?? signal ?? 'ended'));
  });
  return code === 0 ? undefined : `${said.trim() || code}`;
}
