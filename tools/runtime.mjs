// Which Node runs Gatehouse. The sources are TypeScript run as they are, which needs Node 24; it comes as an npm
// package, so that any machine with some Node and npm can start. Plain JavaScript, because an old Node runs this file.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const wantedMajor = 24;
// The first in which type stripping is stable.
const oldestMinorOfMajor = 15;

/** @param {string} version */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= oldestMinorOfMajor);
}

// The packages that the npm package `node` would fetch by an install script. Named directly they stand in the lock
// file with their hash and need no script.
function installedNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const program = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  const file = path.join(repositoryRoot, 'node_modules', `node-${platform}-${process.arch}`, program);
  return existsSync(file) ? file : undefined;
}

/** The Node to run with, or undefined if neither npm brought one nor the running one will do. */
export function findNode() {
  return installedNode() ?? (isNewEnough(process.versions.node) ? process.execPath : undefined);
}

function nodeMissingMessage() {
  return (
    `Gatehouse needs Node ${wantedMajor}.${oldestMinorOfMajor} or newer; this is ${process.versions.node}, and npm has ` +
    `no Node ${wantedMajor} for ${process.platform}-${process.arch} here. Install Node ${wantedMajor} and try again.`
  );
}

/** Whether the running Node can import the TypeScript sources itself. */
export function isRunningNodeNewEnough() {
  return isNewEnough(process.versions.node);
}

// If npm is killed, what it started goes on. So below npm a parent stays, which ends the program when npm is gone. (That
// npm is the parent and not a shell between them, which keeps signals to itself, is due to `exec` in the scripts.)
const isBelowNpm = process.env['npm_lifecycle_event'] !== undefined;
const abandonedPollMilliseconds = 250;

/**
 * Goes on as `node file ...args` with the right Node; does not return.
 * @param {string} file
 * @param {readonly string[]} args
 */
export function continueWithNode(file, args) {
  const node = findNode();
  if (node === undefined) {
    console.error(nodeMissingMessage());
    process.exit(1);
  }
  if (!isBelowNpm && typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(node, [node, file, ...args], process.env);
  }
  const parent = process.ppid;
  const child = spawn(node, [file, ...args], { stdio: 'inherit' });
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill('SIGTERM');
  }, abandonedPollMilliseconds);
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => {
      // A terminal sends an interrupt to the child too; a second one would mean "at once" to it.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    });
  }
  child.on('error', (error) => {
    console.error(`Cannot run ${node}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
