import type { Reason } from './reason.ts';
import type { RiskJudgement, UpgradeRisk } from './upgrade-risk.ts';
import type { PlatformVersion } from './version.ts';

const gatewaysNamedMax = 5;

/** For a risk that stands in the way of a step: it applies, or it cannot be judged, and nobody accepted it. */
export function riskReason(
  { risk, verdict, gateways }: RiskJudgement & { readonly risk: UpgradeRisk },
  { from, to }: { readonly from: PlatformVersion; readonly to: PlatformVersion },
): Reason<'risk-applies' | 'risk-not-judged'> {
  const left = gateways.length - gatewaysNamedMax;
  const named = [...gateways.slice(0, gatewaysNamedMax), ...(left > 0 ? [`${left} more`] : [])].join(', ');
  const why =
    verdict === 'cannot-be-judged'
      ? `which cannot be judged for ${named} and so counts as applying`
      : `which applies${named === '' ? '' : ` to ${named}`}`;
  const read = risk.url === undefined ? '' : `Read ${risk.url}. `;
  const fixed = risk.fixedIn === undefined ? '' : `, or go to ${risk.fixedIn} or newer, which is without it`;
  return {
    code: verdict === 'cannot-be-judged' ? 'risk-not-judged' : 'risk-applies',
    message: `From ${from} to ${to}: there is the risk ${risk.name}, ${why}: ${risk.message}`,
    nextStep: `${read}Accept the risk ${risk.name} by name (\`--accept-risk ${risk.name}\`)${fixed}.`,
  };
}
