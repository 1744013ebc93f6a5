import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { refusalFailure } from '../failure.ts';
import { type OutputForm, printList, printValue, renderTable } from '../output.ts';
import { warnOfExpiry } from '../publishing.ts';
import { recallLines } from '../recalled.ts';
import type { Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
  readonly repository?: string;
}

export function releaseList(terminal: Terminal): Command {
  return apiCommand('list', "the releases this control plane has, or those of a publisher's folder")
    .option('--repository <folder>', 'of this folder: its releases, who signs them, and until when they are good')
    .addOption(outputOption())
    .action(async ({ output, repository, ...common }: Options) => {
      if (repository !== undefined) return listFolder(terminal, repository, output);
      const { items } = await open(terminal, common).client.listReleases({});
      printList(terminal, output, {
        items,
        columns: [
          { head: 'VERSION', of: (release) => release.version },
          { head: 'PLATFORM', of: (release) => (release.isPlatformVersion ? 'current' : undefined) },
          { head: 'RECALLED', of: ({ recalled }) => (recalled === undefined ? undefined : 'recalled') },
          { head: 'AGENT', of: (release) => release.agentVersion },
          { head: 'CHANNELS', of: (release) => release.channels.join(',') },
          { head: 'FROM', of: (release) => release.upgradeFrom?.join(',') ?? 'rule of thumb' },
          { head: 'PUBLISHED', of: (release) => clockTime(release.publishedAt) },
          { head: 'AGENT DIGEST', isWideOnly: true, of: (release) => release.agentDigest },
          { head: 'PROFILES', isWideOnly: true, of: (release) => Object.keys(release.profiles).join(',') },
        ],
        nameOf: (release) => release.version,
        whenEmpty: 'There are no releases. `gatehouse release import <folder>` brings them.',
      });
      if (output !== 'table' && output !== 'wide') return;
      for (const line of items.flatMap(recallLines)) terminal.out(line);
    });
}

async function listFolder(terminal: Terminal, folder: string, output: OutputForm): Promise<void> {
  const { listRepository } = await import('@gatehouse/release/publish-release');
  const { readRecalls } = await import('@gatehouse/release/publish-recall');
  const { expiringRoles } = await import('@gatehouse/release/tuf-repository');
  const listed = await listRepository(folder);
  if (listed.kind === 'refused') throw refusalFailure(listed.reasons);
  const { releases, roles, rootFingerprint, expires, expiryDays } = listed.value;
  const recalls = await readRecalls(folder);
  if (recalls.kind === 'refused') throw refusalFailure(recalls.reasons);
  const recalled = new Map(recalls.value.map((recall) => [recall.platformVersion, recall.reason]));
  if (output === 'json' || output === 'yaml') {
    return printValue(terminal, output, {
      items: releases,
      recalls: recalls.value,
      roles,
      expiryDays,
      rootFingerprint,
    });
  }
  printList(terminal, output, {
    items: releases,
    columns: [
      { head: 'VERSION', of: (release) => release.platformVersion },
      { head: 'RECALLED', of: (release) => recalled.get(release.platformVersion) },
      { head: 'AGENT', of: (release) => release.agent.version },
      { head: 'CHANNELS', of: (release) => release.channels.join(',') },
      { head: 'FROM', of: (release) => release.upgradeFrom?.map(({ from }) => from).join(',') ?? 'rule of thumb' },
      { head: 'PUBLISHED', of: (release) => clockTime(release.publishedAt) },
      { head: 'AGENT DIGEST', isWideOnly: true, of: (release) => release.agent.digest },
      { head: 'PROFILES', isWideOnly: true, of: (release) => Object.keys(release.profiles).join(',') },
    ],
    nameOf: (release) => release.platformVersion,
    whenEmpty: 'There are no releases in it yet.',
  });
  if (output === 'name') return;
  terminal.out('');
  terminal.out(
    renderTable(
      [
        { head: 'ROLE', of: (role) => role.role },
        { head: 'VERSION', of: (role) => String(role.version) },
        { head: 'EXPIRES', of: (role) => role.expires },
        { head: 'LASTS', of: (role) => `${expiryDays[role.role]} days` },
        { head: 'SIGNATURES', of: (role) => `${role.threshold} of ${role.keyIds.length}` },
        { head: 'KEYS', of: (role) => role.keyIds.map((keyId) => keyId.slice(0, 12)).join(',') },
      ],
      roles,
      false,
    ),
  );
  terminal.out(`\nFingerprint of the root of trust: ${rootFingerprint}`);
  warnOfExpiry(terminal, expiringRoles({ expires, expiry: expiryDays }, new Date(terminal.now())));
}
