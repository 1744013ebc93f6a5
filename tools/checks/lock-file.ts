// Two things that `npm install` gets wrong in the lock file, depending on where it is run.
// - It must not name where packages came from: that host is the one of whoever ran npm last, and nobody else may be able
//   to reach it. `.npmrc` keeps it out; this sees that it stays so.
// - It must name the optional packages for every platform. A registry mirror that lags behind lacks some, npm then leaves
//   them out without a word, and `npm ci` refuses the file everywhere. `--complete` writes them in, without a hash.
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

type LockedPackage = {
  readonly version?: string;
  readonly dev?: boolean;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};
type LockFile = { readonly packages: Readonly<Record<string, LockedPackage>> };
type Missing = { readonly place: string; readonly name: string; readonly version: string; readonly isDev: boolean };

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

function parseLockFile(text: string): LockFile {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null || !('packages' in parsed)) throw new Error('not a lock file');
  // npm wrote it; a wrong shape below would be npm's.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return parsed as LockFile;
}

function missingOf({ packages }: LockFile): readonly Missing[] {
  const missing = new Map<string, Missing>();
  for (const [place, { dev, optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const beside = siblingOf(place, name);
      if (`${place}/node_modules/${name}` in packages || beside in packages) continue;
      missing.set(beside, { place: beside, name, version, isDev: dev === true });
    }
  }
  return [...missing.values()];
}

// A package installed below a workspace has its optional packages beside it; one at the top, at the top.
function siblingOf(place: string, name: string): string {
  const end = place.lastIndexOf('node_modules/');
  return `${end === -1 ? '' : place.slice(0, end)}node_modules/${name}`;
}

// Such packages are named by their platform. One that is not would be installed everywhere, so it is refused.
function toLockedPackage({ name, version, isDev }: Missing): unknown {
  const words = name.split(/[/-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.some((word) => word.startsWith(processor)));
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+/.test(version)) {
    throw new Error(`${name}@${version} is missing from the lock file, and its name does not tell its platform`);
  }
  return { version, cpu: [cpu], ...(isDev ? { dev: true } : {}), optional: true, os: [os] };
}

function complete(lock: LockFile, missing: readonly Missing[]): LockFile {
  const added = missing.map((one) => [one.place, toLockedPackage(one)] as const);
  const sorted = [...Object.entries(lock.packages), ...added].toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  return Object.assign({}, lock, { packages: Object.fromEntries(sorted) });
}

const [file, option] = process.argv.slice(2);
if (file === undefined) throw new Error('Usage: lock-file.ts <package-lock.json> [--complete]');
const text = readFileSync(file, 'utf8');
const lock = parseLockFile(text);
const missing = missingOf(lock);
if (option === '--complete') {
  writeFileSync(file, `${JSON.stringify(complete(lock, missing), undefined, 2)}\n`);
} else if (missing.length > 0) {
  console.error(`${file} lacks ${missing.map(({ name }) => name).join(', ')}`);
  console.error('Run npm run complete:lock-file and commit the file.');
  process.exitCode = 1;
}
const naming = text.split('\n').flatMap((line, index) => (/"resolved":\s*"\w+:\/\//.test(line) ? [index + 1] : []));
if (naming.length > 0) {
  console.error(`${file} names the address of a registry in line ${naming.join(', ')}`);
  console.error('Run npm install again with the .npmrc of this repository (omit-lockfile-registry-resolved=true).');
  process.exitCode = 1;
}
