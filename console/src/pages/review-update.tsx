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
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { codeOf } from '../api/problem.ts';
import { type GatewayAddress, gatewayCall, liveKey } from '../api/queries.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { planChanges } from '../format/plan-changes.ts';
import { downtimeText } from '../format/profile-update-phase.ts';
import { shownDuration } from '../format/time.ts';
import { updatesTexts } from '../texts/updates.ts';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { Difference } from '../ui/difference.tsx';
import { Preflight } from '../ui/preflight.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { Reasons } from '../ui/reasons.tsx';
import { UpdateActs } from '../ui/update-acts.tsx';

const texts = updatesTexts.confirm;

interface ReviewProps {
  readonly address: GatewayAddress;
  readonly update: ProfileUpdate;
  readonly onConfirmed: (planId: string) => void;
}

export function ReviewUpdate({ address, update, onConfirmed }: ReviewProps) {
  const queryClient = useQueryClient();
  /** The plan that the dialog was opened for: that one is sent, whatever holds by then. */
  const [asked, setAsked] = useState<ProfileUpdate>();
  /** The plan that the reader has looked at. */
  const [seen, setSeen] = useState(update);
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
  return (
    <>
      {confirm.isError ? <ProblemAlert error={confirm.error} isRefusal /> : null}
      {update.supersedes === undefined ? null : <Superseded address={address} update={update} />}
      {seen.planId === update.planId ? null : (
        <PlanChanged
          seen={seen}
          now={update}
          onSeen={() => {
            setSeen(update);
            confirm.reset();
          }}
        />
      )}
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
          <InWords summary={update.summary} />
        </GridItem>
        <GridItem lg={5}>
          <Preflight preflight={update.preflight} />
        </GridItem>
      </Grid>
      {update.drift.length === 0 ? null : (
        <Alert variant="warning" isInline component="h2" title={updatesTexts.words.drift} className="console-above">
          <Lines lines={update.drift} />
        </Alert>
      )}
      <Title headingLevel="h2" className="console-above">
        {updatesTexts.words.layers}
      </Title>
      <Difference layers={update.layers} />
      <p className="console-subtle console-plan">{updatesTexts.words.plan(update.planId)}</p>
    </>
  );
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  return (
    <List>
      {lines.map((line) => (
        <ListItem key={line}>
          <span className="console-text">{line}</span>
        </ListItem>
      ))}
    </List>
  );
}

function InWords({ summary }: { readonly summary: ProfileUpdate['summary'] }) {
  const { words } = updatesTexts;
  const facts = [
    [words.takes, words.about(shownDuration(summary.usualDurationSeconds))],
    [words.downtime, downtimeText[summary.downtime]],
    [words.replaced, summary.repaves.length],
    [words.deleted, summary.deletes.length],
  ] as const;
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{words.title}</CardTitle>
      <CardBody>
        <dl className="console-key-facts">
          {facts.map(([term, description]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{description}</dd>
            </div>
          ))}
        </dl>
        <Lines lines={summary.sentences} />
      </CardBody>
    </Card>
  );
}

/** The stopped update whose place this plan takes, with what can still be done about it. */
function Superseded({ address, update }: Pick<ReviewProps, 'address' | 'update'>) {
  const { supersedes, to } = update;
  if (supersedes === undefined) return null;
  const { acts } = updatesTexts;
  return (
    <Alert variant="danger" isInline component="h2" title={acts.supersede(supersedes.to.version)}>
      {supersedes.stopped === undefined ? null : <Reasons reasons={[supersedes.stopped]} />}
      <p>{acts.supersedeDetail(to.version)}</p>
      <UpdateActs address={address} update={update} of={supersedes.to.version} />
    </Alert>
  );
}

/** The new difference stands below; here is what of it is otherwise than what the reader saw. */
function PlanChanged({
  seen,
  now,
  onSeen,
}: {
  readonly seen: ProfileUpdate;
  readonly now: ProfileUpdate;
  readonly onSeen: () => void;
}) {
  const changes = planChanges(seen, now);
  return (
    <Alert
      variant="warning"
      isInline
      isLiveRegion
      component="h2"
      title={texts.changed}
      actionLinks={
        <Button variant="secondary" onClick={onSeen}>
          {texts.seen}
        </Button>
      }
    >
      <p>{texts.changedDetail}</p>
      {changes.length === 0 ? <p>{texts.sameWords}</p> : null}
      <ul className="console-plan-changes">
        {changes.map(({ kind, text }) => (
          <li key={`${kind} ${text}`}>
            <strong>{kind === 'now' ? texts.now : texts.noLonger}:</strong> <span className="console-text">{text}</span>
          </li>
        ))}
      </ul>
    </Alert>
  );
}

/** The button stays where it may not be pressed, and says why. */
function ConfirmAct({ update, onAsk }: { readonly update: ProfileUpdate; readonly onAsk: () => void }) {
  const roleReasons = useRoleReasons('profile-update.confirm', texts.act);
  const reasons = [...roleReasons, ...update.confirmReasons];
  const isForbidden = reasons.length > 0;
  return (
    <div className="console-act">
      {update.isPaused ? (
        <Alert variant="warning" isInline component="h2" title={texts.paused}>
          {texts.pausedDetail}
        </Alert>
      ) : null}
      {isForbidden ? (
        <Alert variant="info" isInline component="h2" title={texts.cannot}>
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
        {texts.button}
      </Button>
    </div>
  );
}
