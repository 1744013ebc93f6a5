/** Every imported release: its notes, from where it can be taken, and whether it was recalled. */

import type { Release } from '@gatehouse/contract/operator-types';
import { Card, CardBody, CardTitle, Content, FormGroup, Label, TextInput } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { releasesQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { releasesAhead } from '../format/platform-hops.ts';
import { platformTexts } from '../texts/platform.ts';
import { ActButton } from '../ui/act-button.tsx';
import { DataTable } from '../ui/data-table.tsx';
import { Instant } from '../ui/instant.tsx';
import { Loading } from '../ui/loading.tsx';
import { ProblemAlert } from '../ui/problem-alert.tsx';
import { type GivenReason, ReasonDialog } from '../ui/reason-dialog.tsx';
import { ButtonLink } from '../ui/router-links.tsx';

const texts = platformTexts.releases;

export function PlatformReleases() {
  const { data, error } = useQuery(releasesQuery());
  const [asked, setAsked] = useState<Release>();
  if (data === undefined) return error === null ? <Loading /> : <ProblemAlert error={error} />;
  const ahead = new Set(releasesAhead(data.items).map(({ version }) => version));
  return (
    <Card>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        <DataTable aria-label={texts.table} gridBreakPoint="grid-lg">
          <Thead>
            <Tr>
              <Th>{texts.version}</Th>
              <Th>{texts.published}</Th>
              <Th>{texts.channels}</Th>
              <Th width={45}>{texts.notes}</Th>
              <Th>{texts.act}</Th>
            </Tr>
          </Thead>
          <Tbody>
            {data.items.toReversed().map((release) => (
              <Tr key={release.version}>
                <Td dataLabel={texts.version}>
                  <span className="console-labels">
                    <span className="console-strong">{release.version}</span>
                    {release.isPlatformVersion ? (
                      <Label isCompact color="blue">
                        {texts.isPlatform}
                      </Label>
                    ) : null}
                    {release.recalled === undefined ? null : (
                      <Label isCompact status="danger">
                        {texts.recalled}
                      </Label>
                    )}
                  </span>
                </Td>
                <Td dataLabel={texts.published}>
                  <Instant at={release.publishedAt} />
                </Td>
                <Td dataLabel={texts.channels} modifier="breakWord">
                  {release.channels.join(', ')}
                </Td>
                <Td dataLabel={texts.notes} modifier="breakWord">
                  <Notes release={release} />
                </Td>
                <Td dataLabel={texts.act}>
                  <Acts release={release} isAhead={ahead.has(release.version)} onAsk={setAsked} />
                </Td>
              </Tr>
            ))}
          </Tbody>
        </DataTable>
        {asked === undefined ? null : <RecallDialog release={asked} onClose={() => setAsked(undefined)} />}
      </CardBody>
    </Card>
  );
}

function Notes({ release: { notes, upgradeFrom, recalled } }: { readonly release: Release }) {
  return (
    <>
      <span className="console-text">{notes}</span>
      {upgradeFrom === undefined ? null : (
        <div className="console-subtle">
          {upgradeFrom.length === 0 ? texts.fromNone : texts.from(upgradeFrom.join(', '))}
        </div>
      )}
      {recalled === undefined ? null : (
        <div className="console-below">
          <span className="console-text">
            {texts.recalledBy(recalled.by === 'publisher' ? texts.publisher : recalled.by, recalled.reason)}
          </span>
          {recalled.gatewaysTotal === 0 ? null : (
            <div>
              {texts.gatewaysOn(recalled.gatewaysTotal)}{' '}
              {recalled.gateways.map(({ name, tenant }, index) => (
                <span key={`${tenant}/${name}`}>
                  {index === 0 ? '' : ', '}
                  <Link to="/gateways/$gateway" params={{ gateway: name }} search={{ tenant }}>
                    {name}
                  </Link>
                </span>
              ))}
            </div>
          )}
        </div>
      )}
    </>
  );
}

interface ActsProps {
  readonly release: Release;
  readonly isAhead: boolean;
  readonly onAsk: (release: Release) => void;
}

function Acts({ release, isAhead, onAsk }: ActsProps) {
  const { version, recalled } = release;
  const roleReasons = useRoleReasons('release.recall', texts.recallAct);
  const signed = recalled?.isSigned === true ? [{ code: 'recall-signed', message: texts.signed }] : [];
  return (
    <div className="console-act-button">
      {isAhead ? (
        <ButtonLink to="/platform" search={{ to: version }} variant="link" isInline size="sm">
          {texts.plan(version)}
        </ButtonLink>
      ) : null}
      <ActButton
        variant="secondary"
        size="sm"
        aria-label={recalled === undefined ? texts.recallName(version) : texts.withdrawName(version)}
        reasons={[...roleReasons, ...signed]}
        onClick={() => onAsk(release)}
      >
        {recalled === undefined ? texts.recall : texts.withdraw}
      </ActButton>
    </div>
  );
}

/** Of a release that is recalled it asks whether that is taken back. */
function RecallDialog({ release, onClose }: { readonly release: Release; readonly onClose: () => void }) {
  const { version } = release;
  const [names, setNames] = useState('');
  const [isRecalled] = useState(release.recalled !== undefined);
  const act = useAct(({ reason }: GivenReason) => {
    if (isRecalled) return client.withdrawRecall({ params: { version }, query: { reason } });
    const evenIfPaused = names.split(/[\s,]+/).filter((name) => name !== '');
    return client.recallRelease({
      params: { version },
      body: { reason, ...(evenIfPaused.length === 0 ? {} : { evenIfPaused }) },
    });
  }, onClose);
  return (
    <ReasonDialog
      title={isRecalled ? texts.withdrawTitle(version) : texts.recallTitle(version)}
      submit={isRecalled ? texts.withdraw : texts.recall}
      variant={isRecalled ? 'primary' : 'danger'}
      ends="none"
      isSending={act.isPending}
      error={act.error}
      onSubmit={act.mutate}
      onClose={onClose}
      more={
        isRecalled ? null : (
          <FormGroup label={texts.evenIfPaused} fieldId="even-if-paused">
            <TextInput
              id="even-if-paused"
              autoComplete="off"
              value={names}
              onChange={(_event, value) => setNames(value)}
            />
          </FormGroup>
        )
      }
    >
      <Content component="p">{isRecalled ? texts.withdrawDetail : texts.recallDetail}</Content>
    </ReasonDialog>
  );
}
