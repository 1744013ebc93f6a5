/** A plan of the platform in words, for `platform status`, `plan` and `upgrade`. */

import type { Platform } from '@gatehouse/contract/operator-types';
import type { PlannedHop, PlatformPlan } from '@gatehouse/contract/platform-types';
import { reasonLines } from './reasons.ts';
import { plain } from './terminal.ts';
import { clockTime } from './time.ts';

export const basisText = { edge: 'named by the release', 'rule-of-thumb': 'by the rule of thumb' } as const;

/** What a hop brings, a line each. */
export function hopLines(hop: PlannedHop, number: number): readonly string[] {
  const { agent } = hop;
  return [
    `${number}. ${hop.from} → ${hop.to}   (${basisText[hop.basis]})`,
    ...(hop.floor === undefined ? [] : [`   Floor, nobody passes it without stopping: ${plain(hop.floor)}`]),
    `   Agent      ${agent.from === agent.to ? `${agent.to}, as before` : `${agent.from ?? '?'} → ${agent.to}`}`,
    ...providerLines(hop.providers),
    ...hop.risks.flatMap((risk) => [
      `   Risk       ${risk.name}: ${riskText(risk)}`,
      `              ${plain(risk.message)}${risk.url === undefined ? '' : ` ${plain(risk.url)}`}`,
    ]),
    ...hop.fixes.map((fix) => `   Fixes      ${plain(fix)}`),
  ];
}

/** Providers for which a hop brings the same stand on one line. */
function providerLines(providers: PlannedHop['providers']): readonly string[] {
  const names = new Map<string, string[]>();
  for (const { provider, profile, kubernetes, kubernetesRefusal } of providers) {
    const refusal = kubernetesRefusal === undefined ? '' : `\n              ! ${plain(kubernetesRefusal.message)}`;
    const what = `${profileText[profile]}${kubernetesText(kubernetes)}${refusal}`;
    names.set(what, [...(names.get(what) ?? []), plain(provider)]);
  }
  return [...names].map(([what, of]) => `   Profile    ${of.join(', ')}: ${what}`);
}

const profileText = {
  changed: 'a profile update, which a person confirms on each gateway that Gatehouse installed',
  unchanged: 'the same profile, no profile update',
  new: 'its first profile',
  missing: 'no profile any more, gateways keep theirs',
  unknown: 'a profile, and what it changes is not known',
} as const;

function kubernetesText({ from, to }: PlannedHop['providers'][number]['kubernetes']): string {
  if (to === undefined) return '';
  return from === undefined || from === to ? `; Kubernetes ${to}` : `; Kubernetes ${from} → ${to}`;
}

function riskText({ verdict, isAccepted, gateways, fixedIn }: PlannedHop['risks'][number]): string {
  const whom = gateways.length === 0 ? '' : ` to ${gateways.map(plain).join(', ')}`;
  const fixed = fixedIn === undefined ? '' : `; fixed in ${fixedIn}`;
  const accepted = isAccepted ? '; accepted' : '';
  switch (verdict) {
    case 'applies':
      return `applies${whom}${accepted}${fixed}`;
    case 'cannot-be-judged':
      return `cannot be judged${gateways.length === 0 ? '' : ` for ${gateways.map(plain).join(', ')}`}, so it counts as applying${accepted}${fixed}`;
    case 'does-not-apply':
      return `does not apply here${fixed}`;
  }
}

/** The plan with its hops, and what holds it. */
export function planLines(plan: PlatformPlan): readonly string[] {
  const ended = plan.endedAt === undefined ? '' : ` at ${clockTime(plan.endedAt)} by ${plain(plan.endedBy ?? '?')}`;
  const state = {
    held: plan.nextHop === undefined ? 'held before its end' : `held before hop ${plan.nextHop}`,
    moving: 'goes on now',
    done: `done${ended}`,
    cancelled: `cancelled${ended}`,
    superseded: `superseded${ended}`,
  }[plan.state];
  return [
    `Plan ${plan.from} → ${plan.to}, started by ${plain(plan.startedBy)} at ${clockTime(plan.startedAt)}: ${state}`,
    ...plan.hops.map((hop) => {
      const when =
        hop.takenAt !== undefined
          ? `taken at ${clockTime(hop.takenAt)}`
          : hop.number === plan.nextHop
            ? 'next'
            : 'not taken';
      const floor = hop.floor === undefined ? '' : `, a floor: ${plain(hop.floor)}`;
      return `  ${hop.number}. ${hop.from} → ${hop.to}   ${when} (${basisText[hop.basis]}${floor})`;
    }),
    ...plan.acceptedRisks.map(
      ({ name, by, at }) => `  Risk ${plain(name)} accepted by ${plain(by)} at ${clockTime(at)}`,
    ),
    ...(plan.reasons.length === 0 ? [] : ['  Held by:', ...reasonLines(plan.reasons)]),
    ...(plan.opensAt === undefined ? [] : [`  Goes on by itself at ${clockTime(plan.opensAt)}.`]),
  ];
}

export function waiverLine({ gateway, by, until, reason }: Platform['waivers'][number]): string {
  return `Waived: ${plain(gateway)} by ${plain(by)} until ${clockTime(until)}: ${plain(reason)}`;
}
