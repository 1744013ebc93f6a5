/** Flags of the commands that copy images. */

import { type Command, Option } from 'commander';

export interface RegistryOptions {
  readonly registryCa?: string;
  readonly plainHttp?: boolean;
}

export function withRegistryOptions(command: Command): Command {
  return command
    .addOption(new Option('--registry-ca <file>', "PEM of the registry's own authority"))
    .addOption(new Option('--plain-http', 'speak HTTP with a registry on this machine'));
}
