import { confirm, isCancel } from '@clack/prompts';
import { ProblemError } from '@gatehouse/contract/client';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { exitCodes, Failure, usageFailure } from '../failure.ts';
import { renderDifference } from '../profile-difference.ts';
import type { Terminal } from '../terminal.ts';
import { renderProfileUpdate } from './profile-update-show.ts';

interface Options extends CommonOptions {
  readonly plan?: string;
  readonly yes?: boolean;
  readonly acknowledgePause?: boolean;
}

/** Shows the plan and asks. Without a terminal the plan that was seen must be named: nothing is confirmed unseen. */
export function profileUpdateConfirm(terminal: Terminal): Command {
  return apiCommand('confirm', 'show the difference, ask, and confirm the profile update of a gateway')
    .argument('<gateway>', 'name or id')
    .option('--plan <planId>', 'the plan that was seen, from `profile-update show`')
    .option('--yes', 'do not ask')
    .option('--acknowledge-pause', 'confirm although agent updates of the gateway are paused')
    .action(async (name: string, { plan, yes, acknowledgePause, ...common }: Options) => {
      if (plan !== undefined && !/^sha256:[0-9a-f]{64}$/.test(plan)) {
        throw usageFailure(`${plan} is not a planId.`, `\`gatehouse profile-update show ${name} -o name\` prints it.`);
      }
      const isUnasked = plan !== undefined && yes === true;
      if (!isUnasked && !terminal.isInteractive) {
        throw usageFailure(
          'Nobody is here to see the difference.',
          `Look with \`gatehouse profile-update diff ${name}\`, then add --plan <planId> --yes.`,
        );
      }
      const { client, query } = open(terminal, common);
      const params = { gateway: name };
      let planId = plan;
      let isPauseKnown = acknowledgePause === true;
      if (!isUnasked) {
        const update = await client.getProfileUpdate({ params, query });
        terminal.out(renderDifference(update, terminal, process.stdout.columns || 140));
        terminal.out(`\n${renderProfileUpdate(update)}\n`);
        if (plan !== undefined && plan !== update.planId) {
          throw new Failure(exitCodes.refused, [
            'The plan has changed since you saw it; the difference above is the one that holds now.',
          ]);
        }
        planId = update.planId;
        if (update.isPaused && !isPauseKnown) {
          await agree(`Agent updates of ${update.gateway.name} are paused. Confirm its profile update all the same?`);
          isPauseKnown = true;
        }
        await agree(`Confirm the update of ${update.gateway.name} to profile ${update.to.version}?`);
      }
      if (planId === undefined) throw new Error('a plan is either given or was just shown');
      try {
        const reply = await client.confirmProfileUpdate({
          params,
          query,
          body: { planId, ...(isPauseKnown ? { acknowledgePause: true } : {}) },
        });
        terminal.out(reply.message);
      } catch (error) {
        if (error instanceof ProblemError && error.problem.code === 'plan-changed') {
          // The refusal shows what would be done now, as the console does.
          const update = await client.getProfileUpdate({ params, query });
          terminal.error(renderDifference(update, terminal, 140));
          terminal.error(`\nThe plan that holds now is ${update.planId}\n`);
        }
        throw error;
      }
    });
}

async function agree(message: string): Promise<void> {
  const answer = await confirm({ message, initialValue: false });
  if (isCancel(answer) || !answer) throw new Failure(exitCodes.failed, ['Nothing was confirmed.']);
}
