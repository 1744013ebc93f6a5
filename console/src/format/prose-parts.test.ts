import { describe, expect, test } from 'vitest';
import { type ProsePart, proseParts } from './prose-parts.ts';

const text = (said: string): ProsePart => ({ kind: 'text', text: said });

describe('what is read in a text', () => {
  const cases: readonly (readonly [string, string, readonly ProsePart[]])[] = [
    ['nothing', 'It waits.', [text('It waits.')]],
    ['nothing at all', '', []],
    ['a command', 'Run `kubectl get pods`.', [text('Run '), { kind: 'command', text: 'kubectl get pods' }, text('.')]],
    [
      'an instant',
      'with the next poll, by 2026-11-23T17:09:02.123Z',
      [text('with the next poll, by '), { kind: 'instant', at: '2026-11-23T17:09:02.123Z' }],
    ],
    [
      'the command that explains a gateway',
      'See `gatehouse gateway explain site-a`.',
      [text('See '), { kind: 'gateway', name: 'site-a' }, text('.')],
    ],
    [
      'that command with more behind it, which the page does not say',
      '`gatehouse gateway explain site-a -o json`',
      [{ kind: 'command', text: 'gatehouse gateway explain site-a -o json' }],
    ],
    [
      'no name that leads elsewhere',
      '`gatehouse gateway explain ../x`',
      [{ kind: 'command', text: 'gatehouse gateway explain ../x' }],
    ],
    ['what only looks like an instant', 'at 2026-13-45T99:00:00Z', [text('at '), text('2026-13-45T99:00:00Z')]],
    [
      'an instant in a command stays',
      '`--until 2026-11-23T17:09:02Z`',
      [{ kind: 'command', text: '--until 2026-11-23T17:09:02Z' }],
    ],
    ['markup and a single backtick stay', '<b>`bold</b>', [text('<b>`bold</b>')]],
  ];
  test.each(cases)('%s', (_what, said, parts) => {
    expect(proseParts(said)).toEqual(parts);
  });
});
