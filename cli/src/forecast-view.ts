/** A forecast of a plan in words, for `platform plan --forecast`. */

import type { Forecast, ForecastStage } from '@gatehouse/contract/platform-types';
import { renderTable } from './output.ts';
import { reasonLines } from './reasons.ts';
import { plain } from './terminal.ts';
import { clockTime } from './time.ts';

/** Of each stage; the API names more. */
const holdersShown = 5;

export function forecastLines(forecast: Forecast): readonly string[] {
  const { stages, assumptions } = forecast;
  const table = renderTable<ForecastStage>(
    [
      { head: 'HOP', of: ({ number }) => (number === undefined ? 'end' : String(number)) },
      { head: 'TO', of: ({ to }) => to },
      { head: 'BEGINS', of: (stage) => opensText(stage, forecast) },
      { head: 'TO CONFIRM', of: ({ confirmations }) => (confirmations === 0 ? undefined : String(confirmations)) },
      { head: 'HELD LONGEST BY', of: heldText },
    ],
    stages,
    false,
  );
  return [
    `Forecast from ${clockTime(forecast.from)}:`,
    '',
    table,
    ...stages.flatMap(stageLines),
    '',
    endText(forecast),
    '',
    'Assumed:',
    ...assumptions.map((assumption) => `- ${plain(assumption)}`),
  ];
}

function opensText({ opensAt }: ForecastStage, { from, outcome }: Forecast): string {
  if (opensAt === undefined) return outcome === 'too-far' ? 'not within a year' : 'not before somebody acts';
  return opensAt === from ? 'now' : clockTime(opensAt);
}

function heldText({ heldBy, heldByTotal, obstacles }: ForecastStage): string | undefined {
  const [first] = heldBy;
  const others = heldByTotal - (first === undefined ? 0 : 1);
  const gateways =
    first === undefined ? (others > 0 ? `${others} gateways` : '') : `${first.gateway}${moreText(others)}`;
  return [...obstacles.map(({ code }) => code), ...(gateways === '' ? [] : [gateways])].join(', ') || undefined;
}

const moreText = (others: number): string => (others > 0 ? ` and ${others} more` : '');

function stageLines({ number, heldBy, heldByTotal, obstacles }: ForecastStage): readonly string[] {
  if (heldBy.length === 0 && obstacles.length === 0) return [];
  const shown = heldBy.slice(0, holdersShown);
  const left = heldByTotal - shown.length;
  return [
    '',
    number === undefined ? 'The end of the plan is held by' : `Hop ${number} is held by`,
    ...indented(reasonLines(obstacles)),
    ...shown.flatMap(({ gateway, until, reasons }) => [
      `  ${plain(gateway)} ${until === undefined ? 'until somebody acts' : `until ${clockTime(until)}`}:`,
      ...indented(indented(reasonLines(reasons))),
    ]),
    ...(left > 0 ? [`  and ${left} more gateways.`] : []),
  ];
}

const indented = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

function endText({ outcome, doneAt, waitingForPerson, stages }: Forecast): string {
  switch (outcome) {
    case 'done':
      return `The plan is done at ${clockTime(doneAt ?? '')}.`;
    case 'too-far':
      return 'The plan is not done within a year.';
    case 'held': {
      const last = stages.at(-1);
      const what = last?.number === undefined ? 'The plan does not end' : `Hop ${last.number} does not begin`;
      const updates = waitingForPerson === 1 ? '1 profile update' : `${waitingForPerson} profile updates`;
      return waitingForPerson === 0
        ? `${what} before somebody acts.`
        : `${what} before a person confirms ${updates}. See what then with \`--confirm-after 1d\`.`;
    }
  }
}
