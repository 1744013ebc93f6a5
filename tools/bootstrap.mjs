// Makes one command enough on a fresh clone: installs the dependencies if they are missing or do not match the lock
// file, then runs a file of this repository or a program of a dependency with the right Node.
//   node tools/bootstrap.mjs <file.ts | program> [args]
// Plain JavaScript without dependencies: it runs before there are any, on any Node from 18.
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { continueWithNode, findNode, repositoryRoot } from './runtime.mjs';

const modulesFolder = path.join(repositoryRoot, 'node_modules');

// Programs that npm scripts name, by the package that brings them. Not looked up in node_modules/.bin, whose entries
// are no JavaScript on Windows.
const packageOfProgram = new Map([
  ['vitest', 'vitest'],
  ['vite', 'vite'],
  ['biome', '@biomejs/biome'],
  ['knip', 'knip'],
  ['oxlint', 'oxlint'],
  ['tsc', 'typescript'],
  ['depcruise', 'dependency-cruiser'],
]);

/** @param {string} file */
function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

// Compared package by package with what npm recorded as installed, not by a hash of the lock file: an `npm install` by
// hand is then as good as ours, and is not undone while another process runs from the same folder.
function whatIsNotInstalled() {
  const record = path.join(modulesFolder, '.package-lock.json');
  if (!existsSync(record)) return 'there is no node_modules yet';
  const installed = readJson(record).packages;
  const wanted = readJson(path.join(repositoryRoot, 'package-lock.json')).packages;
  for (const [name, entry] of Object.entries(wanted)) {
    if (!name.includes('node_modules/')) continue;
    const found = installed[name];
    if (found === undefined) {
      // An optional package may be for another platform.
      if (entry.optional || entry.devOptional || entry.peer) continue;
      return `${name} is not installed`;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity)
      return `${name} is not the locked version`;
  }
  return findNode() === undefined ? 'Node 24 is missing' : undefined;
}

function install() {
  const reason = whatIsNotInstalled();
  if (reason === undefined) return;
  console.error(`Installing dependencies with npm ci (${reason}) ...`);
  // npm names itself to its scripts; started by hand, it is the one on the path.
  const npm = process.env['npm_execpath'];
  const args = ['ci', '--loglevel=error', '--no-progress'];
  const options = { cwd: repositoryRoot, stdio: ['ignore', process.stderr, process.stderr], env: npmEnvironment() };
  const result =
    npm?.endsWith('.js') === true
      ? spawnSync(process.env['npm_node_execpath'] ?? process.execPath, [npm, ...args], options)
      : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (result.error) throw new Error('npm could not be started', { cause: result.error });
  if (result.status !== 0) {
    console.error('npm ci failed; its messages are above. Nothing else was run.');
    process.exit(result.status ?? 1);
  }
  const still = whatIsNotInstalled();
  // On a platform without its own Node package findNode explains itself later.
  if (still !== undefined && findNode() !== undefined) throw new Error(`after npm ci still: ${still}`);
}

// What the outer npm was told (a workspace, a script's name) is not meant for this one.
function npmEnvironment() {
  const meant = /^npm_config_(workspaces?|prefix|local_prefix|global|omit|include|ignore_scripts|package_lock_only)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !meant.test(name)));
}

// Two commands started at once must not both rebuild node_modules. The lock lies outside of it, because npm ci empties it.
async function withInstallLock(action) {
  const key = createHash('sha256').update(repositoryRoot).digest('hex').slice(0, 16);
  const file = path.join(tmpdir(), `gatehouse-install-${key}.lock`);
  const mine = `${process.pid} ${randomUUID()}`;
  let isWaiting = false;
  for (;;) {
    if (takeLock(file, mine)) {
      // Two that both found a dead owner may have removed each other's lock: the one whose text stayed has it.
      await sleep(50);
      if (readLock(file) === mine) break;
    }
    if (!isWaiting) console.error('Another command is installing dependencies; waiting for it ...');
    isWaiting = true;
    await sleep(300);
  }
  try {
    action();
  } finally {
    rmSync(file, { force: true });
  }
}

function takeLock(file, text) {
  const owner = readLock(file);
  if (owner !== undefined && !isAlive(Number.parseInt(owner, 10))) rmSync(file, { force: true });
  try {
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readLock(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  // An owner that has made the file and not yet written its text: give it time.
  if (!Number.isInteger(pid)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** @param {string} what */
function fileToRun(what) {
  const packageName = packageOfProgram.get(what);
  if (packageName === undefined) return path.join(repositoryRoot, what);
  const folder = path.join(modulesFolder, packageName);
  const { bin } = readJson(path.join(folder, 'package.json'));
  return path.join(folder, typeof bin === 'string' ? bin : bin[what]);
}

const [what, ...args] = process.argv.slice(2);
if (what === undefined) {
  console.error('Usage: node tools/bootstrap.mjs <file | program> [args]');
  process.exit(2);
}
if (whatIsNotInstalled() !== undefined) await withInstallLock(install);
continueWithNode(fileToRun(what), args);
