import { Command } from 'commander';
import { refusalFailure } from '../failure.ts';
import { askPassphrase, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
import { type ExpiryOptions, expiryOf, warnOfExpiry, withExpiry, withFolders } from '../publishing.ts';
import type { Terminal } from '../terminal.ts';

interface Options extends PassphraseOptions, ExpiryOptions {
  readonly repository: string;
  readonly keys: readonly string[];
}

export function releaseRefresh(terminal: Terminal): Command {
  const command = withFolders(
    new Command('refresh').description(
      'sign snapshot and timestamp anew before they expire; needs no key of targets or root',
    ),
  );
  return withPassphrase(withExpiry(command, ['snapshot', 'timestamp'])).action(async (options: Options) => {
    const { readKeyFolder } = await import('@gatehouse/release/keys');
    const { expiringRoles, refreshRepository } = await import('@gatehouse/release/tuf-repository');
    const now = new Date(terminal.now());
    const folder = await readKeyFolder(options.keys, askPassphrase(terminal, options));
    const keys = await folder.open(['snapshot', 'timestamp']);
    if (keys.kind === 'refused') throw refusalFailure(keys.reasons);
    const refreshed = await refreshRepository({
      directory: options.repository,
      keys: keys.value,
      now,
      ...expiryOf(options),
    });
    if (refreshed.kind === 'refused') throw refusalFailure(refreshed.reasons);
    const { expires } = refreshed.value;
    terminal.out(`Refreshed: timestamp until ${expires.timestamp}, snapshot until ${expires.snapshot}.`);
    warnOfExpiry(terminal, expiringRoles(refreshed.value, now));
    terminal.error('Control planes have it after `gatehouse release import`.');
  });
}
