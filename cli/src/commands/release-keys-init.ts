import { Command } from 'commander';
import { refusalFailure } from '../failure.ts';
import type { Terminal } from '../terminal.ts';

export function releaseKeysInit(terminal: Terminal): Command {
  return new Command('keys').description('the keys that sign releases').addCommand(
    new Command('init')
      .description('make the four signing keys; keep the folder away from the control plane')
      .argument('<folder>', 'a new folder, readable by you alone')
      .action(async (folder: string) => {
        const { generateKeys } = await import('@gatehouse/release/keys');
        const made = await generateKeys(folder);
        if (made.kind === 'refused') throw refusalFailure(made.reasons);
        for (const key of made.value) terminal.out(`${key.role.padEnd(10)} ${key.keyId}`);
        terminal.error(`Whoever has ${folder} can put code on every gateway that trusts it. Keep a copy offline.`);
      }),
  );
}
