import type { TokenInfo } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Content, FormGroup, FormSelect, FormSelectOption } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { tokensQuery } from '../api/notification-queries.ts';
import { meQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { settingsTexts, tokenTexts as texts } from '../texts/settings.ts';
import { ActButton } from '../ui/act-button.tsx';
import { AskDialog } from '../ui/ask-dialog.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { FormDialog } from '../ui/form-dialog.tsx';
import { Instant } from '../ui/instant.tsx';
import { isName, NameField } from '../ui/name-field.tsx';
import { PlaceFields, placeText, usePlace } from '../ui/place-fields.tsx';
import { SecretDialog } from '../ui/secret-dialog.tsx';
import { ShownAnswer } from '../ui/shown-answer.tsx';

/** API tokens of the reader's scope: made, shown once, revoked. */
export function SettingsTokens() {
  const reasons = useRoleReasons('token.write', texts.createAct);
  const isPermitted = useQuery(meQuery()).data?.permissions.includes('token.write') === true;
  const { data, error } = useQuery({ ...tokensQuery(), enabled: isPermitted });
  const [isAsking, setIsAsking] = useState(false);
  const [token, setToken] = useState<string>();
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
          {({ items }) => <Tokens tokens={items} />}
        </ShownAnswer>
        {isAsking ? (
          <Create
            onClose={() => setIsAsking(false)}
            onMade={(made) => {
              setIsAsking(false);
              setToken(made);
            }}
          />
        ) : null}
        {token === undefined ? null : (
          <SecretDialog
            title={texts.shownOnce}
            detail={texts.shownOnceDetail}
            label={texts.copyLabel}
            secret={token}
            close={texts.close}
            onClose={() => setToken(undefined)}
          />
        )}
      </CardBody>
    </Card>
  );
}

function Tokens({ tokens }: { readonly tokens: readonly TokenInfo[] }) {
  const { columns } = texts;
  const [revoking, setRevoking] = useState<string>();
  const close = () => setRevoking(undefined);
  const revoke = useAct((name: string) => client.revokeToken({ params: { name } }), close);
  if (tokens.length === 0) return <p>{texts.none}</p>;
  return (
    <>
      <DataTable aria-label={texts.title} gridBreakPoint="grid-md">
        <Thead>
          <Tr>
            <Th>{columns.name}</Th>
            <Th>{columns.role}</Th>
            <Th>{columns.place}</Th>
            <Th>{columns.created}</Th>
            <Th>{columns.ends}</Th>
            <Th>{settingsTexts.act}</Th>
          </Tr>
        </Thead>
        <Tbody>
          {tokens.map((token) => (
            <Tr key={token.id}>
              <Td dataLabel={columns.name} modifier="breakWord">
                {token.name}
              </Td>
              <Td dataLabel={columns.role}>{token.role}</Td>
              <Td dataLabel={columns.place} modifier="breakWord">
                {placeText(token)}
              </Td>
              <Td dataLabel={columns.created}>
                <Instant at={token.createdAt} />
              </Td>
              <Td dataLabel={columns.ends}>
                {token.expiresAt === undefined ? texts.never : <Instant at={token.expiresAt} />}
              </Td>
              <Td dataLabel={settingsTexts.act}>
                <ActButton
                  variant="secondary"
                  size="sm"
                  reasons={[]}
                  aria-label={texts.revokeOf(token.name)}
                  onClick={() => {
                    revoke.reset();
                    setRevoking(token.name);
                  }}
                >
                  {texts.revoke}
                </ActButton>
              </Td>
            </Tr>
          ))}
        </Tbody>
      </DataTable>
      {revoking === undefined ? null : (
        <AskDialog
          title={texts.revokeTitle(revoking)}
          submit={texts.revoke}
          variant="danger"
          isSending={revoke.isPending}
          error={revoke.error}
          onSubmit={() => revoke.mutate(revoking)}
          onClose={close}
        >
          <Content component="p">{texts.revokeDetail}</Content>
        </AskDialog>
      )}
    </>
  );
}

const roles = ['Viewer', 'Auditor', 'Operator', 'Project Admin', 'Tenant Admin', 'Platform Admin'] as const;
const dayMilliseconds = 86_400_000;

function Create({ onMade, onClose }: { readonly onMade: (token: string) => void; readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<TokenInfo['role']>('Viewer');
  const [place, setPlace] = usePlace();
  const [days, setDays] = useState('90');
  const [isAsked, setIsAsked] = useState(false);
  const create = useAct(
    () => {
      const ends =
        days === 'none' ? {} : { expiresAt: new Date(Date.now() + Number(days) * dayMilliseconds).toISOString() };
      return client.createToken({ body: { name, role, ...place, ...ends } });
    },
    ({ token }) => onMade(token),
  );
  const submit = () => {
    setIsAsked(true);
    if (isName(name)) create.mutate(undefined);
  };
  return (
    <FormDialog
      title={texts.create}
      submit={texts.submit}
      isSending={create.isPending}
      error={create.error}
      onSubmit={submit}
      onClose={onClose}
    >
      <NameField value={name} onChange={setName} isAsked={isAsked} />
      <FormGroup label={texts.role} fieldId="role">
        <FormSelect
          id="role"
          value={role}
          onChange={(_event, value) => setRole(roles.find((one) => one === value) ?? 'Viewer')}
        >
          {roles.map((one) => (
            <FormSelectOption key={one} value={one} label={one} />
          ))}
        </FormSelect>
      </FormGroup>
      <PlaceFields place={place} onChange={setPlace} />
      <FormGroup label={texts.ends} fieldId="ends">
        <FormSelect id="ends" value={days} onChange={(_event, value) => setDays(value)}>
          {Object.entries(texts.endChoices).map(([value, label]) => (
            <FormSelectOption key={value} value={value} label={label} />
          ))}
        </FormSelect>
      </FormGroup>
    </FormDialog>
  );
}
