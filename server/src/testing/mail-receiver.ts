/** A mail server on this machine that keeps what it is given, and refuses recipients while it is told to. */

import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export interface Mail {
  readonly to: readonly string[];
  readonly raw: string;
}

export interface MailReceiver {
  /** For `--smtp-url`. */
  readonly url: string;
  readonly mails: Mail[];
  /** What it says to the next recipients. */
  refusal: { readonly code: number; readonly message: string } | undefined;
  close(): Promise<void>;
}

export async function startMailReceiver(): Promise<MailReceiver> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    onRcptTo(_address, _session, callback) {
      if (receiver.refusal === undefined) return callback();
      const { code, message } = receiver.refusal;
      return callback(Object.assign(new Error(message), { responseCode: code }));
    },
    onData(stream, session, callback) {
      void text(stream)
        .then((raw) => mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), raw }))
        .finally(callback);
    },
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('the mail server listens on no port');
  const receiver: MailReceiver = {
    url: `smtp://127.0.0.1:${address.port}`,
    mails,
    refusal: undefined,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return receiver;
}
