/**
 * Poison releases on a real Kubernetes: a gateway for each kind, all on one control plane, whose platform moves to a release
 * with an agent that passes its rehearsal and then goes wrong in each gateway in another way; and then to a good one. Spans
 * are the product's own, but for the wait before an attempt and, where the guard has to find it, the watch time.
 */

import { gatewayNamespaces, objectNames } from '@gatehouse/release/object-names';
import { faultRounds } from '@gatehouse/testkit/fault-rounds';
import { providedKubernetesLab } from '@gatehouse/testkit/provided-kubernetes-lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AgentImage, lastExitCode, lastWords, pushAgentImage } from '../../src/agent-images.ts';
import { condition, kinds } from '../../src/cluster-view.ts';
import { type GatewayCutter, startGatewayCutter } from '../../src/gateway-cutter.ts';
import { items, text } from '../../src/json.ts';
import {
  createRunningGateway,
  eventsOf,
  type KubernetesEnvironment,
  startKubernetesEnvironment,
  waitForGateway,
} from '../../src/kubernetes-environment.ts';
import { profileSource, releaseSource } from '../../src/kubernetes-releases.ts';
import { type PoisonKind, poisonPreamble } from '../../src/poisonous-agent.ts';
import { waitFor } from '../../src/program.ts';
import { type WatchedAgents, watchAgents } from '../../src/watched-agents.ts';

const profile = profileSource({ version: '5.0.0', kubernetes: '1.34.1', os: 'ubuntu-22.04' });
/** The promises: seconds from the swap; and, of the guard, from when the third crash could be seen. */
const takenBackSecondsMax = 210;
const afterThirdCrashSecondsMax = 10;
/** As many gateways share one machine here, so a guard is given more than it needs alone; the figure itself is annotated. */
const afterThirdCrashSecondsHere = 3 * afterThirdCrashSecondsMax;
/** With what a busy machine adds: the rehearsal before the swap, and an attempt that is made again. */
const attemptSeconds = takenBackSecondsMax + 120;

/** Trial polls: the first is its rehearsal's, the second its own, after which it is Ready. */
const serverIs = {
  there: undefined,
  'gone from the swap on': 1,
  'gone as soon as it is Ready': 2,
} as const;
type Server = keyof typeof serverIs;

interface Poison {
  /** As event and `explain` say it. */
  readonly says: RegExp;
  readonly foundBy: 'the agent before' | 'the guard' | 'nobody';
  /** With the server gone from the swap on it is not Ready, and never comes to what is wrong with it. */
  readonly showsOnceReady: boolean;
  /** One a round. */
  readonly servers: readonly Server[];
}

const crash = (how: string) => new RegExp(`${how} \\(exit code ${lastExitCode}\\); last lines: .*${lastWords}`, 's');
const early: readonly Server[] = ['gone from the swap on', 'there'];
const late: readonly Server[] = ['gone as soon as it is Ready', 'there', 'gone from the swap on'];

/** What takes longest to show comes first. */
const poisons: Readonly<Record<PoisonKind, Poison>> = {
  hangs: {
    says: /runs and did not become Ready in time/,
    foundBy: 'the agent before',
    showsOnceReady: false,
    servers: early,
  },
  unreachable: {
    says: /could not reach the control plane(, which the old one can reach)?: /,
    foundBy: 'nobody',
    // Of two that do not reach it, it is not told which would.
    showsOnceReady: true,
    servers: ['there', 'gone from the swap on'],
  },
  later: { says: crash('exited 3 times within 10 min'), foundBy: 'the guard', showsOnceReady: true, servers: late },
  lockedout: { says: /was Ready and no longer is/, foundBy: 'the agent before', showsOnceReady: true, servers: late },
  idle: { says: /did not begin to act within 20 s/, foundBy: 'the agent before', showsOnceReady: true, servers: late },
  hungry: {
    // Short of memory it may be too slow to answer before it is killed: then that is what is seen first.
    says: new RegExp(
      `killed for its memory \\(OOMKilled\\) .*\\(exit code 137\\); last lines: .*${lastWords}|was Ready and no longer is`,
      's',
    ),
    foundBy: 'the agent before',
    showsOnceReady: true,
    servers: late,
  },
  crashes: {
    says: crash('exited after it was Ready'),
    foundBy: 'the agent before',
    showsOnceReady: true,
    servers: late,
  },
  exits: { says: crash('exited at start'), foundBy: 'the agent before', showsOnceReady: false, servers: early },
};
const everyKind = Object.keys(poisons).filter((kind): kind is PoisonKind => kind in poisons);
const neitherCould = /could not reach the control plane, and neither could the old one/;

