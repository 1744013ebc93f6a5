import type { Gateway } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, List, ListItem } from '@patternfly/react-core';
import { Instant } from './instant.tsx';

/** Paused by whom, since when, why, until when; each scope is a pause of its own. */
export function PauseCard({ gateway }: { readonly gateway: Gateway }) {
  const { pauses, exemption } = gateway;
  return (
    <Card isFullHeight>
      <CardTitle component="h2">Pauses of agent updates</CardTitle>
      <CardBody>
        <List>
          {pauses.map((pause) => (
            <ListItem key={pause.id}>
              <span className="console-text">
                The {pause.scope.kind} {pause.scope.name} is paused by {pause.by} since <Instant at={pause.since} />
                {pause.until === undefined ? ', without an end' : ' until '}
                {pause.until === undefined ? null : <Instant at={pause.until} />}: {pause.reason}
              </span>
            </ListItem>
          ))}
          {exemption === undefined ? null : (
            <ListItem>
              <span className="console-text">
                This gateway is exempt until <Instant at={exemption.until} />, by {exemption.by}: {exemption.reason}
              </span>
            </ListItem>
          )}
        </List>
      </CardBody>
    </Card>
  );
}
