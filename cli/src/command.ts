/** What every command shares: its flags, its connection, and how an answer becomes an exit code. */

import { Command, Option } from 'commander';
import { type Connection, connect } from './connection.ts';
import { type OutputForm, outputForms } from './output.ts';
import type { Terminal } from './terminal.ts';

export interface CommonOptions {
  readonly server?: string;
  readonly token?: string;
  readonly tenant?: string;
  readonly output?: OutputForm;
}

export const outputOption = (): Option =>
  new Option('-o, --output <form>', 'how to print').choices(outputForms).default('table');

/** A command that talks to the control plane: `--server`, `--token`, `--tenant`. */
export function apiCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--server <url>', 'the control plane (GATEHOUSE_SERVER)')
    .option('--token <token>', 'an API token (GATEHOUSE_TOKEN)')
    .option('--tenant <name>', 'the tenant, where you see several');
}

export function open(terminal: Terminal, options: CommonOptions): Connection & { readonly query: { tenant?: string } } {
  return { ...connect(terminal, options), query: options.tenant === undefined ? {} : { tenant: options.tenant } };
}
