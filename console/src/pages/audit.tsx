/** What people and tokens did: looked through by who, what, on what and when; each question has an address. */

import { addressOf } from '@gatehouse/contract/client';
import { operatorRoutes } from '@gatehouse/contract/operator-api';
import type { AuditRecord } from '@gatehouse/contract/operator-types';
import {
  Button,
  Content,
  EmptyState,
  EmptyStateBody,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
  PageSection,
  TextInput,
  Title,
} from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { auditQuery } from '../api/notification-queries.ts';
import { meQuery } from '../api/queries.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import type { AuditSearch } from '../format/administration-search.ts';
import { fromLocalTime, toLocalTime } from '../format/local-time.ts';
import { auditSubjects, auditTexts as texts } from '../texts/audit.ts';
import { ActButton } from '../ui/act-button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Instant } from '../ui/instant.tsx';
import { Loading } from '../ui/loading.tsx';
import { MoreButton } from '../ui/more-button.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { Reasons } from '../ui/reasons.tsx';

export function Audit() {
  const filter = useSearch({ from: '/frame/audit' });
  const reasons = useRoleReasons('audit.read', texts.act);
  const isPermitted = useQuery(meQuery()).data?.permissions.includes('audit.read') === true;
  return (
    <PageSection>
      <PageTitle title={texts.title} />
      <div className="console-title-row">
        <Title headingLevel="h1">{texts.title}</Title>
      </div>
      <Content component="p">{texts.detail}</Content>
      {/* Anew for each address: what is in the fields is what it says. */}
      <Filters key={JSON.stringify(filter)} filter={filter} />
      {isPermitted ? <Records filter={filter} /> : <Reasons reasons={reasons} />}
    </PageSection>
  );
}

function Filters({ filter }: { readonly filter: AuditSearch }) {
  const navigate = useNavigate({ from: '/audit' });
  const exportReasons = useRoleReasons('audit.read', texts.exportAct);
  const [actor, setActor] = useState(filter.actor ?? '');
  const [action, setAction] = useState(filter.action ?? '');
  const [subject, setSubject] = useState(filter.subject ?? '');
  const [since, setSince] = useState(toLocalTime(filter.since));
  const [until, setUntil] = useState(toLocalTime(filter.until));
  const apply = () => {
    const wanted = { actor, action, subject, since: fromLocalTime(since), until: fromLocalTime(until) };
    void navigate({
      search: Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined && value !== '')),
    });
  };
  const actions: readonly (readonly [string, string])[] = Object.entries(auditSubjects);
  return (
    <Form
      className="console-audit-filters"
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <FormGroup label={texts.actor} fieldId="audit-actor">
        <TextInput id="audit-actor" maxLength={100} value={actor} onChange={(_event, value) => setActor(value)} />
      </FormGroup>
      <FormGroup label={texts.action} fieldId="audit-action">
        <FormSelect id="audit-action" value={action} onChange={(_event, value) => setAction(value)}>
          <FormSelectOption value="" label={texts.everyAction} />
          {actions.map(([value, label]) => (
            <FormSelectOption key={value} value={value} label={label} />
          ))}
          {action === '' || actions.some(([value]) => value === action) ? null : (
            <FormSelectOption value={action} label={action} />
          )}
        </FormSelect>
      </FormGroup>
      <FormGroup label={texts.subject} fieldId="audit-subject">
        <TextInput id="audit-subject" maxLength={100} value={subject} onChange={(_event, value) => setSubject(value)} />
      </FormGroup>
      <FormGroup label={texts.since} fieldId="audit-since">
        <TextInput id="audit-since" type="datetime-local" value={since} onChange={(_event, value) => setSince(value)} />
      </FormGroup>
      <FormGroup label={texts.until} fieldId="audit-until">
        <TextInput id="audit-until" type="datetime-local" value={until} onChange={(_event, value) => setUntil(value)} />
      </FormGroup>
      <div className="console-acts">
        <Button type="submit">{texts.apply}</Button>
        <Button variant="link" isInline onClick={() => void navigate({ search: {} })}>
          {texts.clear}
        </Button>
        {exportReasons.length > 0 ? (
          <ActButton variant="secondary" reasons={exportReasons}>
            {texts.export}
          </ActButton>
        ) : (
          <Button
            variant="secondary"
            component="a"
            href={addressOf(operatorRoutes.exportAudit, {}, { ...filter })}
            download="gatehouse-audit.csv"
          >
            {texts.export}
          </Button>
        )}
      </div>
    </Form>
  );
}

function Records({ filter }: { readonly filter: AuditSearch }) {
  const query = useInfiniteQuery(auditQuery(filter));
  const items = query.data?.pages.flatMap((page) => page.items);
  if (items === undefined) return query.error === null ? <Loading /> : <ProblemAlert error={query.error} />;
  if (items.length === 0) {
    return (
      <EmptyState titleText={texts.none} headingLevel="h2">
        <EmptyStateBody>{texts.noneDetail}</EmptyStateBody>
      </EmptyState>
    );
  }
  return (
    <>
      <Table items={items} />
      <MoreButton query={query}>{texts.older}</MoreButton>
    </>
  );
}

function Table({ items }: { readonly items: readonly AuditRecord[] }) {
  const { columns } = texts;
  return (
    <DataTable aria-label={texts.table} gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th width={15}>{columns.time}</Th>
          <Th width={15}>{columns.actor}</Th>
          <Th width={15}>{columns.action}</Th>
          <Th width={15}>{columns.subject}</Th>
          <Th>{columns.message}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {items.map((record) => (
          <Tr key={record.id}>
            <Td dataLabel={columns.time}>
              <Instant at={record.time} />
            </Td>
            <Td dataLabel={columns.actor} modifier="breakWord">
              {record.actor}
            </Td>
            <Td dataLabel={columns.action} modifier="breakWord" className="console-subtle">
              {record.action}
            </Td>
            <Td dataLabel={columns.subject} modifier="breakWord">
              {record.subjectName}
            </Td>
            <Td dataLabel={columns.message} modifier="breakWord">
              <span className="console-text">{record.message}</span>
            </Td>
          </Tr>
        ))}
      </Tbody>
    </DataTable>
  );
}
