import { expect, test } from 'vitest';
import { toCell } from './audit-export.ts';

test.each([
  ['plain', 'plain'],
  ['', ''],
  ['a,b', '"a,b"'],
  ['say "yes"', '"say ""yes"""'],
  ['two\nlines', '"two\nlines"'],
  ['=1+1', "'=1+1"],
  ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1', `"'\r=1"`],
  ['\n=1', `"'\n=1"`],
  ['|cmd', "'|cmd"],
  ['＝1', "'＝1"],
  ['a=1', 'a=1'],
])('%j -> %j', (text, cell) => {
  expect(toCell(text)).toBe(cell);
});
