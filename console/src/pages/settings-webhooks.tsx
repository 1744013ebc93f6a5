import type { NotificationKind, Webhook } from '@gatehouse/contract/notification-types';
import { notificationKinds } from '@gatehouse/contract/notification-types';
import {
  Card,
  CardBody,
  CardTitle,
  Content,
  EmptyState,
  EmptyStateBody,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  TextInput,
} from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { webhooksQuery } from '../api/notification-queries.ts';
import { meQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { webhookTexts as texts } from '../texts/settings.ts';
import { ActButton } from '../ui/act-button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { KindsField, kindList } from '../ui/kinds-field.tsx';
import { isName, NameField } from '../ui/name-field.tsx';
import { PlaceFields, placeText, usePlace } from '../ui/place-fields.tsx';
import { SecretDialog } from '../ui/secret-dialog.tsx';
import { ShownAnswer } from '../ui/shown-answer.tsx';
import { WebhookState } from '../ui/webhook-state.tsx';

/** Where notifications go as signed requests; each has a page with what was sent to it. */
export function SettingsWebhooks() {
  const navigate = useNavigate();
  const reasons = useRoleReasons('notification.write', texts.createAct);
  const isPermitted = useQuery(meQuery()).data?.permissions.includes('notification.write') === true;
  const { data, error } = useQuery({ ...webhooksQuery(), enabled: isPermitted });
  const [isAsking, setIsAsking] = useState(false);
  const [made, setMade] = useState<{ readonly id: string; readonly secret: string }>();
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <Content component="p">{texts.detail}</Content>
        <div className="console-acts">
          <ActButton reasons={reasons} onClick={() => setIsAsking(true)}>
            {texts.create}
          </ActButton>
        </div>
        <ShownAnswer data={data} error={error} isPermitted={isPermitted}>
          {({ items }) =>
            items.length === 0 ? (
              <EmptyState titleText={texts.none} headingLevel="h3">
                <EmptyStateBody>{texts.noneDetail}</EmptyStateBody>
              </EmptyState>
            ) : (
              <Webhooks webhooks={items} />
            )
          }
        </ShownAnswer>
        {isAsking ? (
          <Create
            onClose={() => setIsAsking(false)}
            onMade={({ webhook, secret }) => {
              setIsAsking(false);
              setMade({ id: webhook.id, secret });
            }}
          />
        ) : null}
        {made === undefined ? null : (
          <SecretDialog
            title={texts.shownOnce}
            detail={texts.shownOnceDetail}
            label={texts.copyLabel}
            secret={made.secret}
            close={texts.close}
            onClose={() => void navigate({ to: '/settings/webhooks/$webhook', params: { webhook: made.id } })}
          />
        )}
      </CardBody>
    </Card>
  );
}

function Webhooks({ webhooks }: { readonly webhooks: readonly Webhook[] }) {
  const { columns } = texts;
  return (
    <DataTable aria-label={texts.title} gridBreakPoint="grid-md">
      <Thead>
        <Tr>
          <Th width={15}>{columns.name}</Th>
          <Th width={25}>{columns.url}</Th>
          <Th>{columns.place}</Th>
          <Th>{columns.state}</Th>
          <Th>{columns.kinds}</Th>
        </Tr>
      </Thead>
      <Tbody>
        {webhooks.map((webhook) => (
          <Tr key={webhook.id}>
            <Td dataLabel={columns.name} modifier="breakWord">
              <Link to="/settings/webhooks/$webhook" params={{ webhook: webhook.id }}>
                {webhook.name}
              </Link>
            </Td>
            <Td dataLabel={columns.url} modifier="breakWord">
              {webhook.url}
            </Td>
            <Td dataLabel={columns.place} modifier="breakWord">
              {placeText(webhook)}
            </Td>
            <Td dataLabel={columns.state}>
              <WebhookState webhook={webhook} />
            </Td>
            <Td dataLabel={columns.kinds} modifier="breakWord" className="console-subtle">
              {kindList(webhook.kinds)}
            </Td>
          </Tr>
        ))}
      </Tbody>
    </DataTable>
  );
}

interface CreateProps {
  readonly onMade: (made: { readonly webhook: Webhook; readonly secret: string }) => void;
  readonly onClose: () => void;
}

function Create({ onMade, onClose }: CreateProps) {
  const [name, setName] = useState('');
  const [url, setUrl] = useState('https://');
  const [kinds, setKinds] = useState<readonly NotificationKind[]>(notificationKinds);
  const [place, setPlace] = usePlace();
  const [isAsked, setIsAsked] = useState(false);
  const create = useAct(() => client.createWebhook({ body: { name, url, kinds: [...kinds], ...place } }), onMade);
  const submit = () => {
    setIsAsked(true);
    if (isName(name) && kinds.length > 0) create.mutate(undefined);
  };
  return (
    <FormDialog
      title={texts.create}
      submit={texts.submit}
      isSending={create.isPending}
      isIncomplete={kinds.length === 0}
      error={create.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField value={name} onChange={setName} isAsked={isAsked} />
      <FormGroup label={texts.url} fieldId="url" isRequired>
        <TextInput
          id="url"
          type="url"
          isRequired
          autoComplete="off"
          maxLength={2000}
          value={url}
          onChange={(_event, value) => setUrl(value.trim())}
        />
        <FormHelperText>
          <HelperText>
            <HelperTextItem>{texts.urlHint}</HelperTextItem>
            {url.startsWith('http://') ? <HelperTextItem variant="warning">{texts.urlPlain}</HelperTextItem> : null}
          </HelperText>
        </FormHelperText>
      </FormGroup>
      <PlaceFields place={place} onChange={setPlace} />
      <KindsField label={texts.kinds} kinds={kinds} onChange={setKinds} />
    </FormDialog>
  );
}
