/**
 * Where a webhook may lead. Whoever can set one up could make the control plane ask addresses that only it can reach: its
 * own ports, those of its machine, the metadata service of its cloud. Decided from the address that is then connected to,
 * never from a name. Private networks are open: receivers of a private cloud are in them.
 */

export interface AddressFacts {
  /** As in the webhook's URL, in lower case; an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number;
  /** IPv4 or IPv6, as it will be connected to. */
  readonly address: string;
  /** Of the control plane's machine. */
  readonly ownAddresses: readonly string[];
  /** `host` or `host:port`, which an administrator of the control plane has allowed by name. */
  readonly allowed: readonly string[];
}

/** Undefined: it may be asked. Else why not, for the end of a sentence that names the address. */
export function addressRefusal(facts: AddressFacts): string | undefined {
  if (isAllowedByName(facts)) return undefined;
  const bytes = parseAddress(facts.address);
  if (bytes === undefined) return 'which is no IP address';
  const range = ranges.find(({ parsed, bits }) => isWithin(bytes, parsed, bits));
  if (range !== undefined) return range.why;
  const own = facts.ownAddresses.map(parseAddress);
  const isOwn = own.some((each) => each !== undefined && isEqual(each, bytes));
  return isOwn ? "which is the control plane's own machine" : undefined;
}

export function isAllowedByName({ host, port, allowed }: Pick<AddressFacts, 'host' | 'port' | 'allowed'>): boolean {
  return allowed.some((name) => name === host || name === `${host}:${port}` || name === `[${host}]:${port}`);
}

/** Sixteen bytes; IPv4 stands at the end, behind the prefix of IPv4-mapped addresses. Undefined: no address. */
type AddressBytes = readonly number[];

const zeros: AddressBytes = Array.from({ length: 16 }, () => 0);
const mappedPrefix: AddressBytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

function parseAddress(text: string): AddressBytes | undefined {
  const [address = ''] = text.split('%', 1); // Without the zone of a link-local one.
  if (!address.includes(':')) {
    const four = parseFour(address);
    return four === undefined ? undefined : [...mappedPrefix, ...four];
  }
  const groups = parseGroups(address);
  return groups === undefined ? undefined : withoutTranslation(groups);
}

function parseFour(text: string): AddressBytes | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) return undefined;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseGroups(text: string): AddressBytes | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : bytesOf(half.split(':'))));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 14) return undefined;
  return [...head, ...Array.from({ length: 16 - head.length - tail.length }, () => 0), ...tail];
}

function bytesOf(groups: readonly string[]): AddressBytes | undefined {
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const four = index === groups.length - 1 && group.includes('.') ? parseFour(group) : undefined;
    if (four !== undefined) bytes.push(...four);
    else if (/^[0-9a-f]{1,4}$/i.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255);
    else return undefined;
  }
  return bytes;
}

/** What carries an IPv4 address is judged as that one: translated (NAT64), tunnelled (6to4), or IPv4-compatible. */
function withoutTranslation(bytes: AddressBytes): AddressBytes {
  if (isWithin(bytes, [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96)) return [...mappedPrefix, ...bytes.slice(12)];
  if (isWithin(bytes, [0x20, 0x02], 16)) return [...mappedPrefix, ...bytes.slice(2, 6)];
  // `::` and `::1` are addresses of their own.
  const isCompatible = isWithin(bytes, zeros, 96) && !isWithin(bytes, zeros, 120);
  return isCompatible ? [...mappedPrefix, ...bytes.slice(12)] : bytes;
}

const isEqual = (one: AddressBytes, other: AddressBytes): boolean => isWithin(one, other, 128);

function isWithin(address: AddressBytes, range: AddressBytes, bits: number): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 0xff : (0xff << (8 - (bits - bit))) & 0xff;
    if (((address[bit / 8] ?? 0) & mask) !== ((range[bit / 8] ?? 0) & mask)) return false;
  }
  return true;
}

const metadata = 'which is the metadata service of a cloud';
const noHost = 'which is no address of a host';

const ranges = [
  four('0.0.0.0', 8, noHost),
  four('127.0.0.0', 8, 'which is a loopback address'),
  four('169.254.0.0', 16, 'which is a link-local address, where clouds have their metadata'),
  four('192.0.0.192', 32, metadata),
  four('100.100.100.200', 32, metadata),
  four('168.63.129.16', 32, metadata),
  four('224.0.0.0', 4, 'which is a multicast address'),
  four('240.0.0.0', 4, noHost),
  six('::', 128, noHost),
  six('::1', 128, 'which is a loopback address'),
  six('fe80::', 10, 'which is a link-local address'),
  six('fec0::', 10, 'which is a site-local address, as nobody uses any more'),
  six('fd00:ec2::254', 128, metadata),
  six('fd20:ce::254', 128, metadata),
  six('ff00::', 8, 'which is a multicast address'),
  six('2001::', 32, 'which is an address of a tunnel (Teredo)'),
];

function four(text: string, bits: number, why: string) {
  return { parsed: [...mappedPrefix, ...known(parseFour(text), text)], bits: 96 + bits, why };
}

function six(text: string, bits: number, why: string) {
  return { parsed: known(parseGroups(text), text), bits, why };
}

function known(bytes: AddressBytes | undefined, text: string): AddressBytes {
  if (bytes === undefined) throw new TypeError(`not an address: ${text}`);
  return bytes;
}
