import { describe, expect, test } from 'vitest';
import { isLoopback, isProxyExcepted, proxyFor } from './proxy.ts';

describe('NO_PROXY takes out', () => {
  test.each([
    ['a name', 'https://hub.example.com', 'hub.example.com', true],
    ['a name below a name', 'https://a.hub.example.com', 'hub.example.com', true],
    ['not a name that only ends alike', 'https://badhub.example.com', 'hub.example.com', false],
    ['names below a suffix with a dot', 'https://hub.example.com', '.example.com', true],
    ['not the suffix itself when it has a dot', 'https://example.com', '.example.com', false],
    ['names below a star', 'https://hub.example.com', '*.example.com', true],
    ['everything', 'https://hub.example.com', '*', true],
    ['a name whatever its case', 'https://HUB.example.com', 'hub.EXAMPLE.com', true],
    ['a name with a trailing dot', 'https://hub.example.com.', 'hub.example.com', true],
    ['one of many', 'https://hub.example.com', 'a.b, hub.example.com', true],
    ['one of many, apart by spaces', 'https://hub.example.com', 'a.b hub.example.com', true],
    ['nothing when empty', 'https://hub.example.com', ' , ', false],
    ['nothing for a lonely dot', 'https://hub.example.com', '.', false],
    ['a name with its port', 'https://hub.example.com:8443', 'hub.example.com:8443', true],
    ['not a name with another port', 'https://hub.example.com', 'hub.example.com:8443', false],
    ['a name with the port that https has', 'https://hub.example.com', 'hub.example.com:443', true],
    ['an address', 'https://10.1.2.3', '10.1.2.3', true],
    ['an address in a range', 'https://10.1.2.3', '10.0.0.0/8', true],
    ['not an address outside a range', 'https://11.1.2.3', '10.0.0.0/8', false],
    ['every address in /0', 'https://11.1.2.3', '0.0.0.0/0', true],
    ['not by a range with too many bits', 'https://10.1.2.3', '10.0.0.0/33', false],
    ['not by a range that is none', 'https://10.1.2.3', '10.0.0.0/', false],
    ['an address of version 6 in a range', 'https://[fd00::1]', 'fd00::/8', true],
    ['an address of version 6 written otherwise', 'https://[fd00:0:0::1]', 'fd00::1', true],
    ['an address of version 6 with its port', 'https://[fd00::1]:8443', '[fd00::1]:8443', true],
    ['not an address of version 6 by a range of version 4', 'https://[fd00::1]', '10.0.0.0/8', false],
    ['an address of version 4 written in version 6', 'https://[::ffff:10.1.2.3]', '10.0.0.0/8', true],
    ['not a name by a range', 'https://hub.example.com', '0.0.0.0/0', false],
  ])('%s', (_, url, noProxy, expected) => {
    expect(isProxyExcepted(new URL(url), noProxy)).toBe(expected);
  });
});

describe('the proxy of a request', () => {
  const settings = { httpsProxy: 'http://secure.proxy:3128', httpProxy: 'plain.proxy:3128', noProxy: '10.0.0.0/8' };

  test.each([
    ['https goes through HTTPS_PROXY', 'https://hub.example.com', 'http://secure.proxy:3128/'],
    ['http goes through HTTP_PROXY, http:// may be left out', 'http://hub.example.com', 'http://plain.proxy:3128/'],
    ['what NO_PROXY names goes direct', 'https://10.1.2.3', undefined],
    ['loopback goes direct', 'http://127.0.0.1:8080', undefined],
  ])('%s', (_, url, expected) => {
    expect(proxyFor(new URL(url), settings)?.href).toBe(expected);
  });

  test('without a proxy it goes direct', () => {
    expect(proxyFor(new URL('https://hub.example.com'), {})).toBeUndefined();
    expect(proxyFor(new URL('https://hub.example.com'), { httpsProxy: '' })).toBeUndefined();
  });

  test('a proxy that is none is an error that names the address', () => {
    expect(() => proxyFor(new URL('https://hub.example.com'), { httpsProxy: 'ftp://x' })).toThrow(/hub\.example\.com/);
  });
});

test.each([
  ['localhost', true],
  ['LOCALHOST.', true],
  ['a.localhost', true],
  ['127.8.9.1', true],
  ['[::1]', true],
  ['[::ffff:127.0.0.1]', true],
  ['128.0.0.1', false],
  ['localhost.example.com', false],
  ['0.0.0.0', false],
])('loopback: %s is %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
