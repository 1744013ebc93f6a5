/** The command line of the control plane. */

import { parseArgs } from 'node:util';
import { mailUrlFault } from './mail/mail-url.ts';

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
  /** The mail server of notifications; the address may be in GATEHOUSE_SMTP_URL, where a password is not seen by all. */
  readonly mail?: { readonly url: string; readonly from: string; readonly caFile?: string };
  /** `host` or `host:port`, for webhooks to addresses that else are not asked. */
  readonly webhooksAllowed: readonly string[];
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
  --mail-from ADDR    send notifications by e-mail, from this address, by the mail server of --smtp-url
  --smtp-url URL      smtp://user:password@mail.example:587 (STARTTLS) or smtps://…; better in GATEHOUSE_SMTP_URL, since
                      everybody on the machine can see flags
  --smtp-ca F         certificate authority of the mail server (PEM file)
  --allow-webhooks-to HOST[:PORT]
                      let webhooks lead there although it is this machine, loopback or link-local; may be given again
DATABASE_URL selects a PostgreSQL; without it Gatehouse starts its own in the data directory.`;

export function parseArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Arguments {
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
    ...mailOf(values, env),
    webhooksAllowed: (values['allow-webhooks-to'] ?? []).map(hostAndPort),
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
        'mail-from': { type: 'string' },
        'smtp-url': { type: 'string' },
        'smtp-ca': { type: 'string' },
        'allow-webhooks-to': { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function mailOf(
  values: ReturnType<typeof parse>,
  env: Readonly<Record<string, string | undefined>>,
): Pick<Arguments, 'mail'> {
  const { 'mail-from': from, 'smtp-url': given, 'smtp-ca': caFile } = values;
  const address = given ?? (env['GATEHOUSE_SMTP_URL'] || undefined);
  if (from === undefined && given === undefined && caFile === undefined) return {};
  if (from === undefined || address === undefined) {
    throw new UsageError('--mail-from and --smtp-url (or GATEHOUSE_SMTP_URL) belong together.');
  }
  const fault = mailUrlFault(address);
  // Without the address: it carries a password.
  if (fault !== undefined) throw new UsageError(`The address of the mail server ${fault}.`);
  if (!/^[^\s@<>"(),:;]+@[^\s@<>"(),:;]+$/.test(from)) {
    throw new UsageError(`--mail-from takes an address such as gatehouse@example.org, not ${from}.`);
  }
  return { mail: { url: address, from, ...(caFile === undefined ? {} : { caFile }) } };
}

function hostAndPort(text: string): string {
  const isPlain = URL.canParse(`http://${text}/`) && !/[/?#@\s]/.test(text);
  if (!isPlain) throw new UsageError(`--allow-webhooks-to takes a host, with a port or without, not ${text}.`);
  return text.toLowerCase();
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
