/**
 * The mail server that the control plane was started with. `smtps://` is TLS from the first byte. `smtp://` changes to TLS
 * by STARTTLS, and nothing is said to a server that does not, unless it is on this machine or `?starttls=optional` says so.
 */

import { seconds } from '@gatehouse/domain/instant';
import { createTransport } from 'nodemailer';
import { plainLine } from '../http/plain-text.ts';
import type { SendResult } from '../webhooks/send-webhook.ts';
import { rejectedBy } from '../work/rejected-by.ts';
import type { Mail } from './mail-message.ts';

export interface MailSettings {
  /** `smtp://user:password@mail.example:587`. */
  readonly url: string;
  /** What stands in `From`. */
  readonly from: string;
  /** PEM, when the mail server's certificate is not of the authorities everybody knows. */
  readonly ca?: string;
  /** For a whole e-mail; 30 s unless it says otherwise. */
  readonly millisecondsMax?: number;
}

export interface MailServer {
  readonly from: string;
  /** Never throws: what went wrong is what came of it. */
  send(address: string, mail: Mail): Promise<SendResult>;
  close(): void;
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '[::1]' || host.startsWith('127.');

/** A server that answers a little now and then would never be silent for long. */
const mailMillisecondsMax = seconds(30);

export function createMailServer({
  url: text,
  from,
  ca,
  millisecondsMax = mailMillisecondsMax,
}: MailSettings): MailServer {
  const url = new URL(text);
  const isTlsAtOnce = url.protocol === 'smtps:';
  const isHere = isLoopback(url.hostname);
  const isPlainAllowed = isHere || url.searchParams.get('starttls') === 'optional';
  const transport = createTransport({
    host: url.hostname.replaceAll(/^\[|\]$/g, ''),
    port: Number(url.port) || (isTlsAtOnce ? 465 : 587),
    secure: isTlsAtOnce,
    requireTLS: !isTlsAtOnce && !isPlainAllowed,
    // Nobody listens on the way to this machine itself, and its mail server seldom has a certificate.
    ignoreTLS: !isTlsAtOnce && isHere,
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    dnsTimeout: seconds(10),
    connectionTimeout: seconds(10),
    greetingTimeout: seconds(10),
    socketTimeout: seconds(20),
    // Nothing of ours is read from a file or fetched from an address for a mail.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    from,
    async send(address, mail) {
      const sending = transport.sendMail({
        from,
        to: { name: '', address },
        subject: plainLine(mail.subject, 200),
        text: mail.text,
        messageId: mail.messageId,
        headers: { 'auto-submitted': 'auto-generated', 'x-auto-response-suppress': 'All' },
      });
      const late = rejectedBy(AbortSignal.timeout(millisecondsMax), `not sent within ${millisecondsMax / 1000} s`);
      try {
        const { response } = await Promise.race([sending, late]);
        return { outcome: { kind: 'accepted' }, response: plainLine(response, 300) };
      } catch (error) {
        return {
          // 5xx is for good by its own word, except for the sign-in to the mail server, which is ours to mend.
          outcome: isForGood(error) ? { kind: 'refused-for-good' } : { kind: 'failed' },
          error: plainLine(error instanceof Error ? error.message : String(error), 500),
        };
      }
    },
    close: () => transport.close(),
  };
}

function isForGood(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error) || !('responseCode' in error)) return false;
  const { code, responseCode } = error;
  return code === 'EENVELOPE' && typeof responseCode === 'number' && responseCode >= 550 && responseCode < 560;
}
