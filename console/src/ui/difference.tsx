/**
 * A profile update's difference, layer by layer: Current Configuration left, Pending Configuration right. What changes
 * is said by a sign and in words, not by colour alone.
 */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { Button, Card, CardBody, CardTitle, Label } from '@patternfly/react-core';
import { type CSSProperties, useState } from 'react';
import { beginningOf, changedParts, type DiffLine, differenceRows, type LineParts } from '../format/difference-rows.ts';
import { updatesTexts } from '../texts/updates.ts';

const texts = updatesTexts.difference;

type Layer = ProfileUpdate['layers'][number];
type Pack = Layer['packs'][number];

export function Difference({ layers }: { readonly layers: readonly Layer[] }) {
  return (
    <>
      {layers.map((layer) => (
        <LayerDifference key={layer.layer} layer={layer} />
      ))}
    </>
  );
}

function LayerDifference({ layer }: { readonly layer: Layer }) {
  const moved = layer.packs.filter(({ change }) => change !== 'same');
  const same = layer.packs.filter(({ change }) => change === 'same');
  return (
    <Card component="section" aria-label={texts.layer(layer.layer)} className="console-layer">
      <CardTitle component="h3">
        <span className="console-labels">
          {layer.layer}
          {layer.isMoved ? (
            <Label color="blue">{texts.moves}</Label>
          ) : (
            <Label variant="outline">{texts.unchanged}</Label>
          )}
        </span>
      </CardTitle>
      <CardBody>
        {moved.map((pack) => (
          <PackDifference key={pack.name} pack={pack} />
        ))}
        {same.length === 0 ? null : (
          <p className="console-subtle console-text">
            {texts.unchangedPacks(same.map(({ name, toVersion }) => `${name} ${toVersion ?? ''}`.trim()).join(', '))}
          </p>
        )}
      </CardBody>
    </Card>
  );
}

function packTitle({ name, change, fromVersion = '', toVersion = '' }: Pack): string {
  switch (change) {
    case 'added':
      return `${name} ${toVersion} ${texts.isNew}`;
    case 'removed':
      return `${name} ${fromVersion} ${texts.isRemoved}`;
    case 'changed':
    case 'same':
      return fromVersion === toVersion ? `${name} ${toVersion}` : `${name} ${fromVersion} → ${toVersion}`;
    default:
      return change satisfies never;
  }
}

function PackDifference({ pack }: { readonly pack: Pack }) {
  const title = packTitle(pack);
  return (
    <>
      <h4 className="console-pack console-text">{title}</h4>
      {pack.deletes.length === 0 ? null : (
        <div className="console-deletes">
          <div>
            <Label status="danger">{texts.deleted}</Label>
          </div>
          <ul aria-label={texts.deletedWith(pack.name)}>
            {pack.deletes.map((object) => (
              <li key={object} className="console-text">
                {object}
              </li>
            ))}
          </ul>
        </div>
      )}
      <LineTable title={title} lines={pack.lines} />
    </>
  );
}

function LineTable({ title, lines }: { readonly title: string; readonly lines: readonly DiffLine[] }) {
  const [unfolded, setUnfolded] = useState<ReadonlySet<number>>(new Set());
  return (
    <table className="console-difference">
      <caption className="pf-v6-screen-reader">{title}</caption>
      <colgroup>
        <col className="console-number-column" />
        <col />
        <col className="console-number-column" />
        <col />
      </colgroup>
      <thead>
        <tr>
          <th scope="col" colSpan={2}>
            {texts.current}
          </th>
          <th scope="col" colSpan={2}>
            {texts.pending}
          </th>
        </tr>
      </thead>
      <tbody>
        {differenceRows(lines).map((row) => {
          if (row.kind === 'line') return <Line key={lineKey(row.line)} line={row.line} />;
          if (unfolded.has(row.id)) return row.lines.map((line) => <Line key={lineKey(line)} line={line} />);
          return (
            <tr key={`fold ${row.id}`}>
              <td colSpan={4} className="console-fold">
                <Button
                  variant="link"
                  isInline
                  size="sm"
                  onClick={() => setUnfolded((before) => new Set([...before, row.id]))}
                >
                  {row.isChange ? texts.showChanged(row.lines.length) : texts.showUnchanged(row.lines.length)}
                </Button>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const lineKey = ({ left, right }: DiffLine): string => `${left?.number ?? ''} ${right?.number ?? ''}`;

const said = {
  same: undefined,
  changed: { left: texts.changedFrom, right: texts.changedTo },
  removed: { left: texts.removed, right: undefined },
  added: { left: undefined, right: texts.added },
} as const;

function Line({ line }: { readonly line: DiffLine }) {
  const { kind, left, right } = line;
  const parts =
    kind === 'changed' && left !== undefined && right !== undefined ? changedParts(left.text, right.text) : undefined;
  return (
    <tr>
      <Side side={left} parts={parts?.left} look={kind === 'same' ? 'same' : 'gone'} says={said[kind]?.left} />
      <Side side={right} parts={parts?.right} look={kind === 'same' ? 'same' : 'new'} says={said[kind]?.right} />
    </tr>
  );
}

function Side({
  side,
  parts,
  look,
  says,
}: {
  readonly side: DiffLine['left'];
  readonly parts: LineParts | undefined;
  readonly look: 'same' | 'gone' | 'new';
  readonly says: string | undefined;
}) {
  const [isWhole, setIsWhole] = useState(false);
  if (side === undefined) {
    return (
      <td colSpan={2} className="console-no-line">
        <span className="pf-v6-screen-reader">{texts.noLine}</span>
      </td>
    );
  }
  // The indentation is made of space beside the text, so that a line that wraps keeps it.
  const indentation = side.text.length - side.text.trimStart().length;
  const indent: CSSProperties & { '--console-indentation': number } = { '--console-indentation': indentation };
  const mark = look === 'gone' ? '−' : look === 'new' ? '+' : ' ';
  const Changed = look === 'gone' ? 'del' : 'ins';
  const beginning = isWhole ? undefined : beginningOf(side.text);
  return (
    <>
      <td className={`console-number console-${look}`} aria-hidden="true">
        {side.number}
      </td>
      <td className={`console-line console-${look}`} style={indent}>
        {says === undefined ? null : <span className="pf-v6-screen-reader">{says} </span>}
        <span aria-hidden="true" className="console-mark">
          {mark}
        </span>
        {beginning !== undefined ? (
          <>
            {beginning.trimStart()}{' '}
            <Button variant="link" isInline size="sm" onClick={() => setIsWhole(true)}>
              {texts.showValue(side.text.length)}
            </Button>
          </>
        ) : parts === undefined ? (
          side.text.trimStart()
        ) : (
          <>
            {parts.before.trimStart()}
            {parts.changed === '' ? null : <Changed>{parts.changed}</Changed>}
            {parts.after}
          </>
        )}
      </td>
    </>
  );
}
