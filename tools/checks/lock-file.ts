// The lock file must not name where its packages came from: that host is the one of whoever ran `npm install` last, and
// nobody else may be able to reach it. `.npmrc` keeps it out; this sees that it stays so.
import { readFileSync } from 'node:fs';
import process from 'node:process';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Usage: lock-file.ts <package-lock.json>');
const lines = readFileSync(file, 'utf8').split('\n');
const naming = lines.flatMap((line, index) => (/"resolved":\s*"\w+:\/\//.test(line) ? [index + 1] : []));
for (const line of naming) console.error(`${file}:${line}: names the address of a registry`);
if (naming.length > 0) {
  console.error('Run npm install again with the .npmrc of this repository (omit-lockfile-registry-resolved=true).');
  process.exitCode = 1;
}
