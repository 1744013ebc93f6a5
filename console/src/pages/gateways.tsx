/** The list of gateways: found, sorted and paged by the control plane, all of it in the address. */

import { type GatewaySort, gatewaySorts } from '@gatehouse/contract/fleet-types';
import type { Gateway } from '@gatehouse/contract/operator-types';
import { Button, Checkbox, EmptyState, EmptyStateBody, PageSection, Title } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, type ThProps, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useRouter, useSearch } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { gatewayListQuery, gatewaysPerPage, overviewQuery } from '../api/fleet-queries.ts';
import { type FilterChange, type GatewaySearch, nextSort, setFilters, withFilter } from '../format/gateway-search.ts';
import { gatewaysTexts as texts } from '../texts/fleet.ts';
import { frameTexts } from '../texts/frame.ts';
import { BulkActs } from '../ui/bulk-acts.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { GatewayFilters } from '../ui/gateway-filters.tsx';
import { Instant } from '../ui/instant.tsx';
import {
  CurrentLabel,
  HealthLabel,
  installationText,
  PausedLabel,
  SandboxLabel,
  StatusLabel,
  UpdatesAvailableLabel,
} from '../ui/labels.tsx';
import { Loading } from '../ui/loading.tsx';
import { NoGateways } from '../ui/no-gateways.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { ButtonLink } from '../ui/router-links.tsx';
import '../ui/gateways.css';
import { Prose } from '../ui/prose.tsx';

const { columns } = texts;

export function Gateways() {
  const search = useSearch({ from: '/frame/gateways' });
  const navigate = useNavigate({ from: '/gateways' });
  const { data, error, isPlaceholderData } = useQuery(gatewayListQuery(search));
  const { data: overview } = useQuery(overviewQuery());
  const [selected, setSelected] = useState<ReadonlyMap<string, Gateway>>(new Map());
  const change = useCallback(
    (filter: FilterChange) => {
      // Each letter that is typed is no step of its own on the way back.
      void navigate({ search: (now) => withFilter(now, filter), replace: 'search' in filter });
    },
    [navigate],
  );
  const clear = () => void navigate({ search: {} });
  const isFiltered = setFilters(search).length > 0;
  const isNone = data !== undefined && data.items.length === 0 && !isFiltered && search.cursor === undefined;
  const shown = data?.items.map((gateway) => gateway.id) ?? [];
  return (
    <PageSection>
      <PageTitle title={texts.title} />
      <div className="console-title-row console-list-title">
        <Title headingLevel="h1">{texts.title}</Title>
        <ButtonLink to="/create-gateway" variant="primary">
          {texts.create}
        </ButtonLink>
      </div>
      {isNone ? (
        <NoGateways isSandbox={overview?.platform.isSandbox === true} />
      ) : (
        <GatewayFilters search={search} overview={overview} onChange={change} onClear={clear} />
      )}
      {error === null ? null : <ProblemAlert error={error} />}
      {data === undefined && error === null ? <Loading /> : null}
      {data === undefined || isNone || error !== null ? null : (
        <>
          <BulkActs selected={[...selected.values()]} onClear={() => setSelected(new Map())} />
          <div aria-busy={isPlaceholderData}>
            {data.items.length === 0 ? (
              <NoneFits onClear={clear} />
            ) : (
              <GatewayTable
                gateways={data.items}
                sort={search.sort}
                selected={selected}
                onSort={(column) => change({ sort: nextSort(search.sort, column) })}
                onSelect={(gateways, isSelected) =>
                  setSelected((now) => {
                    const ids = new Set(gateways.map(({ id }) => id));
                    const others = [...now].filter(([id]) => !ids.has(id));
                    return new Map([...others, ...(isSelected ? gateways.map((one) => [one.id, one] as const) : [])]);
                  })
                }
              />
            )}
          </div>
          <Pages search={search} count={shown.length} total={data.total} next={data.next} />
        </>
      )}
    </PageSection>
  );
}

function NoneFits({ onClear }: { readonly onClear: () => void }) {
  return (
    <EmptyState titleText={texts.noneFits} headingLevel="h2">
      <EmptyStateBody>
        <p>{texts.noneFitsDetail}</p>
        <Button variant="link" onClick={onClear}>
          {texts.clearFilters}
        </Button>
      </EmptyStateBody>
    </EmptyState>
  );
}

interface TableProps {
  readonly gateways: readonly Gateway[];
  readonly sort: string | undefined;
  readonly selected: ReadonlyMap<string, Gateway>;
  readonly onSort: (column: string) => void;
  readonly onSelect: (gateways: readonly Gateway[], isSelected: boolean) => void;
}

