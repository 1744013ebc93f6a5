/** One webhook: what it gets, its secret, whether messages arrive, and everything that was sent to it. */

import type { Delivery, Webhook } from '@gatehouse/contract/notification-types';
import {
  Alert,
  Breadcrumb,
  BreadcrumbItem,
  Card,
  CardBody,
  CardTitle,
  Content,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  ExpandableSection,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
  Label,
  PageSection,
  Title,
} from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { client } from '../api/client.ts';
import { deliveriesQuery, webhooksQuery } from '../api/notification-queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { kindTexts } from '../texts/notifications.ts';
import { settingsTexts, webhookTexts as texts } from '../texts/settings.ts';
import { ActButton } from '../ui/act-button.tsx';
import { AskDialog } from '../ui/ask-dialog.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Instant } from '../ui/instant.tsx';
import { kindList } from '../ui/kinds-field.tsx';
import { Loading } from '../ui/loading.tsx';
import { MoreButton } from '../ui/more-button.tsx';
import { PageTitle } from '../ui/page-title.tsx';
import { placeText } from '../ui/place-fields.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { SecretDialog } from '../ui/secret-dialog.tsx';
import { WebhookState } from '../ui/webhook-state.tsx';
import { NotFound } from './not-found.tsx';

export function WebhookPage() {
  const { webhook: id = '' } = useParams({ strict: false });
  const { data, error } = useQuery(webhooksQuery());
  const webhook = data?.items.find((one) => one.id === id);
  if (data !== undefined && webhook === undefined) return <NotFound />;
  if (webhook === undefined) {
    return (
      <PageSection aria-label={texts.title}>
        {error === null ? <Loading /> : <ProblemAlert error={error} />}
      </PageSection>
    );
  }
  return (
    <PageSection>
      <PageTitle title={webhook.name} />
      <Breadcrumb>
        <BreadcrumbItem
          render={({ className }) => (
            <Link to="/settings/webhooks" className={className}>
              {settingsTexts.tabs.webhooks}
            </Link>
          )}
        />
        <BreadcrumbItem isActive>{webhook.name}</BreadcrumbItem>
      </Breadcrumb>
      <div className="console-title-row">
        <Title headingLevel="h1">{webhook.name}</Title>
        <WebhookState webhook={webhook} />
      </div>
      <div className="console-stack">
        {webhook.disabledReason === undefined ? null : (
          <Alert variant="danger" isInline component="h2" title={texts.disabled}>
            <span className="console-text">{webhook.disabledReason}</span>
          </Alert>
        )}
        <Facts webhook={webhook} />
        <Deliveries webhook={webhook} />
      </div>
    </PageSection>
  );
}

function Fact({ term, children }: { readonly term: string; readonly children: ReactNode }) {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{term}</DescriptionListTerm>
      <DescriptionListDescription className="console-text">{children}</DescriptionListDescription>
    </DescriptionListGroup>
  );
}

function Facts({ webhook }: { readonly webhook: Webhook }) {
  const { facts } = texts;
  return (
    <Card>
      <CardBody>
        <DescriptionList isHorizontal isCompact>
          <Fact term={facts.url}>{webhook.url}</Fact>
          <Fact term={settingsTexts.place}>{placeText(webhook)}</Fact>
          <Fact term={facts.kinds}>{kindList(webhook.kinds)}</Fact>
          <Fact term={facts.secret}>
            <Instant at={webhook.secretSince} />
          </Fact>
          {webhook.previousSecretUntil === undefined ? null : (
            <Fact term={facts.previous}>
              <Instant at={webhook.previousSecretUntil} />
            </Fact>
          )}
          <Fact term={facts.created}>
            <Instant at={webhook.createdAt} />, {webhook.createdBy}
          </Fact>
        </DescriptionList>
        <Acts webhook={webhook} />
      </CardBody>
    </Card>
  );
}

