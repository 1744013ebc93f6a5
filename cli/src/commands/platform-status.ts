import { type Client, ProblemError } from '@gatehouse/contract/client';
import type { StatusWarning, SystemStatus } from '@gatehouse/contract/status-types';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open, outputOption } from '../command.ts';
import { type OutputForm, printValue, renderFacts } from '../output.ts';
import { planLines, waiverLine } from '../platform-view.ts';
import { reasonLines } from '../reasons.ts';
import { plain, type Terminal } from '../terminal.ts';

interface Options extends CommonOptions {
  readonly output: OutputForm;
}

export function platformStatus(terminal: Terminal): Command {
  return apiCommand(
    'status',
    'what is wrong with the control plane, the platform version, its plan, what holds it, waivers and the preflight',
  )
    .addOption(outputOption())
    .action(async ({ output, ...common }: Options) => {
      const { client } = open(terminal, common);
      const platform = await client.getPlatform({});
      if (output === 'name') return terminal.out(platform.version ?? '');
      const warnings = await warningsOf(client);
      if (output === 'json' || output === 'yaml') return printValue(terminal, output, { ...platform, warnings });
      if (warnings.length > 0) terminal.out(`${warnings.flatMap(warningLines).join('\n')}\n`);
      terminal.out(
        renderFacts([
          ['Platform version', platform.version ?? 'none yet: import a release with `gatehouse release import`'],
          ['Channel', platform.channel ?? 'none: every imported release is offered'],
          ['May move to', platform.reachable.join(', ') || 'nothing that was imported'],
          ['Gateways current', `${platform.gateways.current} of ${platform.gateways.total}`],
          ['Root of trust', platform.rootFingerprint],
          ['Sandbox', platform.isSandbox ? 'yes: real agents on simulated clusters' : undefined],
          ['Server program', platform.programVersion],
          ['Preflight', preflightText(platform.preflight)],
        ]),
      );
      for (const { check, outcome, message, nextStep } of platform.preflight) {
        if (outcome === 'failed' || output === 'wide') {
          terminal.out(`  ${outcome === 'failed' ? '✗' : '✓'} ${check}: ${plain(message)}`);
          if (nextStep !== undefined) terminal.out(`    ${plain(nextStep)}`);
        }
      }
      if (platform.plan !== undefined) terminal.out(`\n${planLines(platform.plan).join('\n')}`);
      if (platform.waivers.length > 0) terminal.out(`\n${platform.waivers.map(waiverLine).join('\n')}`);
      // What holds a plan under way is said with it.
      const isHeld = platform.plan?.state === 'held';
      for (const { gateway, state, reasons } of platform.gates) {
        if (isHeld && state === 'closed') continue;
        terminal.out(`\n${plain(gateway)} holds ${state === 'waived' ? 'nothing, it is waived' : 'the next hop'}:`);
        terminal.out(reasonLines(reasons).join('\n'));
      }
    });
}

/** Empty of a server that does not know the question: it is older than this program. */
async function warningsOf(client: Client): Promise<SystemStatus['warnings']> {
  try {
    return (await client.getStatus({})).warnings;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 404) return [];
    throw error;
  }
}

function warningLines({ code, message, nextStep, gateways = [] }: StatusWarning): readonly string[] {
  const named = gateways.length === 0 ? [] : [`  Gateways: ${gateways.map(plain).join(', ')}`];
  return [`Warning (${code}): ${plain(message)}`, ...named, `  ${plain(nextStep)}`];
}

function preflightText(findings: readonly { readonly outcome: string }[]): string | undefined {
  if (findings.length === 0) return undefined;
  const failed = findings.filter(({ outcome }) => outcome === 'failed').length;
  return failed === 0 ? 'passed' : `${failed} of ${findings.length} checks failed`;
}
