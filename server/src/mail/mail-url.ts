/** Whether an address of a mail server is one that `mail-server.ts` understands. */

/** Undefined: it fits. Else why not. */
export function mailUrlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is no address such as smtp://user:password@mail.example:587';
  const url = new URL(text);
  if (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') return 'has to begin with smtp:// or smtps://';
  if (url.hostname === '') return 'names no host';
  const unknown = [...url.searchParams.keys()].find((key) => key !== 'starttls');
  if (unknown !== undefined) return `has a parameter ${unknown}, which means nothing here`;
  const starttls = url.searchParams.get('starttls');
  return starttls === null || starttls === 'optional' ? undefined : 'takes starttls=optional or nothing';
}
