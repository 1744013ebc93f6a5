/** When each hop would begin if nothing happens but what is assumed, and who would hold it. */

import type { Forecast, ForecastStage } from '@gatehouse/contract/platform-types';
import { Form, FormGroup, FormSelect, FormSelectOption, List, ListItem } from '@patternfly/react-core';
import { Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table';
import { platformTexts } from '../texts/platform.ts';
import { DataTable } from './data-table.tsx';
import { Instant } from './instant.tsx';
import { Loading } from './loading.tsx';
import { Prose } from './prose.tsx';
import { Reasons } from './reasons.tsx';

const texts = platformTexts.forecast;

/** Of each stage; the API names more. */
const holdersShown = 5;

interface ForecastProps {
  readonly forecast: Forecast | undefined;
  readonly confirmAfter: number | undefined;
  readonly onConfirmAfter: (seconds: number | undefined) => void;
}

export function ForecastView({ forecast, confirmAfter, onConfirmAfter }: ForecastProps) {
  return (
    <section aria-label={texts.title}>
      <Form className="console-form-card console-facts" onSubmit={(event) => event.preventDefault()}>
        <FormGroup label={texts.confirmAfter} fieldId="confirm-after">
          <FormSelect
            id="confirm-after"
            value={confirmAfter === undefined ? 'never' : String(confirmAfter)}
            onChange={(_event, value) => onConfirmAfter(value === 'never' ? undefined : Number(value))}
          >
            {Object.entries(texts.confirmChoices).map(([value, label]) => (
              <FormSelectOption key={value} value={value} label={label} />
            ))}
          </FormSelect>
        </FormGroup>
      </Form>
      {forecast === undefined ? <Loading /> : <Stages forecast={forecast} />}
    </section>
  );
}

function Stages({ forecast }: { readonly forecast: Forecast }) {
  const { stages, assumptions, outcome, doneAt, waitingForPerson } = forecast;
  return (
    <>
      <DataTable aria-label={texts.table} gridBreakPoint="grid-lg">
        <Thead>
          <Tr>
            <Th>{texts.hop}</Th>
            <Th>{texts.begins}</Th>
            <Th modifier="wrap">{texts.confirmations}</Th>
            <Th width={50}>{texts.heldBy}</Th>
          </Tr>
        </Thead>
        <Tbody>
          {stages.map((stage) => (
            <Tr key={stage.number ?? 'end'}>
              <Td dataLabel={texts.hop}>
                {stage.number === undefined ? texts.end : platformTexts.plan.hop(stage.from ?? '', stage.to ?? '')}
              </Td>
              <Td dataLabel={texts.begins}>
                <Begins stage={stage} forecast={forecast} />
              </Td>
              <Td dataLabel={texts.confirmations}>{stage.confirmations}</Td>
              <Td dataLabel={texts.heldBy} modifier="breakWord">
                <HeldBy stage={stage} />
              </Td>
            </Tr>
          ))}
        </Tbody>
      </DataTable>
      <p>
        {texts.outcome[outcome]}
        {doneAt === undefined ? null : (
          <>
            {' '}
            <Instant at={doneAt} />.
          </>
        )}{' '}
        {waitingForPerson === 0 ? null : texts.waiting(waitingForPerson)}
      </p>
      <h3 className="console-pack">{texts.assumed}</h3>
      <List>
        {assumptions.map((assumption) => (
          <ListItem key={assumption}>
            <Prose text={assumption} />
          </ListItem>
        ))}
      </List>
    </>
  );
}

function Begins({ stage: { opensAt }, forecast }: { readonly stage: ForecastStage; readonly forecast: Forecast }) {
  if (opensAt === undefined) return forecast.outcome === 'too-far' ? texts.tooFar : texts.notBefore;
  return opensAt === forecast.from ? texts.now : <Instant at={opensAt} />;
}

function HeldBy({ stage: { obstacles, heldBy, heldByTotal } }: { readonly stage: ForecastStage }) {
  const shown = heldBy.slice(0, holdersShown);
  const others = heldByTotal - shown.length;
  return (
    <>
      {obstacles.length === 0 ? null : <Reasons reasons={obstacles} />}
      {shown.map(({ gateway, tenant, until, reasons }) => (
        <div key={`${tenant}/${gateway}`}>
          <strong>{gateway}</strong>{' '}
          {until === undefined ? (
            texts.untilActs
          ) : (
            <>
              {texts.until} <Instant at={until} />
            </>
          )}
          <Reasons reasons={reasons} />
        </div>
      ))}
      {others > 0 ? <p>{texts.others(others)}</p> : null}
    </>
  );
}
