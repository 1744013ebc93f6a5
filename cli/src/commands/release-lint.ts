import type { LintReport } from '@gatehouse/release/lint-releases';
import { Command, Option } from 'commander';
import { exitCodes, Failure, refusalFailure } from '../failure.ts';
import { type Column, printValue, renderTable } from '../output.ts';
import { plain, type Terminal } from '../terminal.ts';

interface Options {
  readonly output: 'table' | 'json' | 'yaml';
  readonly strict?: boolean;
}

type Finding = LintReport['findings'][number];

const versionsShownMax = 3;
const columns: readonly Column<Finding>[] = [
  { head: 'SEVERITY', of: ({ severity }) => severity },
  { head: 'CODE', of: ({ code }) => code },
  { head: 'RELEASES', of: ({ releases }) => shorten(releases) },
];

export function releaseLint(terminal: Terminal): Command {
  return new Command('lint')
    .description('say what is wrong with releases and the paths they make, before anybody follows them')
    .argument('<folders...>', 'repositories, sources of releases, or folders of sources; judged together')
    .option('--strict', 'fail on warnings too')
    .addOption(new Option('-o, --output <form>', 'how to print').choices(['table', 'json', 'yaml']).default('table'))
    .action(async (folders: readonly string[], { output, strict = false }: Options) => {
      const { lintFolders } = await import('@gatehouse/release/lint-releases');
      const linted = await lintFolders(folders);
      if (linted.kind === 'refused') throw refusalFailure(linted.reasons);
      const { releases, findings } = linted.value;
      const errors = findings.filter(({ severity }) => severity === 'error').length;
      const warnings = findings.length - errors;
      if (output === 'table') printTable(terminal, findings);
      else printValue(terminal, output, { releases, errors, warnings, items: findings });
      const counted = `${count(releases.length, 'release')}: ${count(errors, 'error')}, ${count(warnings, 'warning')}.`;
      if (errors > 0 || (strict && warnings > 0)) throw new Failure(exitCodes.failed, [counted]);
      terminal.error(counted);
    });
}

/** What was found is longer than a cell, so it stands below its line. */
function printTable(terminal: Terminal, findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  const [head = '', ...lines] = renderTable(columns, findings, false).split('\n');
  terminal.out(head);
  for (const [index, { message, nextStep }] of findings.entries()) {
    terminal.out(lines[index] ?? '');
    terminal.out(`  ${plain(message)}`);
    if (nextStep !== '') terminal.out(`  ${plain(nextStep)}`);
  }
}

function shorten(releases: readonly string[]): string {
  const left = releases.length - versionsShownMax;
  return [...releases.slice(0, versionsShownMax), ...(left > 0 ? [`and ${left} more`] : [])].join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
