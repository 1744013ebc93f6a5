/** All commands in one tree, and the one place where a failure becomes text and an exit code. */

import addCompletion from '@bomb.sh/tab/commander';
import { ProblemError } from '@gatehouse/contract/client';
import { Command, CommanderError } from 'commander';
import { agentUpdateRetry } from './commands/agent-update-retry.ts';
import { agentUpdateShow } from './commands/agent-update-show.ts';
import { auditList } from './commands/audit-list.ts';
import { gatewayCreate } from './commands/gateway-create.ts';
import { gatewayDelete } from './commands/gateway-delete.ts';
import { gatewayEvents } from './commands/gateway-events.ts';
import { gatewayExplain } from './commands/gateway-explain.ts';
import { gatewayGet } from './commands/gateway-get.ts';
import { gatewayInstall } from './commands/gateway-install.ts';
import { gatewayList } from './commands/gateway-list.ts';
import { hostClusterCreate } from './commands/host-cluster-create.ts';
import { hostClusterList } from './commands/host-cluster-list.ts';
import { login } from './commands/login.ts';
import { notificationAcknowledge, notificationDone } from './commands/notification-acknowledge.ts';
import { notificationList } from './commands/notification-list.ts';
import { pauseClear } from './commands/pause-clear.ts';
import { pauseExempt } from './commands/pause-exempt.ts';
import { pauseList } from './commands/pause-list.ts';
import { pauseSet } from './commands/pause-set.ts';
import { platformCancel } from './commands/platform-cancel.ts';
import { platformChannel } from './commands/platform-channel.ts';
import { platformPlan } from './commands/platform-plan.ts';
import { platformStatus } from './commands/platform-status.ts';
import { platformUpgrade } from './commands/platform-upgrade.ts';
import { platformWaive } from './commands/platform-waive.ts';
import { platformWaivers } from './commands/platform-waivers.ts';
import { profileUpdateCancel } from './commands/profile-update-cancel.ts';
import { profileUpdateConfirm } from './commands/profile-update-confirm.ts';
import { profileUpdateDiff } from './commands/profile-update-diff.ts';
import { profileUpdateRetry } from './commands/profile-update-retry.ts';
import { profileUpdateShow } from './commands/profile-update-show.ts';
import { runProgram } from './commands/programs.ts';
import { releaseBundle } from './commands/release-bundle.ts';
import { releaseImport } from './commands/release-import.ts';
import { releaseKeys } from './commands/release-keys.ts';
import { releaseLint } from './commands/release-lint.ts';
import { releaseList } from './commands/release-list.ts';
import { releasePublish } from './commands/release-publish.ts';
import { releaseRecall } from './commands/release-recall.ts';
import { releaseRefresh } from './commands/release-refresh.ts';
import { releaseRotateRoot } from './commands/release-rotate-root.ts';
import { releaseSign } from './commands/release-sign.ts';
import { sandbox } from './commands/sandbox-break.ts';
import { type ExitCode, exitCodes, Failure, failureOf } from './failure.ts';
import { paint, plain, type Terminal } from './terminal.ts';

type MakeCommand = (terminal: Terminal) => Command;

const nouns: Readonly<Record<string, { readonly description: string; readonly verbs: readonly MakeCommand[] }>> = {
  gateway: {
    description: 'gateways: list, look, create, install, delete, and why one is not current',
    verbs: [gatewayList, gatewayGet, gatewayCreate, gatewayInstall, gatewayDelete, gatewayEvents, gatewayExplain],
  },
  'profile-update': {
    description: 'the move of a gateway to a newer cluster profile: review, confirm, follow',
    verbs: [profileUpdateShow, profileUpdateDiff, profileUpdateConfirm, profileUpdateRetry, profileUpdateCancel],
  },
  'agent-update': { description: 'agent updates, which run by themselves', verbs: [agentUpdateShow, agentUpdateRetry] },
  pause: {
    description: 'stop automatic agent updates of a tenant, a project or a gateway',
    verbs: [pauseList, pauseSet, pauseClear, pauseExempt],
  },
  platform: {
    description: 'the platform version: plan, upgrade, what holds it, and which gateways are left out',
    verbs: [
      platformStatus,
      platformPlan,
      platformUpgrade,
      platformCancel,
      platformWaive,
      platformWaivers,
      platformChannel,
    ],
  },
  release: {
    description: 'signed releases',
    verbs: [
      releaseList,
      releaseImport,
      releaseBundle,
      releasePublish,
      releaseLint,
      releaseSign,
      releaseRecall,
      releaseRefresh,
      releaseRotateRoot,
      releaseKeys,
    ],
  },
  'host-cluster': { description: 'clusters created through a gateway', verbs: [hostClusterList, hostClusterCreate] },
  notification: {
    description: 'what a person should know of',
    verbs: [notificationList, notificationAcknowledge, notificationDone],
  },
  audit: { description: 'what people and tokens did', verbs: [auditList] },
};

function program(terminal: Terminal): Command {
  const root = new Command('gatehouse').description('Keeps a fleet of private cloud gateways current.');
  for (const [noun, { description, verbs }] of Object.entries(nouns)) {
    const group = new Command(noun).description(description);
    for (const verb of verbs) group.addCommand(verb(terminal));
    root.addCommand(group);
  }
  root.addCommand(login(terminal));
  root.addCommand(sandbox(terminal, runProgram('sandbox', terminal)));
  root.addCommand(runProgram('server', terminal));
  root.addCommand(runProgram('agent', terminal));
  addCompletion(root, { completionCommandName: 'completion' });
  return root;
}

/** Commander's own exits and outputs are taken over, in every sub-command. */
function tame(command: Command, terminal: Terminal): Command {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.out(text.trimEnd()),
    writeErr: (text) => terminal.error(text.trimEnd()),
  });
  for (const child of command.commands) tame(child, terminal);
  return command;
}

function isConnectionError(error: unknown): error is Error {
  return error instanceof TypeError && error.message === 'fetch failed';
}

/** Runs one command line. Never throws; a bug is printed with its stack and answered with exit code 1. */
export async function gatehouse(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    await tame(program(terminal), terminal).parseAsync(args, { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (terminal.interrupted.aborted && error instanceof Error && error.name === 'AbortError') return exitCodes.done;
    const failure =
      error instanceof Failure ? error : error instanceof ProblemError ? failureOf(error.problem) : undefined;
    if (failure !== undefined) {
      for (const [index, line] of failure.lines.entries()) {
        terminal.error(index === 0 ? paint(terminal, 'red', plain(line)) : plain(line));
      }
      return failure.exitCode;
    }
    if (isConnectionError(error)) {
      const cause = error.cause instanceof Error ? error.cause.message : error.message;
      terminal.error(`The control plane cannot be reached: ${cause}`);
      terminal.error('Start one with `npm start`, or say where it is with --server or GATEHOUSE_SERVER.');
      return exitCodes.failed;
    }
    terminal.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return exitCodes.failed;
  }
}
