/** A publisher's commands, as they are typed: keys, signing by several people, rotation, refresh. No control plane. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { gatehouse } from './gatehouse.ts';
import type { Terminal } from './terminal.ts';

const day = 86_400_000;
const now = Date.now();
let scratch = '';
let directory = '';
let counter = 0;
beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'gatehouse-publisher-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));
beforeEach(async () => {
  counter += 1;
  directory = path.join(scratch, String(counter));
  await mkdir(directory);
});

const at = (name: string) => path.join(directory, name);

async function run(line: string, more: { readonly env?: Record<string, string>; readonly at?: number } = {}) {
  const out: string[] = [];
  const terminal: Terminal = {
    env: { HOME: directory, ...more.env },
    cwd: directory,
    isInteractive: false,
    hasColour: false,
    out: (text) => out.push(text),
    error: (text) => out.push(text),
    now: () => more.at ?? now,
    interrupted: new AbortController().signal,
  };
  const args = line.split(' ').map((word) => (word.startsWith('@') ? at(word.slice(1)) : word));
  const exitCode = await gatehouse(args, terminal);
  return { exitCode, text: out.join('\n').replaceAll(`${directory}/`, '') };
}

async function done(line: string, more: Parameters<typeof run>[1] = {}): Promise<string> {
  const { exitCode, text } = await run(line, more);
  if (exitCode !== 0) throw new Error(`${line} ended with ${exitCode}:\n${text}`);
  return text;
}

async function writeSource(version: string, change: (text: string) => string = (text) => text): Promise<void> {
  const files: Readonly<Record<string, string>> = {
    'release.yaml': change(`
platformVersion: ${version}
channels: [stable]
serverMinimum: 0.1.0
agent:
  repository: registry.example/gatehouse/agent
  digest: sha256:${'a'.repeat(64)}
  kubernetes: { min: 1.25.0, max: 1.29.99 }
`),
    'profiles/maas/profile.yaml': `
version: ${version}
layers:
  - kind: os
    packs: [{ name: ubuntu, version: 22.04.4 }]
  - kind: kubernetes
    packs: [{ name: kubernetes, version: 1.27.11 }]
`,
    'profiles/maas/ubuntu/values.yaml': 'image: ubuntu-2204\n',
  };
  for (const [name, text] of Object.entries(files)) {
    const file = at(`source-${version}/${name}`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

async function keyIdOf(name: string): Promise<string> {
  return (await done(`release keys show @${name} -o name`)).trim();
}

const folders = '--repository @repository --keys @keys';

/** Ann, Bob and Carol each make a root and a targets key at home; two of three have to sign. */
async function startCeremony(): Promise<void> {
  await writeSource('4.2.7');
  const halves: string[] = [];
  for (const name of ['ann', 'bob', 'carol']) {
    for (const role of ['root', 'targets']) {
      await done(`release keys create ${role} @${name}-${role}.key.json --unencrypted`);
      halves.push(`--public @${name}-${role}.public.json`);
    }
  }
  await done(`release keys init @keys --unencrypted ${halves.join(' ')}`);
}

async function finishCeremony(): Promise<void> {
  await startCeremony();
  await done(`release publish @source-4.2.7 ${folders} --prepare @first.json`);
  await done('release sign @first.json --key @ann-root.key.json --key @ann-targets.key.json --yes');
  await done('release sign @first.json --key @bob-root.key.json --key @bob-targets.key.json --yes');
  await done(`release publish @first.json ${folders}`);
}

