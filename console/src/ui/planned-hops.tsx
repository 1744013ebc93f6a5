import type { PlannedHop } from '@gatehouse/contract/platform-types';
import { Card, CardBody, CardTitle, List, ListItem } from '@patternfly/react-core';
import { platformTexts } from '../texts/platform.ts';
import { Reasons } from './reasons.tsx';

const texts = platformTexts.preview;

/** The way as a line of hops, each with what it brings. */
export function PlannedHops({ hops }: { readonly hops: readonly PlannedHop[] }) {
  return (
    <ol className="console-hops" aria-label={texts.way}>
      {hops.map((hop, index) => (
        <li key={hop.to}>
          <HopCard hop={hop} number={index + 1} />
        </li>
      ))}
    </ol>
  );
}

function HopCard({ hop, number }: { readonly hop: PlannedHop; readonly number: number }) {
  const { from, to, basis, floor, agent, providers, fixes } = hop;
  return (
    <Card isCompact isFullHeight>
      <CardTitle component="h3">{texts.hop(number, from, to)}</CardTitle>
      <CardBody>
        {basis === 'edge' ? null : <p className="console-subtle">{platformTexts.plan.ruleOfThumb}</p>}
        {floor === undefined ? null : <p className="console-subtle console-text">{platformTexts.plan.floor(floor)}</p>}
        <dl className="console-hop-facts">
          <div>
            <dt>{texts.agent}</dt>
            <dd>{agent.from === undefined ? agent.to : `${agent.from} → ${agent.to}`}</dd>
          </div>
          {providers.map(({ provider, profile, kubernetes, kubernetesRefusal }) => (
            <div key={provider}>
              <dt>{provider}</dt>
              <dd>
                {texts.profile[profile]}
                {kubernetes.to === undefined ? null : (
                  <span className="console-block">
                    {texts.kubernetes(kubernetes.from ?? kubernetes.to, kubernetes.to)}
                  </span>
                )}
                {kubernetesRefusal === undefined ? null : <Reasons reasons={[kubernetesRefusal]} />}
              </dd>
            </div>
          ))}
        </dl>
        {fixes.length === 0 ? null : (
          <>
            <h4 className="console-pack">{texts.fixes}</h4>
            <List>
              {fixes.map((fix) => (
                <ListItem key={fix}>
                  <span className="console-text">{fix}</span>
                </ListItem>
              ))}
            </List>
          </>
        )}
      </CardBody>
    </Card>
  );
}
