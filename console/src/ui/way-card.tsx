import type { Explanation } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Content, ProgressStep, ProgressStepper } from '@patternfly/react-core';
import { gatewayTexts } from '../texts/gateway.ts';

type Way = NonNullable<Explanation['way']>;
type Stop = Way['stops'][number];

const texts = gatewayTexts.way;

/** How a gateway that is several releases behind comes to the platform's version. */
export function WayCard({ way }: { readonly way: Way }) {
  return (
    <Card>
      <CardTitle component="h2">{texts.title(way.to)}</CardTitle>
      <CardBody>
        <Content component="p">{texts.detail(way.from)}</Content>
        <ProgressStepper aria-label={texts.label} isVertical>
          <ProgressStep id="way-from" titleId="way-from-title" variant="success" aria-label={way.from}>
            {way.from}
          </ProgressStep>
          {way.stops.map((stop, index) => (
            <ProgressStep
              key={stop.release}
              id={`way-${index}`}
              titleId={`way-${index}-title`}
              variant={index === 0 ? 'info' : 'pending'}
              isCurrent={index === 0}
              aria-label={index === 0 ? `${stop.release}: ${texts.next}` : stop.release}
              description={`${index === 0 ? `${texts.next}: ` : ''}${brings(stop)}`}
            >
              {stop.release}
            </ProgressStep>
          ))}
        </ProgressStepper>
      </CardBody>
    </Card>
  );
}

function brings({ bringsAgent, bringsProfile }: Stop): string {
  if (bringsAgent && bringsProfile) return texts.agentAndProfile;
  if (bringsAgent) return texts.agent;
  return bringsProfile ? texts.profile : texts.passes;
}
