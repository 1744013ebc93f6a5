// A rule that reports nothing may be kept or may be broken. So each is run here over a small repository that keeps it,
// and over the same one with a file that does not.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { workspaces } from '../workspaces.ts';

const root = path.dirname(path.dirname(import.meta.dirname));
const folders = workspaces(root).map(({ folder }) => folder);
const made: string[] = [];

afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

type Files = Readonly<Record<string, string>>;

const kept: Files = {
  'domain/src/pause.ts': 'export const pauses = (now: number): string => new Date(now).toISOString();\n',
  'domain/src/pause.test.ts': "import { readFileSync } from 'node:fs';\nexport { readFileSync };\n",
  'contract/src/reply.ts': "import Type from 'typebox';\nexport const Reply = Type.Object({});\n",
  'release/src/sign.ts': "export { Reply } from '@gatehouse/contract/reply';\n",
  'release/src/lint.ts': "export { pauses } from '@gatehouse/domain/pause';\n",
  'agent/src/main.ts': "export { pauses } from '@gatehouse/domain/pause';\n",
  'cli/src/main.ts': "export const path = '../server/src/main.ts';\n",
  'server/src/main.ts': "export type { pauses } from '@gatehouse/domain/pause';\n",
  'testkit/src/clock.ts': 'export const noon = 1;\n',
  'server/src/main.test.ts': "export { noon } from '@gatehouse/testkit/clock';\n",
  'e2e/stories/a.ts':
    "export { path } from '@gatehouse/cli/main';\nexport * as server from '@gatehouse/server/main';\n",
};

function makeRepository(files: Files): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'gatehouse-rules-')));
  made.push(folder);
  for (const name of ['tsconfig.base.json', '.dependency-cruiser.mjs', '.oxlintrc.json']) {
    cpSync(path.join(root, name), path.join(folder, name));
  }
  mkdirSync(path.join(folder, 'node_modules/@gatehouse'), { recursive: true });
  for (const name of ['typebox', '@types']) {
    symlinkSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name));
  }
  for (const workspace of folders) {
    mkdirSync(path.join(folder, workspace, 'src'), { recursive: true });
    for (const name of ['package.json', ...(workspace === 'docs' ? [] : ['tsconfig.json'])]) {
      cpSync(path.join(root, workspace, name), path.join(folder, workspace, name));
    }
    symlinkSync(path.join(folder, workspace), path.join(folder, 'node_modules/@gatehouse', workspace));
  }
  for (const [name, text] of Object.entries({ ...kept, ...files })) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

type Outcome = { readonly status: number | null; readonly output: string };

function run(cwd: string, ...command: readonly string[]): Outcome {
  const args = [path.join(root, 'tools/bootstrap.mjs'), ...command];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  return { status, output: `${stdout}${stderr}` };
}

type Rule = {
  readonly name: string;
  readonly check: (folder: string) => Outcome;
  /** What breaks the rule: where it stands, its text, and the words by which it must be reported. */
  readonly broken: readonly (readonly [folder: string, text: string, reported: RegExp])[];
};

const domain = 'domain/src';
const rules: readonly Rule[] = [
  {
    name: 'imports between workspaces',
    check: (folder) => run(folder, 'depcruise', ...folders, '--config', '.dependency-cruiser.mjs'),
    broken: [
      [domain, "import '@gatehouse/contract/reply';", /error domain-imports:/],
      [domain, "import 'node:fs';", /error domain-imports-only-itself:/],
      [domain, "import 'typebox';", /error domain-imports-only-itself:/],
      [domain, "void import('node:crypto');", /error domain-imports-only-itself:/],
      ['contract/src', "export * from '../../domain/src/pause.ts';", /error contract-imports:/],
      ['contract/src', "import 'node:fs';", /error contract-imports-only-typebox:/],
      ['release/src', "import '@gatehouse/agent/main';", /error release-imports:/],
      ['server/src', "export type * from '@gatehouse/agent/main';", /error server-imports:/],
      ['server/src', "import '@gatehouse/testkit/clock';", /error server-imports:/],
      ['server/src/tests', "import '@gatehouse/agent/main';", /error server-tests-import:/],
      ['server/src', "import './nowhere.ts';", /error resolvable:/],
      ['server/src', "import '@gatehouse/server/bad-11';", /error no-cycles:/],
      ['agent/src', "import '@gatehouse/server/main';", /error agent-imports:/],
      ['cli/src', "void import('../../server/src/main.ts');", /error cli-imports:/],
      ['cli/src', "import '@gatehouse/domain/pause';", /error cli-imports:/],
      ['console/src', "import '@gatehouse/release/sign';", /error console-imports:/],
      ['testkit/src', "import '@gatehouse/server/main';", /error testkit-imports:/],
    ],
  },
  {
    name: 'domain knows neither Node nor browser',
    check: (folder) => run(folder, 'tsc', '--pretty', 'false', '-p', 'domain/tsconfig.json'),
    broken: [
      [domain, 'export const bad = process.env;', /'process'/],
      [domain, 'export const bad = Buffer.alloc(1);', /'Buffer'/],
      [domain, "export const bad = () => fetch('');", /'fetch'/],
      [domain, 'export const bad = document.title;', /'document'/],
      [domain, 'setTimeout(() => 1, 1);', /'setTimeout'/],
      [domain, "import { readFileSync } from 'node:fs'; readFileSync('');", /'node:fs'/],
      [domain, 'export enum Bad { A }', /erasableSyntaxOnly/],
      [domain, 'export const bad = (a: string[]): string => a[0];', /'string \| undefined' is not assignable/],
    ],
  },
  {
    name: 'neither clock nor chance in domain',
    check: (folder) => run(folder, 'tools/checks/clock-ban.ts', domain),
    broken: [
      [domain, 'Date.now();', /Date\.now/],
      [domain, 'new Date();', /new Date\(\)/],
      [domain, 'Date();', /Date by itself/],
      [domain, "Date['now']();", /Date by itself/],
      [domain, 'const { now } = Date;', /Date by itself/],
      [domain, 'Math.random();', /Math\.random/],
      [domain, 'const { random } = Math;', /Math by itself/],
      [domain, 'performance.now();', /performance/],
      [domain, 'crypto.randomUUID();', /crypto/],
      [domain, 'setTimeout(() => 1, 1);', /setTimeout/],
      [domain, 'setInterval(() => 1, 1);', /setInterval/],
      [domain, 'process.hrtime();', /process/],
      [domain, 'globalThis.Date;', /globalThis/],
      [domain, 'new Intl.DateTimeFormat().format();', /Intl/],
    ],
  },
  {
    name: 'lint with types',
    check: (folder) => run(folder, 'oxlint', '--type-aware', '--deny-warnings', '--format', 'unix'),
    broken: [
      ['server/src', 'async function save(): Promise<void> {} save();', /no-floating-promises/],
      ['server/src', 'export const bad = (a?: string): number => a!.length;', /no-non-null-assertion/],
      ['server/src', 'export const bad: any = 1;', /no-explicit-any/],
      ['server/src', 'export default 1;', /no-default-export/],
      [
        'server/src',
        "export function bad(a: 'x' | 'y'): number { switch (a) { case 'x': return 1; } return 2; }",
        /switch-exhaustiveness-check/,
      ],
    ],
  },
];

