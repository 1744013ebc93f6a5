import type { Platform } from '@gatehouse/contract/operator-types';
import {
  Card,
  CardBody,
  CardTitle,
  Content,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
} from '@patternfly/react-core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { releasesQuery } from '../api/queries.ts';
import { useAct } from '../api/use-act.ts';
import { useRoleReasons } from '../api/use-role-reasons.ts';
import { platformTexts } from '../texts/platform.ts';
import { ActButton } from './act-button.tsx';
import { ProblemAlert } from './problem-alert.tsx';

const texts = platformTexts.channel;

/** Which set of releases is offered. */
export function ChannelCard({ platform }: { readonly platform: Platform }) {
  const releases = useQuery(releasesQuery()).data?.items ?? [];
  const channels = [...new Set(releases.flatMap((release) => release.channels))].toSorted();
  const followed = platform.channel ?? '';
  const [chosen, setChosen] = useState<string>();
  const roleReasons = useRoleReasons('platform.upgrade', texts.act);
  const follow = useAct(
    (channel: string) =>
      channel === '' ? client.clearPlatformChannel({}) : client.setPlatformChannel({ body: { channel } }),
    () => setChosen(undefined),
  );
  return (
    <Card component="section" aria-label={texts.title}>
      <CardTitle component="h2">{texts.title}</CardTitle>
      <CardBody>
        {follow.isError ? <ProblemAlert error={follow.error} isRefusal /> : null}
        <Form
          className="console-form-card"
          onSubmit={(event) => {
            event.preventDefault();
            if (roleReasons.length === 0) follow.mutate(chosen ?? followed);
          }}
        >
          <FormGroup label={texts.label} fieldId="channel">
            <FormSelect id="channel" value={chosen ?? followed} onChange={(_event, value) => setChosen(value)}>
              <FormSelectOption value="" label={texts.none} />
              {channels.map((channel) => (
                <FormSelectOption key={channel} value={channel} label={channel} />
              ))}
            </FormSelect>
          </FormGroup>
          <Content component="p">{texts.keeps}</Content>
          <ActButton type="submit" variant="secondary" reasons={roleReasons} isLoading={follow.isPending}>
            {texts.submit}
          </ActButton>
        </Form>
      </CardBody>
    </Card>
  );
}