const roundsWhole = Math.max(...everyKind.map((kind) => poisons[kind].servers.length));
const rounds = faultRounds({ whole: roundsWhole, short: 1 });
/** What takes longest, and what `bad-agents.test.ts` tries too. */
const onlyInWhole: ReadonlySet<PoisonKind> = new Set(['hangs', 'exits']);
const allKinds = everyKind.filter((kind) => rounds === roundsWhole || !onlyInWhole.has(kind));
if (rounds < roundsWhole) {
  const left = everyKind.flatMap((kind) =>
    poisons[kind].servers.slice(onlyInWhole.has(kind) ? 0 : rounds).map((server) => `${kind}: ${server}`),
  );
  console.error(
    `Round 1 of ${roundsWhole} (GATEHOUSE_FAULT_ROUNDS=short). Not tried, by where the server is: ${left.join('; ')}.`,
  );
}

let environment: KubernetesEnvironment;
let cutter: GatewayCutter;
let watched: WatchedAgents;
const images = new Map<string, AgentImage>();
const undo: (() => Promise<void>)[] = [];

const nameOf = (kind: PoisonKind): string => `${kind}-${environment.unique}`;
const digestOf = (version: string): string => images.get(version)?.digest ?? '';

beforeAll(async () => {
  const lab = providedKubernetesLab();
  const { registry } = lab;
  if (registry === undefined) throw new Error('The stories need a registry; see what was printed at the start.');
  for (let number = 0; number <= 2 * rounds; number += 1) {
    const version = `5.${number}.0`;
    const behaviour = number % 2 === 0 ? 'works' : { preamble: poisonPreamble };
    images.set(version, await pushAgentImage({ registry, version, behaviour }));
  }
  environment = await startKubernetesEnvironment(lab);
  cutter = await startGatewayCutter(Number(new URL(environment.plane.server).port));
  watched = watchAgents(environment.cluster);
  undo.push(environment.stop, cutter.stop, watched.stop);
  environment.sendAgentsTo(cutter.port);
  await publish('5.0.0', []);
  // A few at a time: each starts programs and pods of its own.
  const left = [...allKinds];
  const lane = async (): Promise<void> => {
    for (let kind = left.shift(); kind !== undefined; kind = left.shift()) await createGateway(kind);
  };
  await Promise.all([lane(), lane(), lane()]);
}, 600_000);
afterAll(async () => {
  for (const step of undo.toReversed()) await step();
});

async function createGateway(kind: PoisonKind): Promise<void> {
  const name = nameOf(kind);
  undo.push(() => environment.removeGateway(name));
  const { foundBy } = poisons[kind];
  // The one that is tried again and again waits until the others are done, so that the platform is not held for long.
  const begins = { ownPodReadyBefore: 3_000, afterInterruption: foundBy === 'nobody' ? 60_000 : 20_000 };
  const agentUpdate = foundBy === 'the guard' ? { ...begins, watch: 8_000 } : begins;
  // A server that was gone is asked again soon.
  const timings = { poll: { interval: 5_000 }, agentUpdate };
  await createRunningGateway(environment, name, [], { timings });
}

async function publish(version: string, upgradeFrom: readonly string[]): Promise<void> {
  const agent = images.get(version);
  if (agent === undefined) throw new Error(`no image of ${version}`);
  await environment.publish(releaseSource({ version, agent, profile, upgradeFrom }));
  await environment.importReleases();
}

async function done(...args: readonly string[]): Promise<string> {
  const finished = await environment.plane.gatehouse(args);
  expect(finished.exitCode, `gatehouse ${args.join(' ')}\n${finished.stdout}${finished.stderr}`).toBe(0);
  return finished.stdout;
}

