import type { Gateway } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Content, Form, FormGroup, TextInput } from '@patternfly/react-core';
import { useId, useState } from 'react';
import { client } from '../api/client.ts';
import { type GatewayAddress, gatewayCall } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { gatewaySettingsTexts } from '../texts/gateway-settings.ts';
import { ActButton } from './act-button.tsx';
import { AskDialog } from './ask-dialog.tsx';

const texts = gatewaySettingsTexts.delete;

interface DeleteProps {
  readonly gateway: Gateway;
  readonly address: GatewayAddress;
}

/** Only who types the gateway's name deletes it. */
export function DeleteCard({ gateway: { name, status }, address }: DeleteProps) {
  const id = useId();
  const [isAsking, setIsAsking] = useState(false);
  const [typed, setTyped] = useState('');
  const roleReasons = useRoleReasons('gateway.delete', texts.act);
  const remove = useAct(
    () => client.deleteGateway(gatewayCall(address)),
    () => setIsAsking(false),
  );
  const isLeaving = status === 'Deleting' || status === 'Deleted';
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <Content component="p">{texts.detail}</Content>
        <ActButton
          variant="danger"
          reasons={isLeaving ? [{ code: 'leaving', message: texts.already(status) }] : roleReasons}
          onClick={() => {
            remove.reset();
            setTyped('');
            setIsAsking(true);
          }}
        >
          {texts.button}
        </ActButton>
        {isAsking ? (
          <AskDialog
            title={texts.dialogTitle(name)}
            submit={texts.submit}
            variant="danger"
            isSending={remove.isPending}
            error={remove.error}
            isIncomplete={typed !== name}
            onSubmit={() => remove.mutate(undefined)}
            onClose={() => setIsAsking(false)}
          >
            <Content component="p">{texts.detail}</Content>
            <Form onSubmit={(event) => event.preventDefault()}>
              <FormGroup label={texts.type(name)} fieldId={id}>
                <TextInput
                  id={id}
                  autoComplete="off"
                  value={typed}
                  onChange={(_event, value) => setTyped(value.trim())}
                />
              </FormGroup>
            </Form>
          </AskDialog>
        ) : null}
      </CardBody>
    </Card>
  );
}
