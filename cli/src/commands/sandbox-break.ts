import { existsSync, realpathSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { Command, Option } from 'commander';
import { exitCodes, Failure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';

interface Options {
  readonly by: (typeof troubles)[number];
  readonly mend?: boolean;
  readonly data: string;
}

const troubles = ['bad-agent', 'no-address', 'pause'] as const;
const defaultData = './.gatehouse';

/** When it is to be seen: nothing on the gateway changes by the trouble alone. */
const shownBy: Readonly<Record<Options['by'], string>> = {
  'bad-agent':
    'It shows when the platform moves: on the page Platform of the console, or by `gatehouse platform upgrade 4.2.7`.',
  'no-address': 'It shows in a profile update that replaces nodes.',
  pause: 'It shows in a profile update that replaces nodes.',
};

/** One request to the sandbox program over its socket: `POST /break` or `POST /mend` with `{gateway, by}`. */
function ask(socketPath: string, verb: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath, path: `/${verb}`, method: 'POST', headers: { 'content-type': 'application/json' } },
      (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

/** Where a link to a socket leads: a socket's own path is short, the path of a data directory need not be. */
function realPath(file: string): string {
  return existsSync(file) ? realpathSync(file) : file;
}

function messageOf(text: string): string {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && 'message' in value ? String(value.message) : text;
}

function sandboxBreak(terminal: Terminal): Command {
  return new Command('break')
    .description('make trouble on a sandbox gateway, to see how it is explained')
    .argument('[gateway]', 'name of a sandbox gateway', 'sandbox-vsphere')
    .addOption(new Option('--by <trouble>', 'which').choices(troubles).default('bad-agent'))
    .option('--mend', 'take that trouble away again')
    .option('--data <folder>', 'data directory of the control plane', defaultData)
    .action(async (gateway: string, { by, mend, data }: Options) => {
      const socketPath = realPath(path.resolve(terminal.cwd, data, 'sandbox', 'control.sock'));
      const answer = await ask(socketPath, mend === true ? 'mend' : 'break', JSON.stringify({ gateway, by })).catch(
        (error: unknown) => {
          throw new Failure(exitCodes.failed, [
            `No sandbox answers at ${socketPath}: ${error instanceof Error ? error.message : String(error)}`,
            'Start one with `npm start`, or give its data directory with --data.',
          ]);
        },
      );
      if (answer.status === 404) throw new Failure(exitCodes.notFound, [messageOf(answer.text)]);
      if (answer.status === 409) throw new Failure(exitCodes.refused, [messageOf(answer.text)]);
      if (answer.status >= 400) throw new Failure(exitCodes.failed, [messageOf(answer.text)]);
      terminal.out(messageOf(answer.text));
      if (mend === true) return;
      terminal.out(shownBy[by]);
      const where = data === defaultData ? '' : ` --data ${data}`;
      terminal.out(`Take it away again with \`gatehouse sandbox break ${gateway} --by ${by} --mend${where}\`.`);
    });
}

/** `gatehouse sandbox break`; the sandbox itself is started by the server, or by hand with `gatehouse sandbox run`. */
export function sandbox(terminal: Terminal, run: Command): Command {
  return new Command('sandbox')
    .description('real agents on simulated clusters')
    .addCommand(sandboxBreak(terminal))
    .addCommand(run);
}
