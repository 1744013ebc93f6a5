import { isCancel, password } from '@clack/prompts';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions } from '../command.ts';
import { clientFor, parseServer, saveConnection } from '../connection.ts';
import { exitCodes, Failure, usageFailure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';

export function login(terminal: Terminal): Command {
  return apiCommand('login', 'keep the address of a control plane and a token for it; checks both first').action(
    async ({ server: given, token: givenToken }: CommonOptions) => {
      const server = parseServer(given ?? terminal.env['GATEHOUSE_SERVER'] ?? 'http://localhost:8080');
      const token = givenToken ?? terminal.env['GATEHOUSE_TOKEN'] ?? (await askForToken(terminal, server));
      const me = await clientFor(server, token).getMe({});
      const file = await saveConnection(terminal, { server, token });
      terminal.out(`Signed in to ${server} as ${me.name} (${me.role}). Kept in ${file}.`);
    },
  );
}

async function askForToken(terminal: Terminal, server: string): Promise<string> {
  if (!terminal.isInteractive)
    throw usageFailure('Nobody is here to be asked for a token.', 'Give it with --token or GATEHOUSE_TOKEN.');
  const answer = await password({ message: `API token for ${server}` });
  if (isCancel(answer)) throw new Failure(exitCodes.failed, ['Not signed in.']);
  return answer.trim();
}