function Acts({ webhook }: { readonly webhook: Webhook }) {
  const navigate = useNavigate();
  const reasons = useRoleReasons('notification.write', texts.createAct);
  const [asks, setAsks] = useState<'rotate' | 'enable' | 'disable' | 'remove'>();
  const [overlap, setOverlap] = useState('24');
  const [secret, setSecret] = useState<string>();
  const params = { webhook: webhook.id };
  const close = () => setAsks(undefined);
  const test = useAct(() => client.testWebhook({ params, body: {} }));
  const change = useAct((isEnabled: boolean) => client.changeWebhook({ params, body: { isEnabled } }), close);
  const rotate = useAct(
    () => client.rotateWebhookSecret({ params, body: { overlapHours: Number(overlap) } }),
    (made) => {
      close();
      setSecret(made.secret);
    },
  );
  const remove = useAct(
    () => client.deleteWebhook({ params }),
    () => void navigate({ to: '/settings/webhooks' }),
  );
  const ask = (what: NonNullable<typeof asks>) => () => {
    for (const act of [change, rotate, remove]) act.reset();
    setAsks(what);
  };
  const testReasons = reasons.length > 0 || webhook.isEnabled ? reasons : [texts.isDisabled];
  return (
    <>
      {test.isError ? <ProblemAlert error={test.error} isRefusal /> : null}
      <div className="console-acts">
        <ActButton reasons={testReasons} isLoading={test.isPending} onClick={() => test.mutate(undefined)}>
          {texts.test}
        </ActButton>
        <ActButton variant="secondary" reasons={reasons} onClick={ask('rotate')}>
          {texts.rotate}
        </ActButton>
        <ActButton variant="secondary" reasons={reasons} onClick={ask(webhook.isEnabled ? 'disable' : 'enable')}>
          {webhook.isEnabled ? texts.disable : texts.enable}
        </ActButton>
        <ActButton variant="danger" reasons={reasons} onClick={ask('remove')}>
          {texts.remove}
        </ActButton>
      </div>
      {asks === 'rotate' ? (
        <AskDialog
          title={texts.rotateTitle(webhook.name)}
          submit={texts.rotate}
          isSending={rotate.isPending}
          error={rotate.error}
          onSubmit={() => rotate.mutate(undefined)}
          onClose={close}
        >
          <Content component="p">{texts.rotateDetail}</Content>
          <Form>
            <FormGroup label={texts.overlap} fieldId="overlap">
              <FormSelect id="overlap" value={overlap} onChange={(_event, value) => setOverlap(value)}>
                {Object.entries(texts.overlapChoices).map(([value, label]) => (
                  <FormSelectOption key={value} value={value} label={label} />
                ))}
              </FormSelect>
            </FormGroup>
          </Form>
        </AskDialog>
      ) : null}
      {asks === 'enable' || asks === 'disable' ? (
        <AskDialog
          title={asks === 'enable' ? texts.enableTitle(webhook.name) : texts.disableTitle(webhook.name)}
          submit={asks === 'enable' ? texts.enable : texts.disable}
          isSending={change.isPending}
          error={change.error}
          onSubmit={() => change.mutate(asks === 'enable')}
          onClose={close}
        >
          <Content component="p">{asks === 'enable' ? texts.enableDetail : texts.disableDetail}</Content>
        </AskDialog>
      ) : null}
      {asks === 'remove' ? (
        <AskDialog
          title={texts.removeTitle(webhook.name)}
          submit={texts.remove}
          variant="danger"
          isSending={remove.isPending}
          error={remove.error}
          onSubmit={() => remove.mutate(undefined)}
          onClose={close}
        >
          <Content component="p">{texts.removeDetail}</Content>
        </AskDialog>
      ) : null}
      {secret === undefined ? null : (
        <SecretDialog
          title={texts.shownOnce}
          detail={texts.shownOnceDetail}
          label={texts.copyLabel}
          secret={secret}
          close={texts.close}
          onClose={() => setSecret(undefined)}
        />
      )}
    </>
  );
}

