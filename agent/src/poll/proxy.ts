/**
 * Which proxy a request goes through, from settings or environment: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, with
 * addresses as ranges (`10.0.0.0/8`) too. A loopback address is never asked through a proxy.
 */

import ipaddr from 'ipaddr.js';

export interface ProxySettings {
  readonly httpsProxy?: string;
  readonly httpProxy?: string;
  /** Comma or space separated: host names, `.suffix`, `*.suffix`, addresses, ranges, each with an optional `:port`; or `*`. */
  readonly noProxy?: string;
}

/** The proxy's URL, or undefined for a direct connection. Throws when the proxy that applies is no http or https URL. */
export function proxyFor(url: URL, settings: ProxySettings): URL | undefined {
  const proxy = url.protocol === 'https:' ? settings.httpsProxy : settings.httpProxy;
  if (proxy === undefined || proxy === '' || isLoopback(url.hostname)) return undefined;
  if (isProxyExcepted(url, settings.noProxy ?? '')) return undefined;
  const parsed = URL.parse(proxy.includes('://') ? proxy : `http://${proxy}`);
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    throw new Error(
      `The proxy for ${url.protocol}//${url.host} is not an http or https URL. Correct the gateway's proxy.`,
    );
  }
  return parsed;
}

/** `localhost`, 127.0.0.0/8 and ::1. */
export function isLoopback(hostname: string): boolean {
  const host = bareHost(hostname);
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  const address = parseAddress(host);
  return address?.range() === 'loopback';
}

/** Whether NO_PROXY takes the address out. Names compare without case and trailing dot; nothing is resolved by DNS. */
export function isProxyExcepted(url: URL, noProxy: string): boolean {
  const host = bareHost(url.hostname);
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const address = parseAddress(host);
  return noProxy
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => matches(entry.toLowerCase(), host, port, address));
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

function matches(entry: string, host: string, port: string, address: Address | undefined): boolean {
  if (entry === '*') return true;
  const { name, port: entryPort } = splitPort(entry);
  if (entryPort !== undefined && entryPort !== port) return false;
  if (address !== undefined) return matchesAddress(name, address);
  const suffix = bareHost(name.replace(/^\*?\./, ''));
  if (suffix === '') return false;
  // A leading dot asks for names below it only; without one the name itself counts too.
  if (host.endsWith(`.${suffix}`)) return true;
  return !/^\*?\./.test(name) && host === suffix;
}

function matchesAddress(name: string, address: Address): boolean {
  const slash = name.indexOf('/');
  if (slash < 0) {
    const other = parseAddress(bareHost(name));
    return other !== undefined && other.toNormalizedString() === address.toNormalizedString();
  }
  const network = parseAddress(bareHost(name.slice(0, slash)));
  const bits = Number(name.slice(slash + 1));
  if (network === undefined || network.kind() !== address.kind()) return false;
  if (!/^\d+$/.test(name.slice(slash + 1)) || bits > (network.kind() === 'ipv4' ? 32 : 128)) return false;
  return address.match(network, bits);
}

/** `host:443`, `[::1]:443`; an address of version 6 without brackets has no port. */
function splitPort(entry: string): { readonly name: string; readonly port?: string } {
  const bracketed = /^(\[[^\]]*\])(?::(\d+))?$/.exec(entry);
  if (bracketed) return { name: bracketed[1] ?? '', ...(bracketed[2] === undefined ? {} : { port: bracketed[2] }) };
  const parts = entry.split(':');
  if (parts.length === 2 && /^\d+$/.test(parts[1] ?? '')) return { name: parts[0] ?? '', port: parts[1] ?? '' };
  return { name: entry };
}

function bareHost(host: string): string {
  const lower = host.toLowerCase().replace(/\.$/, '');
  return lower.startsWith('[') && lower.endsWith(']') ? lower.slice(1, -1) : lower;
}

/** Addresses of version 4 written in version 6 are the ones of version 4. */
function parseAddress(host: string): Address | undefined {
  return ipaddr.isValid(host) && /[.:]/.test(host) ? ipaddr.process(host) : undefined;
}
