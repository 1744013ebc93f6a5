/** The plan under way with what holds it, the gates, and the preview of another plan. */

import { useQuery } from '@tanstack/react-query';
import { platformQuery } from '../api/queries.ts';
import { isUnderWay } from '../format/platform-hops.ts';
import { ChannelCard } from '../ui/channel-card.tsx';
import { GatesCard, WaiversCard } from '../ui/gates-card.tsx';
import { PlanPreviewCard } from '../ui/plan-preview-card.tsx';
import { PlatformPlanCard } from '../ui/platform-plan-card.tsx';

export function PlatformUpgrade() {
  const platform = useQuery(platformQuery()).data;
  if (platform === undefined) return null;
  const { plan } = platform;
  const isMoving = plan !== undefined && isUnderWay(plan);
  return (
    <div className="console-stack">
      {isMoving ? <PlatformPlanCard plan={plan} /> : <PlanPreviewCard />}
      <GatesCard platform={platform} />
      <WaiversCard platform={platform} />
      {plan === undefined || isMoving ? null : <PlatformPlanCard plan={plan} />}
      <ChannelCard platform={platform} />
    </div>
  );
}
