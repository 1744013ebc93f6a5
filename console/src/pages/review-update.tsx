/** What would be done, shown before anybody is asked for it. What is confirmed is the plan that was shown. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import {
  Alert,
  Button,
  Card,
  CardBody,
  CardTitle,
  Grid,
  GridItem,
  List,
  ListItem,
  Title,
} from '@patternfly/react-core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { codeOf } from '../api/problem.ts';
import { type GatewayAddress, gatewayCall, liveKey, meQuery } from '../api/queries.ts';
import { downtimeText } from '../format/profile-update-phase.ts';
import { shownDuration } from '../format/time.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { Difference } from '../ui/difference.tsx';
import { Preflight } from '../ui/preflight.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { Reasons } from '../ui/reasons.tsx';

export function ReviewUpdate({
  address,
  update,
  onConfirmed,
}: {
  readonly address: GatewayAddress;
  readonly update: ProfileUpdate;
  readonly onConfirmed: (planId: string) => void;
}) {
  const queryClient = useQueryClient();
  /** The plan that the dialog was opened for: that one is sent, whatever holds by then. */
  const [asked, setAsked] = useState<ProfileUpdate>();
  const confirm = useMutation({
    mutationFn: ({ planId, acknowledgePause }: { readonly planId: string; readonly acknowledgePause: boolean }) =>
      client.confirmProfileUpdate({
        ...gatewayCall(address),
        body: { planId, ...(acknowledgePause ? { acknowledgePause } : {}) },
      }),
    onSuccess: ({ planId }) => onConfirmed(planId),
    onSettled: async () => {
      // Whatever the answer was, the page shows what holds now.
      await queryClient.invalidateQueries({ queryKey: liveKey });
      setAsked(undefined);
    },
  });
  const { deletes, sentences, usualDurationSeconds, downtime, repaves } = update.summary;
  return (
    <>
      {confirm.isError ? <ProblemAlert error={confirm.error} isRefusal /> : null}
      <ConfirmAct update={update} onAsk={() => setAsked(update)} />
      {asked === undefined ? null : (
        <ConfirmDialog
          update={asked}
          asksAboutPause={asked.isPaused || codeOf(confirm.error) === 'pause-acknowledgement-needed'}
          isSending={confirm.isPending}
          onConfirm={({ acknowledgePause }) => confirm.mutate({ planId: asked.planId, acknowledgePause })}
          onClose={() => setAsked(undefined)}
        />
      )}
      <Grid hasGutter>
        <GridItem lg={7}>
          <Card isFullHeight>
            <CardTitle component="h2">In words</CardTitle>
            <CardBody>
              <dl className="console-key-facts">
                <div>
                  <dt>Usually takes</dt>
                  <dd>about {shownDuration(usualDurationSeconds)}</dd>
                </div>
                <div>
                  <dt>Downtime</dt>
                  <dd>{downtimeText[downtime]}</dd>
                </div>
                <div>
                  <dt>Nodes replaced</dt>
                  <dd>{repaves.length}</dd>
                </div>
                <div>
                  <dt>Objects deleted</dt>
                  <dd>{deletes.length}</dd>
                </div>
              </dl>
              <List>
                {sentences.map((sentence) => (
                  <ListItem key={sentence}>
                    <span className="console-text">{sentence}</span>
                  </ListItem>
                ))}
              </List>
            </CardBody>
          </Card>
        </GridItem>
        <GridItem lg={5}>
          <Preflight preflight={update.preflight} />
        </GridItem>
      </Grid>
      {update.drift.length === 0 ? null : (
        <Alert
          variant="warning"
          isInline
          component="h2"
          title="Found on the gateway, and different from what was last applied"
        >
          <List>
            {update.drift.map((line) => (
              <ListItem key={line}>
                <span className="console-text">{line}</span>
              </ListItem>
            ))}
          </List>
        </Alert>
      )}
      <Title headingLevel="h2" className="console-above">
        What changes, layer by layer
      </Title>
      <Difference layers={update.layers} />
      <p className="console-subtle console-plan">Plan {update.planId}</p>
    </>
  );
}

/** The button stays where it may not be pressed, and says why. */
function ConfirmAct({ update, onAsk }: { readonly update: ProfileUpdate; readonly onAsk: () => void }) {
  const me = useQuery(meQuery()).data;
  const mayConfirm = me?.permissions.includes('profile-update.confirm') ?? true;
  const reasons = mayConfirm
    ? update.confirmReasons
    : [
        {
          code: 'not-allowed',
          message: `Your role ${me?.role ?? ''} does not permit confirming a profile update.`,
          nextStep: 'Ask an operator or an admin of this gateway to confirm it.',
        },
        ...update.confirmReasons,
      ];
  const isForbidden = reasons.length > 0;
  return (
    <div className="console-act">
      {update.isPaused ? (
        <Alert variant="warning" isInline component="h2" title="This gateway is paused">
          A pause holds agent updates only. You may confirm this profile update; you will be asked about the pause.
        </Alert>
      ) : null}
      {isForbidden ? (
        <Alert variant="info" isInline component="h2" title="It cannot be confirmed now">
          <Reasons id="why-not-confirm" reasons={reasons} />
        </Alert>
      ) : null}
      <Button
        variant="primary"
        size="lg"
        isAriaDisabled={isForbidden}
        {...(isForbidden ? { 'aria-describedby': 'why-not-confirm' } : {})}
        onClick={onAsk}
      >
        Confirm updates
      </Button>
    </div>
  );
}
