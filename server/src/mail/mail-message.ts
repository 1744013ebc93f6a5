/** Notifications as one e-mail in plain text. Its id follows from what it is about, so that it is the same at every attempt. */

import { createHash } from 'node:crypto';
import type { MailMessageRow } from './mail-subscription.store.ts';

export interface Mail {
  readonly subject: string;
  readonly text: string;
  /** With its angle brackets. */
  readonly messageId: string;
}

export function toMail(rows: readonly MailMessageRow[], publicUrl: string): Mail {
  const digest = createHash('sha256')
    .update(
      rows
        .map(({ delivery_id: id }) => id)
        .toSorted()
        .join(' '),
    )
    .digest('hex');
  const told = rows.filter(({ notification_id: id }) => id !== null);
  return {
    subject: `[Gatehouse] ${subjectOf(told)}`,
    text: `${told.length === 0 ? 'This is a test: e-mail from this control plane reaches you.' : told.map((row) => toText(row, publicUrl)).join('\n\n')}\n\n--\nGatehouse at ${publicUrl}. An administrator there says who gets this: Settings, E-mail.\n`,
    messageId: `<${digest.slice(0, 32)}@${new URL(publicUrl).hostname}>`,
  };
}

function subjectOf(rows: readonly MailMessageRow[]): string {
  const [first] = rows;
  if (first === undefined) return 'Test';
  if (rows.length === 1) return first.message ?? '';
  const warnings = rows.filter(({ severity }) => severity === 'warning').length;
  return `${rows.length} notifications${warnings === 0 ? '' : `, ${warnings} of them warnings`}`;
}

function toText(row: MailMessageRow, publicUrl: string): string {
  const path = row.subject_kind === 'gateway' ? `/gateways/${row.subject_id ?? ''}` : '/notifications';
  return [
    row.message ?? '',
    ...(row.tenant_name === null ? [] : [`Tenant: ${row.tenant_name}`]),
    ...(row.at === null ? [] : [`At: ${row.at.toISOString()}`]),
    ...(row.next_step === null ? [] : [`Next: ${row.next_step}`]),
    `${publicUrl}${path}`,
  ].join('\n');
}