function GatewayTable({ gateways, sort = 'name', selected, onSort, onSelect }: TableProps) {
  // A gateway's name is unique in its tenant only.
  const needsTenant = new Set(gateways.map(({ tenant }) => tenant.id)).size > 1;
  const sortOf = (column: GatewaySort): NonNullable<ThProps['sort']> => ({
    columnIndex: gatewaySorts.indexOf(column),
    sortBy: {
      index: gatewaySorts.findIndex((one) => one === sort.replace('-', '')),
      direction: sort.startsWith('-') ? 'desc' : 'asc',
    },
    onSort: () => onSort(column),
  });
  const selectedHere = gateways.filter(({ id }) => selected.has(id)).length;
  const head = (column: GatewaySort, width?: string) => (
    <Th modifier="wrap" sort={sortOf(column)} {...(width === undefined ? {} : { className: width })}>
      {columns[column]}
    </Th>
  );
  return (
    <DataTable aria-label={texts.title} gridBreakPoint="grid-xl" className="console-gateways">
      <Thead>
        <Tr>
          <Th className="console-column-select">
            <Checkbox
              id="select-page"
              aria-label={texts.selectPage}
              isChecked={selectedHere === gateways.length ? true : selectedHere === 0 ? false : null}
              onChange={(_event, isChecked) => onSelect(gateways, isChecked)}
            />
          </Th>
          {head('name')}
          {head('provider', 'console-column-provider')}
          {head('installation', 'console-column-installation')}
          {head('status', 'console-column-status')}
          {head('health', 'console-column-health')}
          {head('agentVersion', 'console-column-version')}
          {head('profileVersion', 'console-column-version')}
          <Th modifier="wrap" className="console-column-updates">
            {columns.updates}
          </Th>
          <Th modifier="wrap" className="console-column-paused">
            {columns.paused}
          </Th>
          {head('lastPoll', 'console-column-poll')}
          <Th modifier="wrap" className="console-column-clusters">
            {columns.hostClusters}
          </Th>
        </Tr>
      </Thead>
      <Tbody>
        {gateways.map((gateway) => (
          <GatewayRow
            key={gateway.id}
            gateway={gateway}
            needsTenant={needsTenant}
            isSelected={selected.has(gateway.id)}
            onSelect={(isSelected) => onSelect([gateway], isSelected)}
          />
        ))}
      </Tbody>
    </DataTable>
  );
}

interface RowProps {
  readonly gateway: Gateway;
  readonly needsTenant: boolean;
  readonly isSelected: boolean;
  readonly onSelect: (isSelected: boolean) => void;
}

function GatewayRow({ gateway, needsTenant, isSelected, onSelect }: RowProps) {
  const { name, tenant } = gateway;
  return (
    <Tr>
      <Td dataLabel={columns.select}>
        <Checkbox
          id={`select-${gateway.id}`}
          aria-label={texts.select(name)}
          isChecked={isSelected}
          onChange={(_event, isChecked) => onSelect(isChecked)}
        />
      </Td>
      <Td dataLabel={columns.name} modifier="breakWord">
        <Link
          to="/gateways/$gateway"
          params={{ gateway: name }}
          search={needsTenant ? { tenant: tenant.name } : {}}
          className="console-strong"
        >
          {name}
        </Link>
        {needsTenant ? <div className="console-subtle">{tenant.name}</div> : null}
        {gateway.isSandbox ? (
          <div className="console-below">
            <SandboxLabel>{frameTexts.sandbox}</SandboxLabel>
          </div>
        ) : null}
      </Td>
      <Td dataLabel={columns.provider}>{gateway.provider}</Td>
      <Td dataLabel={columns.installation}>{installationText[gateway.installation]}</Td>
      <Td dataLabel={columns.status}>
        <div>
          <StatusLabel status={gateway.status} />
        </div>
      </Td>
      <Td dataLabel={columns.health}>
        <div>
          <HealthLabel health={gateway.health} />
        </div>
      </Td>
      <Td dataLabel={columns.agentVersion}>{gateway.agentVersion ?? texts.notYet}</Td>
      <Td dataLabel={columns.profileVersion}>
        {gateway.profileKeptByOwner ? texts.keptByOwner : (gateway.profileVersion ?? texts.notYet)}
      </Td>
      <Td dataLabel={columns.updates}>
        <UpdatesCell gateway={gateway} />
      </Td>
      <Td dataLabel={columns.paused}>
        <div>{gateway.isPaused ? <PausedLabel /> : texts.no}</div>
      </Td>
      <Td dataLabel={columns.lastPoll}>
        {gateway.lastPollAt === undefined ? texts.never : <Instant at={gateway.lastPollAt} />}
      </Td>
      <Td dataLabel={columns.hostClusters}>{gateway.hostClusters ?? 0}</Td>
    </Tr>
  );
}

function UpdatesCell({ gateway }: { readonly gateway: Gateway }) {
  const [first, ...others] = gateway.reasons;
  return (
    <div className="console-labels">
      {gateway.isCurrent ? <CurrentLabel /> : null}
      {gateway.updatesAvailable ? <UpdatesAvailableLabel /> : null}
      {first === undefined || gateway.updatesAvailable ? null : (
        <span className="console-subtle console-why">
          <Prose text={first.message} />
          {others.length === 0 ? '' : ` (${texts.more(others.length)})`}
        </span>
      )}
    </div>
  );
}

interface PagesProps {
  readonly search: GatewaySearch;
  readonly count: number;
  readonly total: number;
  readonly next: string | undefined;
}

/** Where in the list the page stands. The way back is the browser's: a list that changes has no page before this one. */
function Pages({ search, count, total, next }: PagesProps) {
  const { history } = useRouter();
  const { page = 1, cursor, ...rest } = search;
  const isFirst = cursor === undefined;
  const from = (page - 1) * gatewaysPerPage;
  return (
    <nav aria-label={texts.pages} className="console-pages">
      <output>{texts.range(from + 1, from + count, Math.max(total, from + count))}</output>
      {isFirst ? null : (
        <>
          <ButtonLink variant="link" to="/gateways" search={rest}>
            {texts.first}
          </ButtonLink>
          <Button variant="secondary" isDisabled={!history.canGoBack()} onClick={() => history.back()}>
            {texts.previous}
          </Button>
        </>
      )}
      {next === undefined ? null : (
        <ButtonLink variant="secondary" to="/gateways" search={{ ...rest, cursor: next, page: page + 1 }}>
          {texts.next}
        </ButtonLink>
      )}
    </nav>
  );
}