const told = async (name: string, type: string, version: string) =>
  (await eventsOf(environment, name)).filter((event) => event.type === type && event.message.includes(version));

interface Ended {
  readonly id: string;
  readonly phase: string;
}

/** What the gateway itself has written about its attempt, whoever can hear it: ended for good, and nothing more to do. */
async function endedAttempt(namespace: string, version: string): Promise<Ended | undefined> {
  const map = await environment.cluster.find(kinds.configMap, objectNames.state, namespace);
  const attempt: unknown = JSON.parse(text(map, 'data', 'attempt') ?? '{}');
  const id = text(attempt, 'id');
  const phase = text(attempt, 'phase');
  const isEnded = text(attempt, 'endedAt') !== undefined && text(map, 'data', 'takingBack') === undefined;
  const isOfVersion = text(attempt, 'to', 'version') === version;
  if (!isEnded || !isOfVersion || id === undefined || phase === undefined || phase === 'settled') return undefined;
  return { id, phase };
}

/** The next one after those; with the seconds from its swap, and of the guard from the third crash, until it was taken back. */
async function nextEnd(kind: PoisonKind, version: string, before: readonly Ended[]) {
  const namespace = gatewayNamespaces(nameOf(kind)).agent;
  const attempt = await waitFor(
    `${nameOf(kind)} to have taken it back`,
    async () => {
      const seen = await endedAttempt(namespace, version);
      const span = watched.spansOf(namespace, digestOf(version))[before.length];
      return seen === undefined || before.some(({ id }) => id === seen.id) || span?.to === undefined
        ? undefined
        : { ...seen, span: { from: span.from, to: span.to } };
    },
    { timeoutSeconds: attemptSeconds, everyMilliseconds: 500 },
  );
  const { from, to } = attempt.span;
  const [, , third] = watched.endsOf(namespace, digestOf(version)).filter((at) => at >= from);
  return {
    ...attempt,
    afterSwap: seconds(to - from),
    // The guard may have been the first to see it.
    afterThirdCrash: third === undefined ? undefined : seconds(Math.max(0, to - third)),
  };
}

/** It is looked twice a second. */
const seconds = (milliseconds: number): number => Math.round(milliseconds / 500) / 2;

/** The event comes when the server can be reached; `explain` says the same. */
async function expectTold(name: string, version: string, phase: string, says: RegExp): Promise<void> {
  const event = await waitFor(
    `the event of ${name}`,
    async () => (await told(name, `agent-update-${phase}`, version)).find(({ message }) => says.test(message)),
    { timeoutSeconds: 60, everyMilliseconds: 500 },
  ).catch(async (cause: unknown) => {
    const all = (await eventsOf(environment, name)).map(({ type, message }) => `${type}: ${message}`);
    throw new Error(`${name} was not told as ${says}:\n${all.join('\n')}`, { cause });
  });
  expect(event.type).toBe(`agent-update-${phase}`);
  expect(await done('gateway', 'explain', name)).toMatch(says);
}

async function expectToBeRunBy(name: string, version: string): Promise<void> {
  const namespace = gatewayNamespaces(name).agent;
  await waitForGateway(
    environment,
    name,
    `to be run by agent ${version}`,
    (gateway) => (gateway.agentVersion === version && gateway.status === 'Running' ? true : undefined),
    180,
  );
  await waitFor(
    `only the pod of agent ${version} to be left in ${namespace}`,
    async () => {
      const labels = `app.kubernetes.io/name=${objectNames.agent}`;
      const pods = await environment.cluster.list(kinds.pod, { namespace, labels });
      const [pod] = pods;
      const [container] = items(pod, 'spec', 'containers');
      const isIt = text(container, 'image')?.endsWith(digestOf(version)) === true && condition(pod, 'Ready') === 'True';
      return pods.length === 1 && isIt ? true : undefined;
    },
    { timeoutSeconds: 180, everyMilliseconds: 500 },
  );
}

