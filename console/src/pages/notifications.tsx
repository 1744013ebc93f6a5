/** What a person should know of, newest first and live: read by oneself, acknowledged and done for all. */

import { type Notification, notificationKinds } from '@gatehouse/contract/notification-types';
import {
  Button,
  Checkbox,
  Content,
  EmptyState,
  EmptyStateBody,
  FormSelect,
  FormSelectOption,
  Label,
  PageSection,
  Title,
  ToggleGroup,
  ToggleGroupItem,
} from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { notificationsQuery } from '../api/notification-queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import type { NotificationSearch } from '../format/administration-search.ts';
import { kindTexts, notificationTexts as texts } from '../texts/notifications.ts';
import { ActButton } from '../ui/act-button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Instant } from '../ui/instant.tsx';
import { Loading } from '../ui/loading.tsx';
import { MoreButton } from '../ui/more-button.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { Prose } from '../ui/prose.tsx';

export function Notifications() {
  const filter = useSearch({ from: '/frame/notifications' });
  const query = useInfiniteQuery(notificationsQuery({ ...filter, state: filter.state ?? 'open' }));
  const items = query.data?.pages.flatMap((page) => page.items);
  return (
    <PageSection>
      <PageTitle title={texts.title} />
      <div className="console-title-row">
        <Title headingLevel="h1">{texts.title}</Title>
      </div>
      <Content component="p">{texts.detail}</Content>
      <Filters filter={filter} />
      {items === undefined ? (
        query.error === null ? (
          <Loading />
        ) : (
          <ProblemAlert error={query.error} />
        )
      ) : items.length === 0 ? (
        <Empty isFiltered={Object.keys(filter).length > 0} />
      ) : (
        <Items items={items} />
      )}
      <MoreButton query={query}>{texts.older}</MoreButton>
    </PageSection>
  );
}

function Filters({ filter }: { readonly filter: NotificationSearch }) {
  const navigate = useNavigate({ from: '/notifications' });
  const set = (change: { readonly [Key in keyof NotificationSearch]: NotificationSearch[Key] | undefined }) =>
    void navigate({
      search: (before) =>
        Object.fromEntries(Object.entries({ ...before, ...change }).filter(([, value]) => value !== undefined)),
      replace: true,
    });
  const shown = filter.state ?? 'open';
  return (
    <div className="console-filters">
      <ToggleGroup aria-label={texts.stateLabel}>
        {(['open', 'closed', 'all'] as const).map((state) => (
          <ToggleGroupItem
            key={state}
            text={texts.states[state]}
            isSelected={shown === state}
            onChange={() => set({ state: state === 'open' ? undefined : state })}
          />
        ))}
      </ToggleGroup>
      <FormSelect
        aria-label={texts.kind}
        className="console-filter"
        value={filter.kind ?? ''}
        onChange={(_event, value) => set({ kind: notificationKinds.find((kind) => kind === value) })}
      >
        <FormSelectOption value="" label={texts.everyKind} />
        {notificationKinds.map((kind) => (
          <FormSelectOption key={kind} value={kind} label={kindTexts[kind]} />
        ))}
      </FormSelect>
      <Checkbox
        id="unread"
        label={texts.unreadOnly}
        isChecked={filter.unread === true}
        onChange={(_event, isChecked) => set({ unread: isChecked ? true : undefined })}
      />
    </div>
  );
}

function Empty({ isFiltered }: { readonly isFiltered: boolean }) {
  return (
    <EmptyState titleText={isFiltered ? texts.noneSuch : texts.none} headingLevel="h2">
      <EmptyStateBody>{isFiltered ? texts.noneSuchDetail : texts.noneDetail}</EmptyStateBody>
    </EmptyState>
  );
}

function Items({ items }: { readonly items: readonly Notification[] }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const ids = items.filter(({ id }) => chosen.has(id)).map(({ id }) => id);
  const isAllChosen = ids.length === items.length;
  return (
    <>
      <Acts ids={ids} onDone={() => setChosen(new Set())} />
      <DataTable aria-label={texts.table} gridBreakPoint="grid-md">
        <Thead>
          <Tr>
            <Th screenReaderText={texts.columns.select} />
            <Th>{texts.columns.what}</Th>
            <Th width={15}>{texts.columns.subject}</Th>
            <Th width={15}>{texts.columns.at}</Th>
            <Th width={15}>{texts.columns.state}</Th>
          </Tr>
        </Thead>
        <Tbody>
          {items.map((item) => (
            <Row
              key={item.id}
              item={item}
              isChosen={chosen.has(item.id)}
              onChoose={(isChosen) => {
                const next = new Set(chosen);
                if (isChosen) next.add(item.id);
                else next.delete(item.id);
                setChosen(next);
              }}
            />
          ))}
        </Tbody>
      </DataTable>
      <Checkbox
        id="choose-all"
        className="console-above"
        label={texts.chooseAll}
        isChecked={isAllChosen}
        onChange={(_event, isChecked) => setChosen(new Set(isChecked ? items.map(({ id }) => id) : []))}
      />
    </>
  );
}

