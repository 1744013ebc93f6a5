/** Retry and cancel of a confirmed update. Both stay where they are not possible, and say why. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { Content } from '@patternfly/react-core';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { type GatewayAddress, gatewayCall } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { updatesTexts } from '../texts/updates.ts';
import { ActButton } from './act-button.tsx';
import { AskDialog } from './ask-dialog.tsx';
import { ProblemAlert } from './problem-alert.tsx';

const texts = updatesTexts.acts;

interface UpdateActsProps {
  readonly address: GatewayAddress;
  readonly update: ProfileUpdate;
  /** Version of the profile that the confirmed update leads to. */
  readonly of: string;
}

export function UpdateActs({ address, update, of }: UpdateActsProps) {
  const [isAsking, setIsAsking] = useState(false);
  const mayNotRetry = useRoleReasons('profile-update.confirm', texts.retryAct);
  const mayNotCancel = useRoleReasons('profile-update.confirm', texts.cancelAct);
  const retry = useAct(() => client.retryProfileUpdate({ ...gatewayCall(address), body: {} }));
  const cancel = useAct(
    () => client.cancelProfileUpdate({ ...gatewayCall(address), body: {} }),
    () => setIsAsking(false),
  );
  return (
    <>
      {retry.isError ? <ProblemAlert error={retry.error} isRefusal /> : null}
      <div className="console-acts">
        <ActButton
          reasons={[...mayNotRetry, ...update.retryReasons]}
          isLoading={retry.isPending}
          onClick={() => retry.mutate(undefined)}
        >
          {texts.retry}
        </ActButton>
        <ActButton
          variant="secondary"
          reasons={[...mayNotCancel, ...update.cancelReasons]}
          onClick={() => {
            cancel.reset();
            setIsAsking(true);
          }}
        >
          {texts.cancel}
        </ActButton>
      </div>
      {isAsking ? (
        <AskDialog
          title={texts.cancelTitle(update.gateway.name)}
          submit={texts.cancelSubmit}
          variant="danger"
          isSending={cancel.isPending}
          error={cancel.error}
          onSubmit={() => cancel.mutate(undefined)}
          onClose={() => setIsAsking(false)}
        >
          <Content component="p">{texts.cancelAsk(of)}</Content>
        </AskDialog>
      ) : null}
    </>
  );
}