describe('a ceremony of two of three', () => {
  it('makes a repository although no machine has two keys of a role', async () => {
    await startCeremony();
    const refused = await run(`release publish @source-4.2.7 ${folders}`);
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.text).toContain('The new root has 0 of the 2 signatures that it needs of the root keys.');
    expect(refused.text).toContain('--prepare <file>');

    const prepared = await done(`release publish @source-4.2.7 ${folders} --prepare @first.json`);
    expect(prepared).toContain('adds the release 4.2.7 (stable)');
    expect(prepared).toContain('root: 0 of 2 signatures');
    await writeFile(at('copy.json'), await readFile(at('first.json')));
    const signed = await done('release sign @first.json --key @ann-root.key.json --key @ann-targets.key.json --yes');
    expect(signed).toContain('Signed. first.json has now:\n  root: 1 of 2 signatures');
    expect(signed).toContain('Give it to the next signer.');
    const early = await run(`release publish @first.json ${folders}`);
    expect(early).toMatchObject({ exitCode: 4 });
    expect(early.text).toContain('The new list of targets has 1 of the 2 signatures');

    await done('release sign @copy.json --key @carol-root.key.json --key @carol-targets.key.json --yes');
    expect(await done(`release publish @first.json @copy.json ${folders}`)).toContain('Published: root version 1');
    const listed = await done('release list --repository @repository');
    expect(listed).toMatch(/4\.2\.7 .*stable/);
    expect(listed).toMatch(/root +1 .* 365 days +2 of 3/);
    expect(listed).toMatch(/timestamp +1 .* 7 days +1 of 1/);
  });

  it('takes a stolen key out, with a new one in its place', async () => {
    await finishCeremony();
    await done('release keys create root @dave-root.key.json --unencrypted');
    const stolen = await keyIdOf('carol-root.public.json');
    const change = `--add @dave-root.public.json --remove ${stolen.slice(0, 12)}`;
    const prepared = await done(`release rotate-root ${folders} ${change} --prepare @next.json`);
    expect(prepared).toContain(`-${stolen.slice(0, 12)}`);
    expect(prepared).toContain('root, by the present root keys: 0 of 2 signatures');
    await done('release sign @next.json --key @ann-root.key.json --yes');
    const half = await run(`release publish @next.json ${folders}`);
    expect(half.text).toContain('1 of the 2 signatures that it needs of the keys of the root in force');
    await done('release sign @next.json --key @bob-root.key.json --yes');
    expect(await done(`release publish @next.json ${folders}`)).toContain('root version 2');
    await done(`release rotate-root ${folders} --prepare @third.json`);
    const refused = await run('release sign @third.json --key @carol-root.key.json --yes');
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.text).toContain('is not among those that are asked');
  });

  it('lets a signer refuse what is about another root than theirs', async () => {
    await finishCeremony();
    await done(`release rotate-root ${folders} --prepare @next.json`);
    const own = '--root @repository/metadata/1.root.json';
    await done(`release sign @next.json --key @ann-root.key.json --yes ${own}`);
    const other = directory;
    counter += 1;
    directory = path.join(scratch, String(counter));
    await mkdir(directory);
    await finishCeremony();
    await done(`release rotate-root ${folders} --prepare @next.json`);
    const root = `--root ${path.join(other, 'repository/metadata/1.root.json')}`;
    const refused = await run(`release sign @next.json --key @ann-root.key.json --yes ${root}`);
    expect(refused).toMatchObject({ exitCode: 4 });
    expect(refused.text).toContain('Sign nothing before you know why.');
  });

  it('signs nothing unasked, and nothing that is no request', async () => {
    await startCeremony();
    await done(`release publish @source-4.2.7 ${folders} --prepare @first.json`);
    const unasked = await run('release sign @first.json --key @ann-root.key.json');
    expect(unasked).toMatchObject({ exitCode: 2 });
    expect(unasked.text).toContain('add --yes');
    await writeFile(at('half.json'), (await readFile(at('first.json'), 'utf8')).slice(0, 1000));
    const half = await run('release sign @half.json --key @ann-root.key.json --yes');
    expect(half).toMatchObject({ exitCode: 4 });
    expect(half.text).toContain(
      'half.json is nothing to sign or publish: it is no JSON, perhaps written only in part.',
    );
    const none = await run('release sign @none.json --key @ann-root.key.json --yes');
    expect(none).toMatchObject({ exitCode: 2 });
    expect(none.text).not.toContain('    at ');
  });

  it('prints nothing of a request that a terminal would obey', async () => {
    await startCeremony();
    await writeSource('4.2.7', (text) => `${text}floor: { reason: "stop\\u001b[2Jhere" }\n`);
    const prepared = await done(`release publish @source-4.2.7 ${folders} --prepare @first.json`);
    expect(prepared).toContain('everybody stops here: stop');
    expect(prepared).not.toContain('\u001b');
  });
});

