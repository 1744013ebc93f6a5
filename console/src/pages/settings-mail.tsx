import {
  type MailSubscription,
  type NotificationKind,
  notificationKinds,
} from '@gatehouse/contract/notification-types';
import {
  Alert,
  Card,
  CardBody,
  CardTitle,
  Content,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  Label,
  TextInput,
} from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { mailSubscriptionsQuery } from '../api/notification-queries.ts';
import { meQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { mailTexts as texts } from '../texts/settings.ts';
import { ActButton } from '../ui/act-button.tsx';
import { AskDialog } from '../ui/ask-dialog.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { KindsField, kindList } from '../ui/kinds-field.tsx';
import { PlaceFields, placeText, usePlace } from '../ui/place-fields.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { ShownAnswer } from '../ui/shown-answer.tsx';

/** Who gets which notifications by e-mail. */
export function SettingsMail() {
  const reasons = useRoleReasons('notification.write', texts.createAct);
  const isPermitted = useQuery(meQuery()).data?.permissions.includes('notification.write') === true;
  const { data, error } = useQuery({ ...mailSubscriptionsQuery(), enabled: isPermitted });
  const [isAsking, setIsAsking] = useState(false);
  const missing =
    data?.isConfigured === false ? [{ code: 'mail-not-configured', message: `${texts.notConfigured}.` }] : [];
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <Content component="p">{texts.detail}</Content>
        {data?.isConfigured === false ? (
          <Alert variant="info" isInline component="h3" title={texts.notConfigured}>
            {texts.notConfiguredDetail}
          </Alert>
        ) : null}
        {data?.from === undefined ? null : (
          <p className="console-subtle">
            {texts.from} {data.from}
          </p>
        )}
        <div className="console-acts">
          <ActButton reasons={reasons.length > 0 ? reasons : missing} onClick={() => setIsAsking(true)}>
            {texts.create}
          </ActButton>
        </div>
        <ShownAnswer data={data} error={error} isPermitted={isPermitted}>
          {({ items }) => (items.length === 0 ? <p>{texts.none}</p> : <Subscriptions subscriptions={items} />)}
        </ShownAnswer>
        {isAsking ? <Create onClose={() => setIsAsking(false)} /> : null}
      </CardBody>
    </Card>
  );
}

function Subscriptions({ subscriptions }: { readonly subscriptions: readonly MailSubscription[] }) {
  const { columns } = texts;
  const [removing, setRemoving] = useState<MailSubscription>();
  const close = () => setRemoving(undefined);
  const remove = useAct((subscription: string) => client.deleteMailSubscription({ params: { subscription } }), close);
  const test = useAct((subscription: string) => client.testMailSubscription({ params: { subscription }, body: {} }));
  return (
    <>
      {test.isError ? <ProblemAlert error={test.error} isRefusal /> : null}
      <DataTable aria-label={texts.title} gridBreakPoint="grid-md">
        <Thead>
          <Tr>
            <Th>{columns.address}</Th>
            <Th>{columns.place}</Th>
            <Th>{columns.kinds}</Th>
            <Th>{columns.state}</Th>
            <Th>{columns.act}</Th>
          </Tr>
        </Thead>
        <Tbody>
          {subscriptions.map((one) => (
            <Tr key={one.id}>
              <Td dataLabel={columns.address} modifier="breakWord">
                {one.address}
              </Td>
              <Td dataLabel={columns.place} modifier="breakWord">
                {placeText(one)}
              </Td>
              <Td dataLabel={columns.kinds} modifier="breakWord" className="console-subtle">
                {kindList(one.kinds)}
              </Td>
              <Td dataLabel={columns.state} modifier="breakWord">
                <State subscription={one} />
              </Td>
              <Td dataLabel={columns.act}>
                <div className="console-acts">
                  <ActButton
                    variant="secondary"
                    size="sm"
                    reasons={[]}
                    isLoading={test.isPending && test.variables === one.id}
                    aria-label={texts.testOf(one.address)}
                    onClick={() => test.mutate(one.id)}
                  >
                    {texts.test}
                  </ActButton>
                  <ActButton
                    variant="secondary"
                    size="sm"
                    reasons={[]}
                    aria-label={texts.removeOf(one.address)}
                    onClick={() => {
                      remove.reset();
                      setRemoving(one);
                    }}
                  >
                    {texts.remove}
                  </ActButton>
                </div>
              </Td>
            </Tr>
          ))}
        </Tbody>
      </DataTable>
      {removing === undefined ? null : (
        <AskDialog
          title={texts.removeTitle(removing.address)}
          submit={texts.remove}
          variant="danger"
          isSending={remove.isPending}
          error={remove.error}
          onSubmit={() => remove.mutate(removing.id)}
          onClose={close}
        >
          <Content component="p">{texts.removeDetail}</Content>
        </AskDialog>
      )}
    </>
  );
}

function State({ subscription }: { readonly subscription: MailSubscription }) {
  const { isEnabled, disabledReason, lastDelivery, lastError } = subscription;
  const why = isEnabled ? lastError : (disabledReason ?? lastError);
  const state = lastDelivery?.state ?? 'none';
  const look = why !== undefined ? 'warning' : state === 'delivered' ? 'success' : 'info';
  return (
    <>
      <Label status={isEnabled ? look : 'danger'}>{isEnabled ? texts.states[state] : texts.disabled}</Label>
      {why === undefined ? null : <div className="console-text console-subtle">{why}</div>}
    </>
  );
}

const addressPattern = /^[^\s@]{1,64}@[^\s@]+$/;

function Create({ onClose }: { readonly onClose: () => void }) {
  const [address, setAddress] = useState('');
  const [kinds, setKinds] = useState<readonly NotificationKind[]>(notificationKinds);
  const [place, setPlace] = usePlace();
  const [isAsked, setIsAsked] = useState(false);
  const isWrong = isAsked && !addressPattern.test(address);
  const create = useAct(
    () => client.createMailSubscription({ body: { address, kinds: [...kinds], ...place } }),
    onClose,
  );
  const submit = () => {
    setIsAsked(true);
    if (addressPattern.test(address) && kinds.length > 0) create.mutate(undefined);
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
      <FormGroup label={texts.address} fieldId="address" isRequired>
        <TextInput
          id="address"
          type="email"
          isRequired
          autoComplete="off"
          maxLength={200}
          value={address}
          validated={isWrong ? 'error' : 'default'}
          onChange={(_event, value) => setAddress(value.trim())}
        />
        {isWrong ? (
          <FormHelperText>
            <HelperText>
              <HelperTextItem variant="error">{texts.addressInvalid}</HelperTextItem>
            </HelperText>
          </FormHelperText>
        ) : null}
      </FormGroup>
      <PlaceFields place={place} onChange={setPlace} />
      <KindsField label={texts.columns.kinds} kinds={kinds} onChange={setKinds} />
    </FormDialog>
  );
}
