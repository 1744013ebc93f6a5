// Runs the repository's checks: `tools/check.ts [name ...]`, all of them without a name. All run to their end and every
// failure is shown, so that one round of corrections is enough.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { workspaces } from './workspaces.ts';

const root = path.dirname(import.meta.dirname);

type Run = { readonly title: string; readonly command: readonly [string, ...string[]] };

const runsOfCheck: Readonly<Record<string, () => readonly Run[]>> = {
  types: typeRuns,
  lint: () => [{ title: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings'] }],
  format: () => [{ title: 'format', command: ['biome', 'check', '--error-on-warnings'] }],
  imports: () => [
    {
      title: 'imports',
      command: ['depcruise', ...workspaces(root).map(({ folder }) => folder), '--config', '.dependency-cruiser.mjs'],
    },
    { title: 'clock and chance in domain', command: ['tools/checks/clock-ban.ts', 'domain/src'] },
    { title: 'lock file', command: ['tools/checks/lock-file.ts', 'package-lock.json'] },
  ],
  unused: () => [{ title: 'unused', command: ['knip', '--no-progress'] }],
};

function typeRuns(): readonly Run[] {
  return workspaces(root).flatMap(({ folder }) =>
    readdirSync(path.join(root, folder))
      .filter((file) => /^tsconfig(\..+)?\.json$/.test(file))
      .map((file) => ({ title: `types ${folder}/${file}`, command: ['tsc', '-p', path.join(folder, file)] as const })),
  );
}

type Outcome = { readonly title: string; readonly passed: boolean; readonly seconds: number };

async function perform(run: Run): Promise<Outcome> {
  const start = performance.now();
  const { code, output } = await capture(run.command);
  const seconds = (performance.now() - start) / 1000;
  // A workspace whose first file is still to come.
  const isEmpty = output.includes('error TS18003');
  if (isEmpty) return { title: `${run.title}: no files yet`, passed: true, seconds };
  if (code !== 0) console.log(`\n--- ${run.title}: ${run.command.join(' ')}\n${output.trimEnd()}\n`);
  return { title: run.title, passed: code === 0, seconds };
}

function capture(command: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(root, 'tools/bootstrap.mjs'), ...command], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString('utf8') }));
  });
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !(name in runsOfCheck));
if (unknown.length > 0) {
  console.error(`No check is named ${unknown.join(', ')}; there are ${Object.keys(runsOfCheck).join(', ')}.`);
  process.exit(2);
}
const chosen = Object.entries(runsOfCheck).filter(([name]) => names.length === 0 || names.includes(name));
let failed = 0;
for (const [, runs] of chosen) {
  for (const run of runs()) {
    // One after the other: each of these programs uses all cores by itself.
    const outcome = await perform(run);
    if (!outcome.passed) failed += 1;
    console.log(`${outcome.passed ? 'passed' : 'FAILED'}  ${outcome.title} (${outcome.seconds.toFixed(1)} s)`);
  }
}
console.log(failed === 0 ? 'All checks passed.' : `${failed} failed.`);
process.exitCode = failed === 0 ? 0 : 1;