describe('keys', () => {
  it('are encrypted, and who publishes gives the passphrase', async () => {
    await writeSource('4.2.7');
    const unsaid = await run('release keys init @keys');
    expect(unsaid).toMatchObject({ exitCode: 2 });
    expect(unsaid.text).toContain('--unencrypted');
    await writeFile(at('passphrase'), 'correct horse battery\n');
    await done('release keys init @keys --passphrase-file @passphrase');
    expect(await done('release keys show @keys')).toMatch(/root +[0-9a-f]{64} +encrypted/);
    const line = `release publish @source-4.2.7 ${folders}`;
    const without = await run(line);
    expect(without).toMatchObject({ exitCode: 4 });
    expect(without.text).toContain('is encrypted, and no passphrase was given');
    const wrong = await run(line, { env: { GATEHOUSE_KEY_PASSPHRASE: 'something else' } });
    expect(wrong).toMatchObject({ exitCode: 4 });
    expect(wrong.text).toContain('The passphrase does not open');
    expect(wrong.text).not.toContain('    at ');
    expect(await done(line, { env: { GATEHOUSE_KEY_PASSPHRASE: 'correct horse battery' } })).toContain(
      'Published 4.2.7.',
    );
  });

  it('give away their public half alone', async () => {
    await done('release keys create root @ann.key.json --unencrypted');
    const half = await done('release keys show @ann.key.json --public');
    expect(half.trim()).toBe((await readFile(at('ann.public.json'), 'utf8')).trim());
    expect(half).not.toContain('private');
  });

  it.each([
    ['release keys init @keys --unencrypted --root-keys 1 --root-threshold 2', 4, '2 signatures of 1 root keys'],
    ['release keys create root @ann.json --unencrypted', 2, 'does not end in .key.json'],
    ['release keys create king @ann.key.json --unencrypted', 2, 'Allowed choices are'],
    ['release keys init @keys --root-keys many --unencrypted', 2, 'Give a number'],
    ['release keys show @none.key.json', 4, 'cannot be read'],
    ['release publish @none --repository @r --keys @k --expires-timestamp soon', 2, 'such as 30d or 4w'],
  ])('%s ends with %i', async (line, exitCode, text) => {
    const result = await run(line);
    expect(result).toMatchObject({ exitCode });
    expect(result.text).toContain(text);
  });
});

describe('a small publisher, with all keys in one folder', () => {
  it('rotates, refreshes, and is told what expires', async () => {
    await writeSource('4.2.7');
    await done('release keys init @keys --unencrypted');
    await done(`release publish @source-4.2.7 ${folders}`);
    await done('release keys create timestamp @keys/timestamp-2.key.json --unencrypted');
    const old = await keyIdOf('keys/timestamp.key.json');
    const rotate = `release rotate-root ${folders} --add @keys/timestamp-2.key.json --remove ${old}`;
    expect(await run(rotate)).toMatchObject({ exitCode: 2 });
    expect(await done(`${rotate} --yes`)).toContain('Published root version 2.');

    expect(await done(`release refresh ${folders} --expires-timestamp 4w`)).toContain('Refreshed: timestamp until');
    const listed = await done('release list --repository @repository', { at: now + 25 * day });
    expect(listed).toMatch(/timestamp expires in 2 days .*`gatehouse release refresh` renews it\./);
    expect(listed).not.toContain('targets expires');
    const late = await done(`release refresh ${folders}`, { at: now + 360 * day });
    expect(late).toMatch(/targets expires in 4 days .*publish the newest release again\./);
    expect(late).toMatch(/root expires in 4 days .*rotate-root` renews it\./);
    expect(await done('release list --repository @repository -o json')).toContain('"timestamp": 28');
  });
});
