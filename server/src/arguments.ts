/** The command line of the control plane. */

import { parseArgs } from 'node:util';

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Arguments {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly isSandbox: boolean;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly publicUrl?: string;
  readonly publicCaFile?: string;
  /** How often agents are asked to poll; for a sandbox, and for trying things out. */
  readonly pollSeconds?: number;
  /** How long a gateway has to be quiet after an update of it before the platform's next hop. */
  readonly settleSeconds?: number;
  readonly isHelp: boolean;
}

export const usage = `Usage: npm start -- [flags]
  --port N            port to listen on (8080)
  --host ADDR         address to listen on (127.0.0.1)
  --data DIR          directory of this control plane (./.gatehouse)
  --no-sandbox        no sample releases and no sandbox gateways
  --tls-cert F --tls-key F
                      speak HTTPS with this certificate and key (PEM files)
  --public-url URL    address that install commands carry
  --public-ca F       certificate authority that agents need to verify it (PEM file)
  --poll-seconds N    ask agents to poll every N seconds (900; 2 with the sandbox)
  --settle-seconds N  let a gateway be quiet for N seconds after an update of it before the platform's next hop
                      (1800; three polls where --poll-seconds or the sandbox shorten them)
DATABASE_URL selects a PostgreSQL; without it Gatehouse starts its own in the data directory.`;

export function parseArguments(args: readonly string[]): Arguments {
  const values = parse(args);
  const { 'tls-cert': certFile, 'tls-key': keyFile } = values;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new UsageError('--tls-cert and --tls-key belong together.');
  const pollSeconds = values['poll-seconds'];
  const settleSeconds = values['settle-seconds'];
  const publicUrl = values['public-url'];
  return {
    port: number('--port', values.port ?? '8080', 0, 65_535),
    host: values.host ?? '127.0.0.1',
    data: values.data ?? '.gatehouse',
    isSandbox: values['no-sandbox'] !== true,
    ...(certFile === undefined || keyFile === undefined ? {} : { tls: { certFile, keyFile } }),
    ...(publicUrl === undefined ? {} : { publicUrl: url(publicUrl) }),
    ...(values['public-ca'] === undefined ? {} : { publicCaFile: values['public-ca'] }),
    ...(pollSeconds === undefined ? {} : { pollSeconds: number('--poll-seconds', pollSeconds, 0.1, 86_400) }),
    ...(settleSeconds === undefined
      ? {}
      : { settleSeconds: number('--settle-seconds', settleSeconds, 0, 30 * 86_400) }),
    isHelp: values.help === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        'no-sandbox': { type: 'boolean' },
        'tls-cert': { type: 'string' },
        'tls-key': { type: 'string' },
        'public-url': { type: 'string' },
        'public-ca': { type: 'string' },
        'poll-seconds': { type: 'string' },
        'settle-seconds': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function number(flag: string, text: string, min: number, max: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || value < min || value > max || (flag === '--port' && !Number.isInteger(value))) {
    throw new UsageError(`${flag} takes a number from ${min} to ${max}, not ${text}.`);
  }
  return value;
}

function url(text: string): string {
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch (error) {
    throw new UsageError(`--public-url takes an address such as https://gatehouse.example, not ${text}.`, {
      cause: error,
    });
  }
  const isPlain = parsed.search === '' && parsed.hash === '' && parsed.username === '' && parsed.password === '';
  if (!/^https?:$/.test(parsed.protocol) || !isPlain) {
    throw new UsageError(
      `--public-url takes an http or https address without query, fragment or password, not ${text}.`,
    );
  }
  return parsed.href.replace(/\/+$/, '');
}
