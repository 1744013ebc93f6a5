import type { Gateway } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, CodeBlock, CodeBlockCode, Label, List, ListItem } from '@patternfly/react-core';
import { Instant } from './instant.tsx';
import { Prose } from './prose.tsx';

/** Agents are newer than this page may be: a phase it does not know is shown as it came. */
const phases: Readonly<
  Record<string, { readonly text: string; readonly status: 'info' | 'success' | 'danger' | 'warning' }>
> = {
  rehearsing: { text: 'Rehearsal: the new agent is tried beside the running one', status: 'info' },
  swapping: { text: 'The new agent is put in its place', status: 'info' },
  watching: { text: 'The new agent runs; the old one still stands by', status: 'info' },
  settled: { text: 'The new agent has proved itself', status: 'success' },
  'taken-back': { text: 'Taken back', status: 'danger' },
  interrupted: { text: 'Interrupted; the version is not to blame', status: 'warning' },
  'rehearsal-failed': { text: 'The rehearsal failed; the running agent was not touched', status: 'danger' },
};

/** The last update of the agent, and the versions that are not offered again by themselves. */
export function AgentUpdateCard({ gateway }: { readonly gateway: Gateway }) {
  const { agentUpdate: update, takenBack } = gateway;
  const phase = update && (phases[update.phase] ?? { text: update.phase, status: 'info' as const });
  return (
    <Card isFullHeight>
      <CardTitle component="h2">Agent update</CardTitle>
      <CardBody className="console-stack">
        {update === undefined || phase === undefined ? null : (
          <div className="console-tight">
            <p className="console-labels">
              <span>
                From {update.from} to {update.to}
              </span>
              <Label status={phase.status}>{phase.text}</Label>
            </p>
            <p className="console-subtle">
              Begun <Instant at={update.startedAt} />
              {update.endedAt === undefined ? null : (
                <>
                  , ended <Instant at={update.endedAt} />
                </>
              )}
            </p>
            {update.reason === undefined ? null : (
              <p>
                <Prose text={update.reason.message} />
              </p>
            )}
            {update.reason?.lastLogLines === undefined ? null : (
              <CodeBlock>
                <CodeBlockCode>{update.reason.lastLogLines}</CodeBlockCode>
              </CodeBlock>
            )}
          </div>
        )}
        {takenBack.length === 0 ? null : (
          <div className="console-tight">
            <p>Taken back here, and not offered again until a person says so or a newer version comes:</p>
            <List>
              {takenBack.map(({ version, digest, at, reason }) => (
                <ListItem key={digest}>
                  {version}, <Instant at={at} />: <Prose text={reason} />
                </ListItem>
              ))}
            </List>
          </div>
        )}
      </CardBody>
    </Card>
  );
}
