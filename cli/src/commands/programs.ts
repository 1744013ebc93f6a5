/**
 * `gatehouse server`, `gatehouse agent` and `gatehouse sandbox`: other programs of this repository, started by their
 * path. The CLI never imports them; it hands over its terminal and ends as they end.
 */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { exitCodes, Failure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';

const programs = {
  server: {
    verb: 'server',
    file: '../../../server/src/main.ts',
    description: 'the control plane; the flags are those of `npm start --`',
  },
  agent: {
    verb: 'agent',
    file: '../../../agent/src/main.ts',
    description: "the agent's program, as it runs in a gateway",
  },
  sandbox: {
    verb: 'run',
    file: '../../../agent/src/sandbox/main.ts',
    description: 'the program that hosts simulated clusters',
  },
} as const;

function run(file: string, args: readonly string[], terminal: Terminal): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...args], {
    stdio: 'inherit',
    cwd: terminal.cwd,
  });
  terminal.interrupted.addEventListener('abort', () => child.kill('SIGINT'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      // It has said itself what was wrong.
      else reject(new Failure(code === exitCodes.usage ? exitCodes.usage : exitCodes.failed, []));
    });
  });
}

export function runProgram(name: keyof typeof programs, terminal: Terminal): Command {
  const { verb, file, description } = programs[name];
  return new Command(verb)
    .description(description)
    .helpOption(false)
    .allowUnknownOption()
    .argument('[args...]')
    .action((args: readonly string[]) => run(file, args, terminal));
}
