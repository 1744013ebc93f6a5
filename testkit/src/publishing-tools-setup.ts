/** For vitest's `globalSetup`: helm and python-tuf, or an error that says why not; no suite is passed over in silence. */

import { execFile } from 'node:child_process';
import path from 'node:path';
import type { TestProject } from 'vitest/node';

const script = path.join(import.meta.dirname, '..', 'publishing', 'install.sh');

export async function setup(project: TestProject): Promise<void> {
  const output = await new Promise<string>((resolve, reject) => {
    execFile(script, { maxBuffer: 10_000_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`testkit/publishing/install.sh failed: ${stderr.trim() || error.message}`));
      else resolve(stdout);
    });
  });
  const [helm, python] = output.trim().split('\n').slice(-2);
  if (helm === undefined || python === undefined) throw new Error(`${script} named no programs: ${output}`);
  project.provide('publishingTools', { helm, python });
}