describe.each(Array.from({ length: rounds }, (_, round) => round))('poison releases, round %i', (round) => {
  const before = `5.${2 * round}.0`;
  const poison = `5.${2 * round + 1}.0`;
  const good = `5.${2 * round + 2}.0`;
  const cases = allKinds.flatMap((kind) => {
    const server = poisons[kind].servers[round];
    return server === undefined ? [] : [{ kind, server }];
  });
  const attempts = new Map<PoisonKind, Ended[]>();

  beforeAll(async () => {
    for (const { kind, server } of cases) {
      const { id } = await environment.plane.client.getGateway({ params: { gateway: nameOf(kind) } });
      const trials = serverIs[server];
      if (trials !== undefined) cutter.cutAfterTrials(id, trials);
    }
    await publish(poison, [before]);
    await done('platform', 'upgrade', poison);
  });

  it.concurrent.for(cases)(
    '$kind, server $server: is taken back with the true reason',
    async ({ kind, server }, { annotate }) => {
      const name = nameOf(kind);
      const { foundBy, says, showsOnceReady } = poisons[kind];
      const { id } = await environment.plane.client.getGateway({ params: { gateway: name } });
      const seen: Awaited<ReturnType<typeof nextEnd>>[] = [];
      attempts.set(kind, seen);
      const end = async (): Promise<Ended> => {
        let wasCut = false;
        const found = await nextEnd(kind, poison, seen).finally(() => {
          wasCut = cutter.isCut(id);
          // Whatever came of it: a gateway that stays cut off holds the platform for all others.
          cutter.heal(id);
        });
        seen.push(found);
        const { afterSwap, afterThirdCrash: third } = found;
        const isGuards = foundBy === 'the guard' && found.phase === 'taken-back';
        expect(wasCut).toBe(server !== 'there' && seen.length === 1);
        const guards = isGuards ? `, ${third} s after the third crash was seen` : '';
        await annotate(`${kind}, server ${server}: ${found.phase} ${afterSwap} s after the swap${guards}`);
        expect(isGuards ? third : afterSwap).toBeLessThanOrEqual(
          isGuards ? afterThirdCrashSecondsHere : takenBackSecondsMax,
        );
        return found;
      };

      const outcome = { phase: foundBy === 'nobody' ? 'interrupted' : 'taken-back', says };
      // Nobody is to blame for what nobody could see; it shows when it is tried again by itself.
      const unseen = { phase: 'interrupted', says: neitherCould };
      const outcomes = server === 'gone from the swap on' && showsOnceReady ? [unseen, outcome] : [outcome];
      for (const expected of outcomes) {
        const { phase } = await end();
        expect(phase).toBe(expected.phase);
        await expectTold(name, poison, phase, expected.says);
      }
      const gateway = await environment.plane.client.getGateway({ params: { gateway: name } });
      expect(gateway.takenBack.some(({ version }) => version === poison)).toBe(foundBy !== 'nobody');
      if (foundBy !== 'nobody') await expectToBeRunBy(name, before);
    },
  );

  it('what was taken back was not tried again by itself, and every gateway takes the next good release', async () => {
    for (const [kind, seen] of attempts) {
      if (poisons[kind].foundBy === 'nobody') continue;
      expect(await told(nameOf(kind), 'agent-update-started', poison), kind).toHaveLength(seen.length);
    }
    const { keysDirectory, repositoryDirectory } = environment.publisher;
    const folders = ['--keys', keysDirectory, '--repository', repositoryDirectory];
    await done('release', 'recall', poison, '--reason', 'its agent is poison', ...folders);
    await publish(good, [before, poison]);
    // Held, and goes on by itself, where the one that nobody blamed is being tried again by now.
    const upgrade = await environment.plane.gatehouse(['platform', 'upgrade', good, '--wait']);
    expect([0, 4], upgrade.stderr).toContain(upgrade.exitCode);
    await waitFor(
      `the platform to be on ${good}`,
      async () => ((await environment.plane.client.getPlatform({})).version === good ? true : undefined),
      { timeoutSeconds: attemptSeconds, everyMilliseconds: 1000 },
    );
    await Promise.all(allKinds.map((kind) => expectToBeRunBy(nameOf(kind), good)));
  });
});
