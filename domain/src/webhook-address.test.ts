import { describe, expect, test } from 'vitest';
import { addressRefusal } from './webhook-address.ts';

const asked = (address: string, more: object = {}) =>
  addressRefusal({ host: 'hooks.example', port: 443, address, ownAddresses: [], allowed: [], ...more });

describe('an address that a webhook may not lead to', () => {
  test.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0.1.2.3',
    '169.254.169.254',
    '169.254.0.1',
    '192.0.0.192',
    '100.100.100.200',
    '168.63.129.16',
    '224.0.0.1',
    '239.255.255.255',
    '255.255.255.255',
    '::',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::FFFF:A9FE:A9FE',
    '::127.0.0.1',
    '::7f00:1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'fec0::1',
    'ff02::1',
    'fd00:ec2::254',
  ])('%s', (address) => {
    expect(asked(address)).toMatch(/^which is /);
  });

  test.each(['', '127.1', '0177.0.0.1', '2130706433', '1.2.3.256', '1.2.3', ':::', '1:2', '1::2::3', 'a.b.c.d', '::g'])(
    'is what is none: %s',
    (address) => {
      expect(asked(address)).toBe('which is no IP address');
    },
  );

  test('is one of the own machine, however it is written', () => {
    expect(asked('192.0.2.7', { ownAddresses: ['192.0.2.7'] })).toMatch(/own machine/);
    expect(asked('::ffff:192.0.2.7', { ownAddresses: ['192.0.2.7'] })).toMatch(/own machine/);
    expect(asked('2001:db8::7', { ownAddresses: ['2001:db8:0:0:0:0:0:7'] })).toMatch(/own machine/);
    expect(asked('192.0.2.8', { ownAddresses: ['192.0.2.7'] })).toBeUndefined();
  });
});

describe('an address that it may lead to', () => {
  test.each(['10.0.0.1', '172.16.3.4', '192.168.1.1', '100.64.0.1', '198.51.100.7', '126.255.255.255', '128.0.0.1'])(
    '%s',
    (address) => expect(asked(address)).toBeUndefined(),
  );
  test.each(['2606:4700::1111', 'fd12:3456::1', '::ffff:10.0.0.1', '64:ff9b::c633:6407', '2002:c633:6407::'])(
    '%s',
    (address) => expect(asked(address)).toBeUndefined(),
  );
});

describe('allowed by name', () => {
  test.each([
    ['hooks.example', undefined],
    ['hooks.example:443', undefined],
    ['hooks.example:444', 'which is a loopback address'],
    ['other.example', 'which is a loopback address'],
    ['127.0.0.1', 'which is a loopback address'],
  ])('%s', (name, refusal) => {
    expect(asked('127.0.0.1', { allowed: [name] })).toBe(refusal);
  });
  test('an IPv6 address with a port', () => {
    expect(asked('::1', { host: '::1', port: 9000, allowed: ['[::1]:9000'] })).toBeUndefined();
    expect(asked('::1', { host: '::1', port: 9001, allowed: ['[::1]:9000'] })).toBeDefined();
  });
});
