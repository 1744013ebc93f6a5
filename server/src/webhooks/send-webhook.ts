/**
 * One request to a webhook. The name is resolved once; every address it has must be one that a webhook may lead to, and
 * those that were checked are the ones that are connected to, so that a name which changes its mind changes nothing.
 * Redirects are not followed, no proxy is asked, no connection is kept, and of the answer only the first part is read.
 */

import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { AttemptOutcome } from '@gatehouse/domain/delivery';
import { seconds } from '@gatehouse/domain/instant';
import { addressRefusal, isAllowedByName } from '@gatehouse/domain/webhook-address';
import { plainLine, plainText } from '../http/plain-text.ts';
import { rejectedBy } from '../work/rejected-by.ts';
import type { WebhookMessage } from './webhook-message.ts';

export interface SendResult {
  readonly outcome: AttemptOutcome;
  readonly status?: number;
  readonly error?: string;
  readonly response?: string;
}

export interface SendOptions {
  readonly userAgent: string;
  /** `host` or `host:port` of receivers that an administrator of the control plane has allowed by name. */
  readonly allowed: readonly string[];
  /** URLs under which the control plane and its database are reached. */
  readonly ownUrls: readonly string[];
  readonly timeoutMilliseconds: number;
  readonly signal: AbortSignal;
  /** All addresses of a name. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

export const sendTimeoutMilliseconds = seconds(20);
const responseBytesMax = 16 * 1024;
const responseShown = 1000;

const resolveHere = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

const ownAddresses = (): readonly string[] =>
  Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));

/** Never throws: what went wrong is what came of it. */
export async function sendWebhook(message: WebhookMessage, options: SendOptions): Promise<SendResult> {
  const deadline = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMilliseconds)]);
  let answer: IncomingMessage;
  try {
    answer = await Promise.race([ask(message, options, deadline), rejectedBy(deadline, 'ended')]);
  } catch (error) {
    const isLate = deadline.aborted && !options.signal.aborted;
    const why = isLate ? `no answer within ${options.timeoutMilliseconds / 1000} s` : toText(error);
    return { outcome: { kind: 'failed' }, error: plainLine(why, responseShown) };
  }
  const status = answer.statusCode ?? 0;
  const response = await firstOf(answer);
  const more = { status, ...(response === '' ? {} : { response }) };
  if (status >= 200 && status < 300) return { outcome: { kind: 'accepted' }, ...more };
  const isRedirect = status >= 300 && status < 400;
  const retryAfter = readRetryAfter(answer.headers['retry-after'], Date.now());
  return {
    outcome: { kind: 'answered', status, ...(retryAfter === undefined ? {} : { retryAfter }) },
    ...more,
    error: isRedirect ? 'it leads elsewhere, and redirects are not followed' : `answered ${status}`,
  };
}

async function ask(message: WebhookMessage, options: SendOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { url: text, headers, body } = message;
  const url = new URL(text);
  const addresses = await checkedAddresses(url, options);
  return send(url, {
    method: 'POST',
    headers: { ...headers, 'user-agent': options.userAgent, 'content-length': String(Buffer.byteLength(body)) },
    body,
    addresses,
    signal,
  });
}

const hostOf = (url: URL): string => url.hostname.replaceAll(/^\[|\]$/g, '').toLowerCase();
const portOf = (url: URL): number =>
  Number(url.port || (url.protocol === 'https:' ? 443 : url.protocol === 'http:' ? 80 : 5432));

async function checkedAddresses(url: URL, options: SendOptions): Promise<readonly [string, ...string[]]> {
  const { allowed, resolve = resolveHere } = options;
  const host = hostOf(url);
  const port = portOf(url);
  const [first, ...others] = isIP(host) === 0 ? await resolve(host) : [host];
  if (first === undefined) throw new Error(`${host} has no address`);
  const addresses = [first, ...others] as const;
  const own = ownAddresses();
  for (const address of addresses) {
    const refusal = addressRefusal({ host, port, address, ownAddresses: own, allowed });
    if (refusal !== undefined) throw new Error(`${host} is ${address}, ${refusal}; nothing was sent`);
  }
  if (!isAllowedByName({ host, port, allowed }))
    await refuseOwnPorts({ host, port, addresses }, options.ownUrls, resolve);
  return addresses;
}

async function refuseOwnPorts(
  asked: { readonly host: string; readonly port: number; readonly addresses: readonly string[] },
  ownUrls: readonly string[],
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<void> {
  for (const text of ownUrls) {
    if (!URL.canParse(text)) continue;
    const url = new URL(text);
    const host = hostOf(url);
    if (host === '' || portOf(url) !== asked.port) continue;
    // One that has no address now cannot be reached under any.
    const own = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host];
    if (host === asked.host || asked.addresses.some((address) => own.includes(address))) {
      throw new Error(`${asked.host}:${asked.port} is a port of the control plane itself; nothing was sent`);
    }
  }
}

interface Sent {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly addresses: readonly [string, ...string[]];
  readonly signal: AbortSignal;
}

function send(url: URL, { body, addresses, ...rest }: Sent): Promise<IncomingMessage> {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  const [first] = found;
  if (first === undefined) throw new Error('there is no address');
  // Asked for a name only; what it answers was checked before.
  const given: LookupFunction = (_host, { all }, callback) => {
    if (all === true) callback(null, found);
    else callback(null, first.address, first.family);
  };
  const ask = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asking = ask(url, { ...rest, lookup: given, agent: false });
    asking.on('error', reject);
    asking.on('response', resolve);
    asking.end(body);
  });
}

/** As text, whatever it is; what breaks off after its head has been answered all the same. */
async function firstOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of answer) {
      if (!(chunk instanceof Buffer)) break;
      chunks.push(chunk);
      length += chunk.length;
      if (length >= responseBytesMax) break;
    }
  } catch {
    // It broke off; its status has come.
  } finally {
    answer.destroy();
  }
  return plainText(Buffer.concat(chunks).toString('utf8'), responseShown);
}

/** Seconds, or a date. Undefined: none, or one that cannot be read. */
export function readRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined || text.length > 60) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const at = /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function toText(error: unknown): string {
  // What happens when each of several addresses fails.
  if (error instanceof AggregateError) return error.errors.map(toText).join('; ');
  return error instanceof Error ? error.message : String(error);
}