describe.each(rules)('$name', ({ check, broken }) => {
  const files = broken.map(([folder, text], index) => {
    const name = folder.endsWith('/tests') ? `bad-${index}.test.ts` : `bad-${index}.ts`;
    return [path.join(folder, name), `${text}\n`] as const;
  });
  let reports: Outcome;

  beforeAll(() => {
    reports = check(makeRepository(Object.fromEntries(files)));
  });

  test('passes where it is kept', () => {
    const { status, output } = check(makeRepository({}));
    expect(status, output).toBe(0);
  });

  test.each(broken.map((one, index) => ({ one, index })))(
    'reports $one.0: $one.1',
    ({ one: [, , reported], index }) => {
      const file = files[index]?.[0] ?? '';
      const lines = reports.output.split('\n').filter((line) => line.includes(file));
      expect(lines.join('\n'), reports.output).toMatch(reported);
      expect(reports.status).not.toBe(0);
    },
  );
});

describe('the lock file', () => {
  const lock = (entry: object): string => JSON.stringify({ packages: { 'node_modules/a': entry } }, undefined, 1);
  const check = (text: string): Outcome => {
    const folder = makeRepository({ 'package-lock.json': text });
    return run(folder, 'tools/checks/lock-file.ts', 'package-lock.json');
  };

  test('passes where it names neither a registry nor half the platforms', () => {
    expect(check(lock({ version: '1.0.0' }))).toMatchObject({ status: 0 });
  });

  test('is reported if it names a registry', () => {
    const { status, output } = check(lock({ version: '1.0.0', resolved: 'https://registry.invalid/a-1.0.0.tgz' }));
    expect(output).toContain('names the address of a registry in line 5');
    expect(status).toBe(1);
  });

  test('is reported if it lacks the package of a platform', () => {
    const { status, output } = check(lock({ version: '1.0.0', optionalDependencies: { 'a-darwin-arm64': '1.0.0' } }));
    expect(output).toContain('lacks a-darwin-arm64');
    expect(status).toBe(1);
  });
});

describe('a run of tests', () => {
  const vitest = (text: string): Outcome => {
    const folder = makeRepository({
      'server/src/main.test.ts': text,
    });
    cpSync(path.join(root, 'vitest.config.ts'), path.join(folder, 'vitest.config.ts'));
    cpSync(path.join(root, 'tools/vitest'), path.join(folder, 'tools/vitest'), { recursive: true });
    for (const used of ['vitest', 'fast-check']) {
      symlinkSync(path.join(root, 'node_modules', used), path.join(folder, 'node_modules', used));
    }
    return run(folder, 'vitest', 'run', '--project', 'unit', 'server');
  };

  test('passes if a test was executed', () => {
    const { status, output } = vitest("import { test } from 'vitest';\ntest('one', () => {});\n");
    expect(output).toContain('1 passed');
    expect(status).toBe(0);
  });

  test('does not pass if all were skipped', () => {
    const { status, output } = vitest("import { test } from 'vitest';\ntest.skip('one', () => {});\n");
    expect(output).toContain('No test was executed');
    expect(status).toBe(1);
  });
});
