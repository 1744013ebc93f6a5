/** A fleet on the first of some releases, and the facts of a forecast that takes it to the last. */

import type { ForecastFacts } from '../forecast.ts';
import type { ForecastGateway } from '../forecast-gateway.ts';
import type { GatewayFacts } from '../gateway-facts.ts';
import { addMilliseconds, type Instant, minutes } from '../instant.ts';
import { productionTimings } from '../timings.ts';
import { gateway, kubernetes, observation, platform, t0 } from './facts.ts';
import { type SmallRelease, walkMap } from './walk-map.ts';

export interface SmallGateway {
  readonly name: string;
  readonly installation?: 'cli' | 'existing-cluster';
  /** What it runs; the first release by default. */
  readonly on?: string;
  /** `t0` by default, and the next one 15 minutes after it. */
  readonly lastPollAt?: Instant;
  readonly more?: Partial<GatewayFacts>;
  readonly waiver?: ForecastGateway['waiver'];
}

export const smallLine: readonly SmallRelease[] = [
  { version: '4.0.3', kubernetes: '1.26.1' },
  { version: '4.1.9', kubernetes: '1.27.6' },
  { version: '4.2.7', kubernetes: '1.28.2' },
];

export function forecastFacts(
  fleet: readonly SmallGateway[],
  more: Partial<ForecastFacts> = {},
  releases: readonly SmallRelease[] = smallLine,
): ForecastFacts {
  const map = walkMap(releases);
  const versions = releases.map(({ version }) => platform(version));
  const [first, ...later] = versions;
  if (first === undefined) throw new TypeError('no release');
  const hops = later.map((to, index) => ({ from: versions[index] ?? first, to }));
  return {
    version: first,
    hops,
    gateways: fleet.map((each, index) =>
      toGateway(each, index, map.releases.get(platform(each.on ?? first)), releases),
    ),
    releases: [...map.graph.nodes.values()].map(({ release }) => release),
    releasesFor: () => [...map.releases.values()],
    taken: [],
    acceptedRisks: [],
    obstacles: () => [],
    pace: { agentUpdate: minutes(4), profileUpdatePerNode: minutes(10) },
    timings: productionTimings,
    ...more,
  };
}

function toGateway(
  { name, installation = 'existing-cluster', lastPollAt = t0, more, waiver }: SmallGateway,
  index: number,
  release: GatewayFacts['release'],
  releases: readonly SmallRelease[],
): ForecastGateway {
  if (release === undefined) throw new TypeError(`${name} is on no release`);
  const { agent, profile, platformVersion } = release;
  const { appliedProfile: _none, ...seen } = observation({
    agent: { version: agent.version, digest: agent.digest },
    kubernetes: kubernetes(releases.find(({ version }) => version === platformVersion)?.kubernetes ?? '1.26.1'),
  });
  const plain = gateway();
  const { release: _release, ...rest } = plain;
  return {
    facts: {
      ...rest,
      identity: { ...plain.identity, id: `gw-${String(index).padStart(6, '0')}`, name, installation },
      observation: { ...seen, ...(installation === 'cli' && profile !== undefined ? { appliedProfile: profile } : {}) },
      lastPollAt,
      nextPollDueAt: addMilliseconds(lastPollAt, productionTimings.poll.interval),
      ...more,
    },
    ...(waiver === undefined ? {} : { waiver }),
  };
}
