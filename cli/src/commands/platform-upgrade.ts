import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, ProblemError } from '@gatehouse/contract/client';
import type { Platform } from '@gatehouse/contract/operator-types';
import type { PlatformPlan } from '@gatehouse/contract/platform-types';
import type { Command } from 'commander';
import { apiCommand, type CommonOptions, open } from '../command.ts';
import { exitCodes, Failure } from '../failure.ts';
import { reasonLines } from '../reasons.ts';
import { plain, type Terminal } from '../terminal.ts';
import { clockTime } from '../time.ts';
import { acceptRiskOption } from './platform-plan.ts';

interface Options extends CommonOptions {
  readonly wait?: boolean;
  readonly follow?: boolean;
  readonly channel?: string;
  readonly acceptRisk: readonly string[];
}

/** So long the command itself waits for what time alone opens. */
const shortWaitMilliseconds = 60_000;
const lookEveryMilliseconds = 1000;

export function platformUpgrade(terminal: Terminal): Command {
  return apiCommand('upgrade', 'start or continue a plan to a version, hop by hop; agents follow by themselves')
    .argument('<to>', 'the release to move to')
    .option('--wait', 'start the plan also when its first hop is held; it then goes on by itself')
    .option('--follow', 'stay until the plan is done, and say what it waits for; implies --wait')
    .option('--channel <name>', 'only releases of that channel, instead of the platform’s')
    .addOption(acceptRiskOption())
    .action(async (to: string, { wait, follow, channel, acceptRisk, ...common }: Options) => {
      const { client } = open(terminal, common);
      const body = {
        to,
        ...(wait === true || follow === true ? { wait: true } : {}),
        ...(acceptRisk.length === 0 ? {} : { acceptRisks: [...acceptRisk] }),
        ...(channel === undefined ? {} : { channel }),
      };
      const before = await client.getPlatform({}).catch(unreadable);
      let platform = await client.upgradePlatform({ body }, { idempotencyKey: randomUUID() });
      if (follow === true) return followPlan(terminal, client, platform);
      const isHeldAt = (plan: PlatformPlan | undefined) =>
        plan?.state === 'held' && plan.nextHop !== undefined && platform.version === before?.version;
      const { plan } = platform;
      if (isHeldAt(plan) && plan?.opensAt !== undefined) {
        const left = Date.parse(plan.opensAt) - terminal.now();
        if (left <= shortWaitMilliseconds) {
          terminal.out(`The gateways are settling; the hop follows at ${clockTime(plan.opensAt)}.`);
          platform = await waitForHop(terminal, client, platform, left);
        }
      }
      if (isHeldAt(platform.plan)) throw held(platform);
      terminal.out(
        `The platform is on ${platform.version ?? to}. Agents update with their next polls; follow with \`gatehouse gateway list\`.`,
      );
      if (platform.plan !== undefined && platform.version !== to && platform.plan.state === 'held') {
        terminal.out(`The plan goes on to ${to} by itself; see \`gatehouse platform status\`.`);
      }
    });
}

/** What the platform was before is only told from what it is after; a refusal of the upgrade itself says more. */
function unreadable(error: unknown): undefined {
  if (error instanceof ProblemError) return undefined;
  throw error;
}

function held({ version, plan }: Platform): Failure {
  return new Failure(exitCodes.refused, [
    `The platform stays on ${version ?? 'no version'} for now; the plan to ${plan?.to ?? '?'} is held and goes on by itself:`,
    ...reasonLines(plan?.reasons ?? []),
    '`gatehouse platform status` shows it, `gatehouse platform cancel` ends it.',
  ]);
}

async function waitForHop(terminal: Terminal, client: Client, from: Platform, left: number): Promise<Platform> {
  // The control plane looks every few seconds.
  const deadline = terminal.now() + left + 15 * lookEveryMilliseconds;
  let platform = from;
  while (!terminal.interrupted.aborted && platform.version === from.version && terminal.now() < deadline) {
    await pause(lookEveryMilliseconds, undefined, { signal: terminal.interrupted }).catch(() => undefined); // Interrupted: the loop ends.
    platform = await client.getPlatform({});
    if (platform.plan?.state !== 'held' && platform.plan?.state !== 'moving') break;
    if (platform.plan.opensAt === undefined && platform.plan.reasons.length > 0) break;
  }
  return platform;
}

async function followPlan(terminal: Terminal, client: Client, first: Platform): Promise<void> {
  let platform = first;
  let said = '';
  let isReached = true;
  while (!terminal.interrupted.aborted) {
    const { plan, version } = platform;
    if (plan === undefined) throw new Failure(exitCodes.failed, ['The platform has no plan any more.']);
    const key = progressKey(platform);
    if (key !== said) terminal.out(progressText(platform));
    said = key;
    if (plan.state === 'done') return;
    if (plan.state === 'cancelled' || plan.state === 'superseded') {
      throw new Failure(exitCodes.refused, [
        `The plan to ${plan.to} was ${plan.state} by ${plain(plan.endedBy ?? '?')}; the platform is on ${version ?? 'no version'}.`,
      ]);
    }
    await pause(lookEveryMilliseconds, undefined, { signal: terminal.interrupted }).catch(() => undefined); // Interrupted: the loop ends.
    const looked = await lookAgain(client);
    if (looked === undefined && isReached) terminal.error('The connection was lost; trying again every second.');
    isReached = looked !== undefined;
    platform = looked ?? platform;
  }
}

/** A control plane that starts anew is waited for; the plan goes on without anybody looking. */
async function lookAgain(client: Client): Promise<Platform | undefined> {
  try {
    return await client.getPlatform({});
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status < 500 && error.problem.status !== 429) throw error;
    return undefined;
  }
}

/** What has to change for it to be said again: not the moment of a poll, but who holds what. */
function progressKey({ version, plan, gates }: Platform): string {
  const held = gates.filter(({ state }) => state === 'closed').map(({ tenant, gateway }) => [tenant, gateway]);
  const others = plan?.reasons.filter(({ code }) => !code.startsWith('gateway-')).map(({ message }) => message);
  return JSON.stringify([version, plan?.state, plan?.nextHop, held, others]);
}

function progressText({ version, plan }: Platform): string {
  if (plan === undefined) return '';
  const where = `The platform is on ${version ?? 'no version'}`;
  if (plan.state === 'done') return `${where}; the plan from ${plan.from} to ${plan.to} is done.`;
  const next = plan.hops.find(({ number }) => number === plan.nextHop);
  const what = next === undefined ? 'the end of the plan' : `hop ${next.number} of ${plan.hops.length}, to ${next.to},`;
  if (plan.state !== 'held') return `${where}; ${what} is not held by anything.`;
  return [`${where}; ${what} waits for:`, ...reasonLines(plan.reasons)].join('\n');
}
