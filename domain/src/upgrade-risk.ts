/**
 * Whether a named risk of an edge concerns this fleet, from the risk's tests and what is known of each gateway. What
 * cannot be judged (a test of a newer publisher, a fact nobody has) is never taken for harmless.
 */

import type { Installation, Known } from './gateway.ts';
import { compareVersions, type KubernetesVersion, type PlatformVersion, parsePlatformVersion } from './version.ts';

/** Both ends are within it; an end that is absent is open. */
export interface RiskRange {
  readonly min?: string;
  readonly max?: string;
}

/** What one gateway must be: every test that is there holds. A document may hold tests that this program does not know. */
export interface RiskTests {
  readonly provider?: readonly string[];
  readonly installation?: readonly Installation[];
  readonly kubernetes?: RiskRange;
  readonly agent?: RiskRange;
  readonly profile?: RiskRange;
  readonly controlPlanes?: readonly number[];
}

/** As a release document has it. */
export interface UpgradeRisk {
  readonly name: string;
  readonly message: string;
  readonly url?: string;
  /** Where the edges begin that it is on, as versions or wildcards; absent: every edge to its release. */
  readonly from?: readonly string[];
  /** It applies when one gateway passes all tests of one entry; absent: it applies always. */
  readonly appliesTo?: readonly RiskTests[];
  readonly fixedIn?: string;
}

/** What the tests of a risk are about. Absent: known to be none there, so no test of it holds. */
export interface RiskGateway {
  readonly name: string;
  readonly provider: string;
  readonly installation: Installation;
  readonly kubernetes?: Known<KubernetesVersion>;
  readonly agent?: Known<PlatformVersion>;
  /** Version of the profile that was last applied. */
  readonly profile?: Known<PlatformVersion>;
  readonly controlPlanes?: Known<number>;
}

export type RiskVerdict = 'applies' | 'does-not-apply' | 'cannot-be-judged';

export interface RiskJudgement {
  readonly verdict: RiskVerdict;
  /** The gateways that make the verdict; empty when it applies always, or to none. */
  readonly gateways: readonly string[];
}

export function judgeRisk(risk: UpgradeRisk, fleet: readonly RiskGateway[]): RiskJudgement {
  const { appliesTo } = risk;
  if (appliesTo === undefined) return { verdict: 'applies', gateways: [] };
  const verdicts = fleet.map((gateway) => ({ name: gateway.name, answer: anyOf(appliesTo, gateway) }));
  const named = (answer: Answer) => verdicts.filter((each) => each.answer === answer).map(({ name }) => name);
  const passing = named('yes');
  if (passing.length > 0) return { verdict: 'applies', gateways: passing };
  const doubtful = named('unknown');
  return doubtful.length > 0
    ? { verdict: 'cannot-be-judged', gateways: doubtful }
    : { verdict: 'does-not-apply', gateways: [] };
}

type Answer = 'yes' | 'no' | 'unknown';

function anyOf(entries: readonly RiskTests[], gateway: RiskGateway): Answer {
  const answers = entries.map((tests) => allOf(tests, gateway));
  if (answers.includes('yes')) return 'yes';
  return answers.includes('unknown') ? 'unknown' : 'no';
}

/** One test that fails is enough, whatever else is unknown. */
function allOf(tests: RiskTests, gateway: RiskGateway): Answer {
  const answers = Object.entries(tests).map(([name, test]): Answer => {
    if (test === undefined) return 'yes';
    return isTestName(name) ? answerOf[name](tests, gateway) : 'unknown';
  });
  if (answers.includes('no')) return 'no';
  return answers.includes('unknown') ? 'unknown' : 'yes';
}

export type RiskTestName = keyof RiskTests;

const answerOf: Readonly<Record<RiskTestName, (tests: RiskTests, gateway: RiskGateway) => Answer>> = {
  provider: (tests, { provider }) => isAmong(provider, tests.provider),
  installation: (tests, { installation }) => isAmong(installation, tests.installation),
  kubernetes: (tests, { kubernetes }) => isWithin(kubernetes, tests.kubernetes),
  agent: (tests, { agent }) => isWithin(agent, tests.agent),
  profile: (tests, { profile }) => isWithin(profile, tests.profile),
  controlPlanes: (tests, { controlPlanes }) => isAmong(controlPlanes, tests.controlPlanes),
};

/** Whether this program knows the test; a document of a newer publisher may hold others. */
export function isTestName(name: string): name is RiskTestName {
  return Object.hasOwn(answerOf, name);
}

function isAmong<Value extends string | number>(
  fact: Known<Value> | undefined,
  values: readonly Value[] | undefined,
): Answer {
  if (fact === undefined || values === undefined) return 'no';
  if (fact === 'unknown') return 'unknown';
  return values.includes(fact) ? 'yes' : 'no';
}

function isWithin(fact: Known<PlatformVersion | KubernetesVersion> | undefined, range: RiskRange | undefined): Answer {
  if (fact === undefined || range === undefined) return 'no';
  const version = parsePlatformVersion(fact);
  if (version === undefined) return 'unknown';
  const ends = Object.entries(range).map(([end, text]): Answer => {
    const bound = typeof text === 'string' ? parsePlatformVersion(text) : undefined;
    if (bound === undefined || (end !== 'min' && end !== 'max')) return 'unknown';
    const order = compareVersions(version, bound);
    return (end === 'min' ? order >= 0 : order <= 0) ? 'yes' : 'no';
  });
  if (ends.includes('no')) return 'no';
  return ends.includes('unknown') ? 'unknown' : 'yes';
}
