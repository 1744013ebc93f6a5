/** A profile update's difference for a terminal: layer by layer, Current Configuration left, Pending Configuration right. */

import type { ProfileUpdate } from '@gatehouse/contract/operator-types';
import { paint, plain, type Terminal } from './terminal.ts';

type PackDiff = ProfileUpdate['layers'][number]['packs'][number];

const marks = { same: ' ', changed: '~', added: '+', removed: '-' } as const;
const colours = { same: undefined, changed: 'yellow', added: 'green', removed: 'red' } as const;
/** Unchanged lines shown around a change; what is further away is folded. */
const contextLines = 2;

function cell(text: string | undefined, width: number): string {
  const shown = plain(text ?? '').replaceAll('\n', ' ');
  return shown.length > width ? `${shown.slice(0, width - 1)}…` : shown.padEnd(width);
}

function packLines(pack: PackDiff, width: number, terminal: Terminal): readonly string[] {
  const isNear = pack.lines.map((_line, index) =>
    pack.lines.slice(Math.max(0, index - contextLines), index + contextLines + 1).some((line) => line.kind !== 'same'),
  );
  const shown: string[] = [];
  let folded = 0;
  const unfold = () => {
    if (folded > 0) shown.push(paint(terminal, 'dim', `    … ${folded} unchanged ${folded === 1 ? 'line' : 'lines'}`));
    folded = 0;
  };
  for (const [index, line] of pack.lines.entries()) {
    if (isNear[index] !== true) {
      folded += 1;
      continue;
    }
    unfold();
    const text = `  ${marks[line.kind]} ${cell(line.left?.text, width)} │ ${cell(line.right?.text, width)}`.trimEnd();
    const colour = colours[line.kind];
    shown.push(colour === undefined ? text : paint(terminal, colour, text));
  }
  unfold();
  return shown;
}

function packTitle(pack: PackDiff): string {
  switch (pack.change) {
    case 'added':
      return `${pack.name} ${pack.toVersion ?? ''} (new)`;
    case 'removed':
      return `${pack.name} ${pack.fromVersion ?? ''} (removed)`;
    case 'changed':
    case 'same':
      return pack.fromVersion === pack.toVersion
        ? `${pack.name} ${pack.toVersion ?? ''}`
        : `${pack.name} ${pack.fromVersion ?? ''} → ${pack.toVersion ?? ''}`;
    default:
      return pack.change satisfies never;
  }
}

export function renderDifference(update: ProfileUpdate, terminal: Terminal, columns: number): string {
  const width = Math.max(30, Math.floor((columns - 7) / 2));
  const lines = [paint(terminal, 'bold', `    ${cell('Current Configuration', width)} │ Pending Configuration`)];
  for (const layer of update.layers) {
    const moved = layer.packs.filter((pack) => pack.change !== 'same');
    lines.push('', paint(terminal, 'bold', `${layer.layer}${layer.isMoved ? '' : ' (unchanged)'}`));
    for (const pack of moved) {
      lines.push(`  ${plain(packTitle(pack))}`, ...packLines(pack, width, terminal));
      for (const object of pack.deletes) lines.push(paint(terminal, 'red', `  - deletes ${plain(object)}`));
    }
  }
  if (update.drift.length > 0) {
    lines.push(
      '',
      'Found on the gateway and different from what was applied:',
      ...update.drift.map((one) => `  ${plain(one)}`),
    );
  }
  return lines.join('\n');
}
