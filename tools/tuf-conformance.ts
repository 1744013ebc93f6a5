/**
 * Runs the public conformance suite for TUF clients over the agent's own verifying client:
 *   TUF_CONFORMANCE=../tuf-conformance npm run test:tuf-conformance -- [pytest arguments]
 * TUF_CONFORMANCE is a checkout of theupdateframework/tuf-conformance. Its pytest is that of `make dev` in the checkout, or
 * the one that TUF_CONFORMANCE_PYTEST names. The suite sets the clock with the program `faketime`.
 */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const checkout = process.env['TUF_CONFORMANCE'];
if (checkout === undefined || !existsSync(path.join(checkout, 'tuf_conformance'))) {
  fail('Set TUF_CONFORMANCE to a checkout of https://github.com/theupdateframework/tuf-conformance.');
}
const pytest = process.env['TUF_CONFORMANCE_PYTEST'] ?? path.join(checkout, 'env', 'bin', 'pytest');
if (!existsSync(pytest)) {
  fail(`There is no ${pytest}: run \`make dev\` in the checkout, or set TUF_CONFORMANCE_PYTEST.`);
}
if (spawnSync('faketime', ['--version']).error !== undefined) {
  fail('The suite needs the program faketime (on Debian: apt-get install faketime).');
}
const client = path.join(import.meta.dirname, '../agent/bin/gatehouse-agent.mjs');
// The suite takes what stands after the first space for arguments of the client.
if (client.includes(' ')) fail(`The suite cannot start ${client}: its path has a space.`);

const { status } = spawnSync(
  path.resolve(pytest),
  ['tuf_conformance', '--entrypoint', `${client} tuf`, ...process.argv.slice(2)],
  { cwd: checkout, stdio: 'inherit' },
);
process.exitCode = status ?? 1;

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}