function Deliveries({ webhook }: { readonly webhook: Webhook }) {
  const query = useInfiniteQuery(deliveriesQuery(webhook.id));
  const items = query.data?.pages.flatMap((page) => page.items);
  const columns = texts.deliveryColumns;
  return (
    <Card>
      <CardTitle component="h2">{texts.deliveries}</CardTitle>
      <CardBody>
        <p className="console-subtle">{texts.deliveriesDetail}</p>
        {items === undefined ? (
          query.error === null ? (
            <Loading />
          ) : (
            <ProblemAlert error={query.error} />
          )
        ) : items.length === 0 ? (
          <p>{texts.noDeliveries}</p>
        ) : (
          <DataTable aria-label={texts.deliveries} gridBreakPoint="grid-md">
            <Thead>
              <Tr>
                <Th width={15}>{columns.at}</Th>
                <Th width={25}>{columns.what}</Th>
                <Th>{columns.state}</Th>
                <Th>{columns.answer}</Th>
                <Th>{columns.act}</Th>
              </Tr>
            </Thead>
            <Tbody>
              {items.map((delivery) => (
                <DeliveryRow key={delivery.id} webhook={webhook} delivery={delivery} />
              ))}
            </Tbody>
          </DataTable>
        )}
        <MoreButton query={query}>{texts.older}</MoreButton>
      </CardBody>
    </Card>
  );
}

const looks = {
  waiting: { status: 'info' },
  delivered: { status: 'success' },
  'given-up': { status: 'danger' },
} as const;

function DeliveryRow({ webhook, delivery }: { readonly webhook: Webhook; readonly delivery: Delivery }) {
  const columns = texts.deliveryColumns;
  const reasons = useRoleReasons('notification.write', texts.createAct);
  const params = { webhook: webhook.id, delivery: delivery.id };
  const again = useAct(() => client.redeliver({ params, body: {} }));
  const kind = Object.entries(kindTexts).find(([known]) => known === delivery.kind)?.[1];
  return (
    <Tr>
      <Td dataLabel={columns.at}>
        <Instant at={delivery.createdAt} />
      </Td>
      <Td dataLabel={columns.what} modifier="breakWord">
        {kind === undefined ? null : <div className="console-subtle">{kind}</div>}
        <span className="console-text">{delivery.message}</span>
        <div className="console-subtle">{delivery.messageId}</div>
      </Td>
      <Td dataLabel={columns.state}>
        <Label {...looks[delivery.state]}>{texts.deliveryStates[delivery.state]}</Label>
        {delivery.nextAttemptAt === undefined || delivery.attempts.length === 0 ? null : (
          <div className="console-subtle">
            {texts.next} <Instant at={delivery.nextAttemptAt} />
          </div>
        )}
      </Td>
      <Td dataLabel={columns.answer} modifier="breakWord">
        <Attempts attempts={delivery.attempts} />
      </Td>
      <Td dataLabel={columns.act}>
        {again.isError ? <ProblemAlert error={again.error} isRefusal /> : null}
        <ActButton
          variant="link"
          isInline
          reasons={reasons.length > 0 || webhook.isEnabled ? reasons : [texts.isDisabled]}
          isLoading={again.isPending}
          aria-label={texts.redeliverOf(delivery.message)}
          onClick={() => again.mutate(undefined)}
        >
          {texts.redeliver}
        </ActButton>
      </Td>
    </Tr>
  );
}

function Attempts({ attempts }: { readonly attempts: Delivery['attempts'] }) {
  const [isOpen, setIsOpen] = useState(false);
  const [last] = attempts;
  if (last === undefined) return texts.noAttempt;
  return (
    <ExpandableSection
      className="console-attempts-section"
      toggleText={`${last.status ?? last.error ?? ''} · ${texts.attempts(attempts.length)}`}
      isExpanded={isOpen}
      onToggle={(_event, isExpanded) => setIsOpen(isExpanded)}
    >
      <ul className="console-attempts">
        {attempts.map((attempt) => (
          <li key={attempt.at}>
            <Instant at={attempt.at} />, {texts.milliseconds(attempt.durationMilliseconds)}
            {attempt.error === undefined ? null : <div className="console-text">{attempt.error}</div>}
            {attempt.response === undefined ? null : <pre className="console-response">{attempt.response}</pre>}
          </li>
        ))}
      </ul>
    </ExpandableSection>
  );
}
