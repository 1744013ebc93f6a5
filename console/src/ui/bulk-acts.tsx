/**
 * Acts on several gateways: each is asked for by itself, with the answer of each beside its name. What is refused for one
 * is done for the others.
 */

import type { Gateway } from '@gatehouse/contract/operator-types';
import { Button, Content, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { client } from '../api/client.ts';
import { toShownProblem } from '../api/problem.ts';
import { liveKey } from '../api/queries.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { gatewaysTexts } from '../texts/fleet.ts';
import { AskDialog } from './ask-dialog.tsx';
import { DataTable } from './data-table.tsx';
import { type GivenReason, ReasonDialog } from './reason-dialog.tsx';
import { Reasons } from './reasons.tsx';
import { ButtonLink } from './router-links.tsx';

const texts = gatewaysTexts.bulk;
const atOnce = 4;

/** Of one gateway. */
type Outcome = { readonly kind: 'done'; readonly text: string } | { readonly kind: 'refused'; readonly text: string };

interface Run {
  readonly gateways: readonly Gateway[];
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

export function BulkActs({
  selected,
  onClear,
}: {
  readonly selected: readonly Gateway[];
  readonly onClear: () => void;
}) {
  const queryClient = useQueryClient();
  const whyId = useId();
  const [asking, setAsking] = useState<'pause' | 'resume'>();
  const [run, setRun] = useState<Run>();
  const pauseReasons = useRoleReasons('pause.set', texts.pauseAct);
  const resumeReasons = useRoleReasons('pause.set', texts.resumeAct);
  const nothing = selected.length === 0 ? [{ code: 'nothing-selected', message: texts.nothingSelected }] : [];
  // Said once for all of them: what is not permitted, or else that there is nothing to act on.
  const roleReasons = [...pauseReasons, ...resumeReasons];
  const reasons = roleReasons.length > 0 ? roleReasons : nothing;
  const forbidden = (isForbidden: boolean) => (isForbidden ? { isAriaDisabled: true, 'aria-describedby': whyId } : {});
  const isNothing = selected.length === 0;

  async function doEach(act: (gateway: Gateway) => Promise<string>): Promise<void> {
    const gateways = selected;
    setAsking(undefined);
    setRun({ gateways, outcomes: new Map() });
    const waiting = [...gateways];
    const next = async (): Promise<void> => {
      const gateway = waiting.shift();
      if (gateway === undefined) return;
      const outcome = await act(gateway).then(
        (text): Outcome => ({ kind: 'done', text }),
        (error: unknown): Outcome => ({ kind: 'refused', text: sayProblem(error) }),
      );
      setRun((now) => now && { ...now, outcomes: new Map([...now.outcomes, [gateway.id, outcome]]) });
      await next();
    };
    await Promise.all(Array.from({ length: atOnce }, next));
    await queryClient.invalidateQueries({ queryKey: liveKey });
  }

  return (
    <section aria-label={texts.label} className="console-bulk">
      <output className="console-bulk-count">{gatewaysTexts.selected(selected.length)}</output>
      <Button
        variant="secondary"
        {...forbidden(isNothing || pauseReasons.length > 0)}
        onClick={() => setAsking('pause')}
      >
        {texts.pause}
      </Button>
      <Button
        variant="secondary"
        {...forbidden(isNothing || resumeReasons.length > 0)}
        onClick={() => setAsking('resume')}
      >
        {texts.resume}
      </Button>
      {/* Whoever may look at the gateways may look at what is proposed for them. */}
      {isNothing ? (
        <Button variant="secondary" {...forbidden(true)}>
          {texts.review}
        </Button>
      ) : (
        <ButtonLink variant="secondary" to="/review" search={{ gateways: selected.map(({ id }) => id) }}>
          {texts.review}
        </ButtonLink>
      )}
      {isNothing ? null : (
        <Button variant="link" onClick={onClear}>
          {gatewaysTexts.clearSelection}
        </Button>
      )}
      {reasons.length === 0 ? null : (
        <div id={whyId} className="console-bulk-why">
          <Reasons reasons={reasons} />
        </div>
      )}
      {asking === 'pause' ? (
        <ReasonDialog
          title={texts.pauseTitle(selected.length)}
          submit={texts.pause}
          ends="optional"
          isSending={false}
          error={null}
          onSubmit={(given) => void doEach((gateway) => pauseOne(gateway, given))}
          onClose={() => setAsking(undefined)}
        >
          <Content component="p">{texts.pauseDetail}</Content>
        </ReasonDialog>
      ) : null}
      {asking === 'resume' ? (
        <AskDialog
          title={texts.resumeTitle(selected.length)}
          submit={texts.resume}
          isSending={false}
          error={null}
          onSubmit={() => void doEach(resumeOne)}
          onClose={() => setAsking(undefined)}
        >
          <Content component="p">{texts.resumeDetail}</Content>
        </AskDialog>
      ) : null}
      {run === undefined ? null : <Results run={run} onClose={() => setRun(undefined)} />}
    </section>
  );
}

async function pauseOne({ name, tenant }: Gateway, given: GivenReason): Promise<string> {
  await client.setPause({ query: { tenant: tenant.name }, body: { scope: 'gateway', name, ...given } });
  return texts.paused;
}

async function resumeOne({ id, name, tenant }: Gateway): Promise<string> {
  const query = { tenant: tenant.name };
  await client.clearPause({ query, params: { scope: 'gateway', name } });
  const { pauses } = await client.getGateway({ params: { gateway: id } });
  return pauses.length === 0
    ? texts.resumed
    : texts.stillPaused(pauses.map(({ scope }) => `${scope.kind} ${scope.name}`).join(', '));
}

function sayProblem(error: unknown): string {
  const { title, detail, reasons } = toShownProblem(error);
  return reasons.length > 0 ? reasons.map(({ message }) => message).join(' ') : (detail ?? title);
}

function Results({ run: { gateways, outcomes }, onClose }: { readonly run: Run; readonly onClose: () => void }) {
  const id = useId();
  const refused = [...outcomes.values()].filter(({ kind }) => kind === 'refused').length;
  const isOver = outcomes.size === gateways.length;
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby={`${id}-title`} aria-describedby={`${id}-sum`}>
      <ModalHeader title={texts.resultTitle} labelId={`${id}-title`} />
      <ModalBody>
        <output id={`${id}-sum`}>
          {texts.done(outcomes.size - refused, gateways.length)}
          {refused === 0 ? '' : `, ${texts.refused(refused)}`}
        </output>
        <DataTable aria-label={texts.resultTitle} gridBreakPoint="grid-md">
          <Thead>
            <Tr>
              <Th>{texts.column.gateway}</Th>
              <Th>{texts.column.result}</Th>
            </Tr>
          </Thead>
          <Tbody>
            {gateways.map((gateway) => (
              <Tr key={gateway.id}>
                <Td dataLabel={texts.column.gateway} modifier="breakWord">
                  {gateway.name}
                </Td>
                <Td dataLabel={texts.column.result} modifier="breakWord">
                  <span className={outcomes.get(gateway.id)?.kind === 'refused' ? 'console-refused' : 'console-text'}>
                    {outcomes.get(gateway.id)?.text ?? texts.waiting}
                  </span>
                </Td>
              </Tr>
            ))}
          </Tbody>
        </DataTable>
      </ModalBody>
      <ModalFooter>
        <Button isDisabled={!isOver} onClick={onClose}>
          {texts.close}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
