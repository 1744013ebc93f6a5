/**
 * A real registry as an unprivileged process: Debian's docker-registry, where it is installed; a program beside us, so
 * nothing of the machine is touched. Without it the stories use the double of `release`, which speaks the same API.
 */

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startFakeRegistry } from '@gatehouse/release/fake-registry';
import { freePort } from '@gatehouse/testkit/free-port';
import { start, waitFor } from './program.ts';

export interface StoryRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly isReal: boolean;
  readonly stop: () => Promise<void>;
}

export async function startRegistry(): Promise<StoryRegistry> {
  const program = findProgram();
  if (program === undefined) {
    const fake = await startFakeRegistry();
    return { host: fake.host, isReal: false, stop: fake.close };
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'gatehouse-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const settings = path.join(folder, 'registry.yaml');
  await writeFile(
    settings,
    `version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: ${path.join(folder, 'data')} } }
http: { addr: "${host}" }
`,
  );
  const running = start(program, ['serve', settings], { cwd: folder });
  const stop = async () => {
    await running.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitFor('the registry to answer', () => answers(host), { timeoutSeconds: 30, explain: running.output });
  } catch (error) {
    await stop();
    throw error;
  }
  return { host, isReal: true, stop };
}

function findProgram(): string | undefined {
  try {
    return execFileSync('sh', ['-c', 'command -v docker-registry'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

async function answers(host: string): Promise<true | undefined> {
  try {
    return (await fetch(`http://${host}/v2/`)).ok || undefined;
  } catch {
    return undefined;
  }
}