function Acts({ ids, onDone }: { readonly ids: readonly string[]; readonly onDone: () => void }) {
  const body = { ids: [...ids] };
  const read = useAct(() => client.readNotifications({ body }), onDone);
  const acknowledge = useAct(() => client.acknowledgeNotifications({ body }), onDone);
  const finish = useAct(() => client.finishNotifications({ body }), onDone);
  const mayAcknowledge = useRoleReasons('notification.acknowledge', texts.act);
  const mayFinish = useRoleReasons('notification.acknowledge', texts.actDone);
  const isNone = ids.length === 0;
  const error = read.error ?? acknowledge.error ?? finish.error;
  const button = (act: typeof read, text: string, reasons: typeof mayFinish, variant: 'primary' | 'secondary') =>
    isNone && reasons.length === 0 ? (
      <Button variant={variant} isAriaDisabled aria-describedby="chosen">
        {text}
      </Button>
    ) : (
      <ActButton variant={variant} reasons={reasons} isLoading={act.isPending} onClick={() => act.mutate(undefined)}>
        {text}
      </ActButton>
    );
  return (
    <>
      {error === null ? null : <ProblemAlert error={error} isRefusal />}
      <div className="console-acts">
        {button(acknowledge, texts.acknowledge, mayAcknowledge, 'primary')}
        {button(finish, texts.finish, mayFinish, 'secondary')}
        {button(read, texts.read, [], 'secondary')}
        <output id="chosen" className="console-subtle console-chosen">
          {isNone ? texts.nothingChosen : texts.chosen(ids.length)}
        </output>
      </div>
    </>
  );
}

interface RowProps {
  readonly item: Notification;
  readonly isChosen: boolean;
  readonly onChoose: (isChosen: boolean) => void;
}

function Row({ item, isChosen, onChoose }: RowProps) {
  const { id, kind, severity, message, nextStep, isUnread, at } = item;
  return (
    <Tr>
      <Td>
        <Checkbox
          id={`choose-${id}`}
          aria-label={texts.choose(message)}
          isChecked={isChosen}
          onChange={(_event, isChecked) => onChoose(isChecked)}
        />
      </Td>
      <Td dataLabel={texts.columns.what} modifier="breakWord">
        <div className="console-labels">
          <Label isCompact {...(severity === 'warning' ? { status: 'warning' } : { color: 'blue' })}>
            {kindTexts[kind]}
          </Label>
          {isUnread ? <span className="console-unread">{texts.unread}</span> : null}
        </div>
        <span {...(isUnread ? { className: 'console-strong' } : {})}>
          <Prose text={message} />
        </span>
        {nextStep === undefined ? null : (
          <div className="console-next-step">
            <Prose text={nextStep} />
          </div>
        )}
      </Td>
      <Td dataLabel={texts.columns.subject} modifier="breakWord">
        <SubjectLink item={item} />
      </Td>
      <Td dataLabel={texts.columns.at}>
        <Instant at={at} />
      </Td>
      <Td dataLabel={texts.columns.state} modifier="breakWord">
        <State item={item} />
      </Td>
    </Tr>
  );
}

/** To where something can be done about it. */
function SubjectLink({ item: { kind, subject, tenant } }: { readonly item: Notification }) {
  switch (subject.kind) {
    case 'gateway': {
      const isPlan = kind === 'plan-waits' || kind === 'plan-waits-long';
      return (
        <Link
          to={isPlan ? '/gateways/$gateway/updates' : '/gateways/$gateway'}
          params={{ gateway: subject.name }}
          search={tenant === undefined ? {} : { tenant: tenant.name }}
        >
          {subject.name}
        </Link>
      );
    }
    case 'platform':
      return <Link to="/platform">{texts.platform}</Link>;
    case 'tenant':
    case 'project':
      return <Link to="/settings">{subject.name}</Link>;
    case 'webhook':
      return (
        <Link to="/settings/webhooks/$webhook" params={{ webhook: subject.id ?? '' }}>
          {subject.name}
        </Link>
      );
    case 'mail-subscription':
      return <Link to="/settings/mail">{subject.name}</Link>;
  }
}

function State({ item: { done, overAt, acknowledged } }: { readonly item: Notification }) {
  const [text, at] =
    done !== undefined
      ? [texts.done(done.by), done.at]
      : overAt !== undefined
        ? [texts.over, overAt]
        : acknowledged !== undefined
          ? [texts.acknowledged(acknowledged.by), acknowledged.at]
          : [texts.new, undefined];
  return (
    <>
      {text}
      {at === undefined ? null : (
        <div className="console-subtle">
          <Instant at={at} />
        </div>
      )}
    </>
  );
}
