/** What a person reads about the way of a gateway that is several releases behind. */

import type { GatewayWalk } from './gateway.ts';
import type { GatewayFacts } from './gateway-facts.ts';

type OnWay = Extract<GatewayWalk, { readonly kind: 'on-way' }>;

/** `4.0.3 → 4.1.9 → 4.2.7`. */
export function wayText({ from, stops }: OnWay): string {
  return [from, ...stops.map(({ release }) => release)].join(' → ');
}

/** For the review of a profile update that is one of several; nothing where it is the only one that is left. */
export function profileStepSentence({ walk, platformRelease }: GatewayFacts): string | undefined {
  if (walk?.kind !== 'on-way') return undefined;
  const updates = walk.stops.filter(({ bringsProfile }) => bringsProfile);
  if (updates.length < 2 || !walk.stops[0].bringsProfile) return undefined;
  return (
    `This is profile update 1 of ${updates.length} on the way to platform version ${platformRelease?.platformVersion}: ` +
    `${wayText(walk)}. Each is reviewed and confirmed by itself.`
  );
}
