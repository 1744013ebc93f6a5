/** A plan over many releases, from their documents to the hops, beside a search that goes through all of them at each hop. */

import { buildUpgradeGraph, type GraphRelease } from '@gatehouse/domain/upgrade-graph';
import { planUpgrade } from '@gatehouse/domain/upgrade-plan';
import type { RiskGateway } from '@gatehouse/domain/upgrade-risk';
import { type PlatformVersion, parsePlatformVersion } from '@gatehouse/domain/version';
import { compare } from './rounds.ts';

const majors = 4;
const minorsEach = 10;
const patchesEach = 50;
const edgesEach = 10;
const gateways = 1000;
const rounds = 21;

const versionOf = (text: string): PlatformVersion => {
  const version = parsePlatformVersion(text);
  if (version === undefined) throw new Error(`${text} is no version`);
  return version;
};

/** In the order of their versions; each is reached from the ten before it, and a later minor only from a late patch. */
function makeReleases(): readonly GraphRelease[] {
  const versions = Array.from({ length: majors * minorsEach * patchesEach }, (_, index) => {
    const minors = Math.floor(index / patchesEach);
    const [major, minor] = [Math.floor(minors / minorsEach), minors % minorsEach];
    return versionOf(`${major + 1}.${minor}.${index % patchesEach}`);
  });
  return versions.map((version, index) => ({
    version,
    channels: ['stable'],
    upgradeFrom: versions.slice(Math.max(0, index - edgesEach), index),
    risks:
      index % 20 === 10
        ? [{ name: 'on-maas', message: 'It concerns some.', appliesTo: [{ provider: ['maas'], controlPlanes: [1] }] }]
        : [],
    ...(index % 500 === 499 ? { floor: { reason: 'It moves the database.' } } : {}),
    agent: version,
    profiles: {},
    fixes: [],
  }));
}

const fleet: readonly RiskGateway[] = Array.from({ length: gateways }, (_, index) => ({
  name: `site-${index}`,
  provider: index % 2 === 0 ? 'maas' : 'vsphere',
  installation: 'cli',
  controlPlanes: 3,
}));

/** Breadth first, asking every release at each hop; without risks, floors or a choice among the shortest. */
function naiveHops(releases: readonly GraphRelease[], from: PlatformVersion, to: PlatformVersion): number | undefined {
  let frontier = [from];
  const seen = new Set(frontier);
  for (let hops = 0; frontier.length > 0; hops += 1) {
    if (frontier.includes(to)) return hops;
    frontier = frontier.flatMap((source) =>
      releases.flatMap(({ version, upgradeFrom }) => {
        if (seen.has(version) || upgradeFrom?.includes(source) !== true) return [];
        seen.add(version);
        return [version];
      }),
    );
  }
  return undefined;
}

export async function measureUpgradePath(): Promise<void> {
  const releases = makeReleases();
  const [from, to] = [releases[0]?.version, releases.at(-1)?.version];
  if (from === undefined || to === undefined) throw new Error('no releases were made');
  const edges = releases.reduce((sum, { upgradeFrom }) => sum + (upgradeFrom?.length ?? 0), 0);
  const plan = () => planUpgrade({ graph: buildUpgradeGraph(releases), from, to, fleet, acceptedRisks: [] });
  const planned = plan();
  if (planned.kind === 'none') throw new Error(planned.reasons[0].message);
  const fewest = naiveHops(releases, from, to);
  if (fewest !== planned.hops.length) {
    throw new Error(`${planned.hops.length} hops were planned, and ${fewest} are the fewest`);
  }
  await compare(
    `a plan of ${fewest} hops over ${releases.length} releases with ${edges} edges for ${gateways} gateways, beside a naive search`,
    { name: 'graph and plan', run: async () => void plan() },
    { name: 'naive search', run: async () => void naiveHops(releases, from, to) },
    rounds,
  );
}
