/** For vitest's `globalSetup`: schemathesis, or an error that says why not; no suite is passed over in silence. */

import { execFile } from 'node:child_process';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import type {} from './provided-schemathesis.ts';

const script = path.join(import.meta.dirname, '..', 'schemathesis', 'install.sh');

export async function setup(project: TestProject): Promise<void> {
  const output = await new Promise<string>((resolve, reject) => {
    execFile(script, { maxBuffer: 10_000_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`testkit/schemathesis/install.sh failed: ${stderr.trim() || error.message}`));
      else resolve(stdout);
    });
  });
  const program = output.trim().split('\n').at(-1);
  if (program === undefined || program === '') throw new Error(`${script} named no program: ${output}`);
  project.provide('schemathesis', program);
}
