/**
 * A control plane started as a user starts it, on a free port and a data directory of its own, and the CLI that talks to
 * it. What a story leaves behind is deleted at the end.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { type Client, createClient } from '@gatehouse/contract/client';
import { freePort } from '@gatehouse/testkit/free-port';
import { type Finished, type Running, type RunOptions, repositoryRoot, run, start } from './program.ts';

export interface ControlPlane {
  readonly server: string;
  readonly directory: string;
  readonly token: string;
  readonly program: Running;
  readonly client: Client;
  /** `npx gatehouse …` with server and token in the environment. */
  readonly gatehouse: (args: readonly string[], options?: Partial<RunOptions>) => Promise<Finished>;
  /** The same for a command that goes on, such as `--follow`. */
  readonly startGatehouse: (args: readonly string[]) => Running;
  readonly signInLink: () => string;
  readonly stop: () => Promise<void>;
}

export const streamingDecoder = () => {
  const utf8 = new TextDecoder();
  return (bytes: Uint8Array) => utf8.decode(bytes, { stream: true });
};

/** An address that it listens on instead of loopback, with the certificate it shows there. */
export interface HttpsAddress {
  readonly host: string;
  readonly certificatePath: string;
  readonly keyPath: string;
  /** Who signed it. */
  readonly caPath: string;
}

/** `args` are those after `npm start --`. */
export async function startControlPlane(
  args: readonly string[] = [],
  options: { readonly https?: HttpsAddress; readonly databaseUrl?: string } = {},
): Promise<ControlPlane> {
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-story-'));
  const port = await freePort();
  const { https, databaseUrl } = options;
  const server = https === undefined ? `http://localhost:${port}` : `https://${https.host}:${port}`;
  const addressArgs =
    https === undefined
      ? []
      : [
          ['--host', https.host, '--tls-cert', https.certificatePath, '--tls-key', https.keyPath],
          ['--public-url', server, '--public-ca', https.caPath],
        ].flat();
  const program = start(
    'npm',
    ['start', '--silent', '--', '--port', String(port), '--data', directory, ...addressArgs, ...args],
    { cwd: repositoryRoot, ...(databaseUrl === undefined ? {} : { env: { DATABASE_URL: databaseUrl } }) },
  );
  const stop = async () => {
    await program.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await program.waitForOutput(`Gatehouse is ready at ${server}`, 180);
    // For the client in this process; the programs it starts read the variable.
    if (https !== undefined) await trustAuthority(https.caPath);
  } catch (error) {
    await stop();
    throw error;
  }
  const token = (await readFile(path.join(directory, 'admin-token'), 'utf8')).trim();
  const env = {
    ...(https === undefined ? {} : { NODE_EXTRA_CA_CERTS: https.caPath }),
    GATEHOUSE_SERVER: server,
    GATEHOUSE_TOKEN: token,
    NO_COLOR: '1',
  };
  const cli = path.join(repositoryRoot, 'node_modules/.bin/gatehouse');
  return {
    server,
    directory,
    token,
    program,
    client: createClient({ server, token, fetch, decoder: streamingDecoder }),
    gatehouse: (cliArgs, more = {}) =>
      run(cli, cliArgs, { cwd: repositoryRoot, ...more, env: { ...env, ...more.env } }),
    startGatehouse: (cliArgs) => start(cli, cliArgs, { cwd: repositoryRoot, env }),
    signInLink: () => {
      const link = /https?:\/\/\S+\/sign-in\S*/.exec(program.output())?.[0];
      if (link === undefined) throw new Error(`no sign-in link in:\n${program.output()}`);
      return link;
    },
    stop,
  };
}

async function trustAuthority(caPath: string): Promise<void> {
  setDefaultCACertificates([...getCACertificates('default'), await readFile(caPath, 'utf8')]);
}
