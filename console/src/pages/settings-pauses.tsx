/** **Platform Settings**: the pauses of tenants and projects, and what else of pausing there is to see in one place. */

import type { Pause } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Content, Label } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { pausesQuery } from '../api/notification-queries.ts';
import { meQuery, tenantsQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { settingsTexts, pauseTexts as texts } from '../texts/settings.ts';
import { ActButton } from '../ui/act-button.tsx';
import { AskDialog } from '../ui/ask-dialog.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Instant } from '../ui/instant.tsx';
import { PausedLabel } from '../ui/labels.tsx';
import { Loading } from '../ui/loading.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { type GivenReason, ReasonDialog } from '../ui/reason-dialog.tsx';

interface Scope {
  readonly kind: 'tenant' | 'project';
  readonly id: string;
  readonly name: string;
  /** Of the project. */
  readonly tenant: string;
}

export function SettingsPauses() {
  const pauses = useQuery(pausesQuery());
  const tenants = useQuery(tenantsQuery());
  const error = pauses.error ?? tenants.error;
  if (pauses.data === undefined || tenants.data === undefined) {
    return error === null ? <Loading /> : <ProblemAlert error={error} />;
  }
  const scopes = tenants.data.items.flatMap(({ id, name, projects }): Scope[] => [
    { kind: 'tenant', id, name, tenant: name },
    ...projects.map((project): Scope => ({ kind: 'project', ...project, tenant: name })),
  ]);
  const { items, exemptions } = pauses.data;
  return (
    <div className="console-stack">
      <Card>
        <CardTitle component="h2">{texts.title}</CardTitle>
        <CardBody>
          <Content component="p">{texts.detail}</Content>
          <Scopes scopes={scopes} pauses={items} />
        </CardBody>
      </Card>
      <GatewayPauses pauses={items.filter(({ scope }) => scope.kind === 'gateway')} />
      <Exemptions exemptions={exemptions} />
    </div>
  );
}

function Scopes({ scopes, pauses }: { readonly scopes: readonly Scope[]; readonly pauses: readonly Pause[] }) {
  const { columns } = texts;
  return (
    <DataTable aria-label={texts.scopes} gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>{columns.scope}</Th>
          <Th>{columns.state}</Th>
          <Th>{settingsTexts.by}</Th>
          <Th>{settingsTexts.since}</Th>
          <Th>{settingsTexts.until}</Th>
          <Th>{settingsTexts.reason}</Th>
          <Th>{settingsTexts.act}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {scopes.map((scope) => (
          <ScopeRow key={scope.id} scope={scope} pause={pauses.find((pause) => pause.scope.id === scope.id)} />
        ))}
      </Tbody>
    </DataTable>
  );
}

function ScopeRow({ scope, pause }: { readonly scope: Scope; readonly pause: Pause | undefined }) {
  const { columns } = texts;
  const [isAsking, setIsAsking] = useState(false);
  const reasons = usePauseReasons(scope);
  const close = () => setIsAsking(false);
  const { kind, name, tenant } = scope;
  const set = useAct(
    (given: GivenReason) => client.setPause({ query: { tenant }, body: { scope: kind, name, ...given } }),
    close,
  );
  const clear = useAct(() => client.clearPause({ query: { tenant }, params: { scope: kind, name } }), close);
  const shown = kind === 'tenant' ? texts.tenant(name) : texts.project(name);
  const ask = () => {
    set.reset();
    clear.reset();
    setIsAsking(true);
  };
  return (
    <Tr>
      <Td dataLabel={columns.scope} modifier="breakWord">
        <span className={kind === 'project' ? 'console-inner' : ''}>{shown}</span>
      </Td>
      <Td dataLabel={columns.state}>
        {pause === undefined ? <span className="console-subtle">{texts.runs}</span> : <PausedLabel />}
      </Td>
      <Td dataLabel={settingsTexts.by} modifier="breakWord">
        {pause?.by}
      </Td>
      <Td dataLabel={settingsTexts.since}>{pause === undefined ? null : <Instant at={pause.since} />}</Td>
      <Td dataLabel={settingsTexts.until}>
        {pause === undefined ? null : pause.until === undefined ? settingsTexts.noEnd : <Instant at={pause.until} />}
      </Td>
      <Td dataLabel={settingsTexts.reason} modifier="breakWord">
        {pause === undefined ? null : <span className="console-text">{pause.reason}</span>}
      </Td>
      <Td dataLabel={settingsTexts.act}>
        <ActButton
          variant="secondary"
          size="sm"
          reasons={reasons}
          aria-label={pause === undefined ? texts.pauseOf(shown) : texts.resumeOf(shown)}
          onClick={ask}
        >
          {pause === undefined ? texts.pause : texts.resume}
        </ActButton>
        {isAsking && pause === undefined ? (
          <ReasonDialog
            title={texts.setTitle(name)}
            submit={texts.pause}
            ends="optional"
            isSending={set.isPending}
            error={set.error}
            onSubmit={set.mutate}
            onClose={close}
          />
        ) : null}
        {isAsking && pause !== undefined ? (
          <AskDialog
            title={texts.clearTitle(name)}
            submit={texts.resume}
            isSending={clear.isPending}
            error={clear.error}
            onSubmit={() => clear.mutate(undefined)}
            onClose={close}
          >
            <Content component="p">{texts.clearDetail}</Content>
          </AskDialog>
        ) : null}
      </Td>
    </Tr>
  );
}

/** Who works in a project sees what holds it from above, and may change only what is their own. */
function usePauseReasons({ kind }: Scope) {
  const me = useQuery(meQuery()).data;
  const roleReasons = useRoleReasons('pause.set', texts.act);
  if (roleReasons.length > 0 || me?.project === undefined || kind === 'project') return roleReasons;
  return [{ code: 'not-allowed', message: texts.outsideScope }];
}

function GatewayPauses({ pauses }: { readonly pauses: readonly Pause[] }) {
  if (pauses.length === 0) return null;
  return (
    <Card>
      <CardTitle component="h2">{texts.ofGateways}</CardTitle>
      <CardBody>
        <Content component="p">{texts.ofGatewaysDetail}</Content>
        <Flags
          label={texts.ofGateways}
          flags={pauses.map(({ id, scope, by, since, until, reason }) => ({
            id,
            gateway: scope.name,
            address: scope.id,
            by,
            since,
            until,
            reason,
          }))}
        />
      </CardBody>
    </Card>
  );
}

type Exemption = Awaited<ReturnType<typeof client.listPauses>>['exemptions'][number];

function Exemptions({ exemptions }: { readonly exemptions: readonly Exemption[] }) {
  if (exemptions.length === 0) return null;
  return (
    <Card>
      <CardTitle component="h2">
        {texts.exemptions} <Label isCompact>{exemptions.length}</Label>
      </CardTitle>
      <CardBody>
        <Content component="p">{texts.exemptionsDetail}</Content>
        <Flags
          label={texts.exemptions}
          flags={exemptions.map((one) => ({ ...one, id: one.gateway, address: one.gateway }))}
        />
      </CardBody>
    </Card>
  );
}

interface Flag {
  readonly id: string;
  readonly gateway: string;
  /** Name or id. */
  readonly address: string;
  readonly by: string;
  readonly since: string;
  readonly until?: string | undefined;
  readonly reason: string;
}

function Flags({ label, flags }: { readonly label: string; readonly flags: readonly Flag[] }) {
  return (
    <DataTable aria-label={label} gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th>{texts.gateway}</Th>
          <Th>{settingsTexts.by}</Th>
          <Th>{settingsTexts.since}</Th>
          <Th>{settingsTexts.until}</Th>
          <Th>{settingsTexts.reason}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {flags.map(({ id, gateway, address, by, since, until, reason }) => (
          <Tr key={id}>
            <Td dataLabel={texts.gateway} modifier="breakWord">
              <Link to="/gateways/$gateway/settings" params={{ gateway: address }}>
                {gateway}
              </Link>
            </Td>
            <Td dataLabel={settingsTexts.by} modifier="breakWord">
              {by}
            </Td>
            <Td dataLabel={settingsTexts.since}>
              <Instant at={since} />
            </Td>
            <Td dataLabel={settingsTexts.until}>
              {until === undefined ? settingsTexts.noEnd : <Instant at={until} />}
            </Td>
            <Td dataLabel={settingsTexts.reason} modifier="breakWord">
              <span className="console-text">{reason}</span>
            </Td>
          </Tr>
        ))}
      </Tbody>
    </DataTable>
  );
}
