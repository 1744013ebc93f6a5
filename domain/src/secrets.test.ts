import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, Pack } from './profile.ts';
import { mask, maskSecrets, maskText } from './secrets.ts';
import { object, pack } from './testing/facts.ts';

const masked = (values: Pack['values'], secretPaths: readonly string[] = []): Json =>
  maskSecrets(pack('p', { values, secretPaths })).values;

const cases: readonly { name: string; values: Pack['values']; paths?: readonly string[]; shown: Json }[] = [
  { name: 'a marked path', values: { a: { b: 'x', c: 'y' } }, paths: ['a.b'], shown: { a: { b: mask, c: 'y' } } },
  { name: 'a marked branch, with its keys', values: { a: { b: { c: 1 } } }, paths: ['a.b'], shown: { a: { b: mask } } },
  { name: 'a marked item of a list', values: { a: ['x', 'y'] }, paths: ['a.1'], shown: { a: ['x', mask] } },
  {
    name: 'a marked pattern',
    values: { a: [{ b: 'x' }, { b: 'y' }] },
    paths: ['a.*.b'],
    shown: { a: [{ b: mask }, { b: mask }] },
  },
  { name: 'a marked key with a dot in it', values: { 'a.b': 'x' }, paths: ['a.b'], shown: { 'a.b': mask } },
  { name: 'marked and empty', values: { a: '' }, paths: ['a'], shown: { a: mask } },
  { name: 'named like a password', values: { password: 'x' }, shown: { password: mask } },
  {
    name: 'in camel case',
    values: { adminPassword: 'x', apiKey: 'y', clientSecret: 'z' },
    shown: { adminPassword: mask, apiKey: mask, clientSecret: mask },
  },
  {
    name: 'in capitals',
    values: { DB_PASSWORD: 'x', AWS_SECRET_ACCESS_KEY: 'y' },
    shown: { DB_PASSWORD: mask, AWS_SECRET_ACCESS_KEY: mask },
  },
  {
    name: 'a token, a private key',
    values: { token: 't', privateKey: 'k', 'private-key': 'k' },
    shown: { token: mask, privateKey: mask, 'private-key': mask },
  },
  { name: 'a number can be one', values: { password: 1234 }, shown: { password: mask } },
  {
    name: 'below a name like a secret',
    values: { credentials: { user: 'u', list: ['a'] } },
    shown: { credentials: { user: mask, list: [mask] } },
  },
  {
    name: 'whether there is one is none',
    values: { password: '', createSecret: true },
    shown: { password: '', createSecret: true },
  },
  {
    name: 'the name of a secret is none',
    values: { secretName: 'ca', existingSecretRef: { name: 'x' } },
    shown: { secretName: 'ca', existingSecretRef: { name: 'x' } },
  },
  { name: 'its lifetime is none', values: { tokenTtlSeconds: 30 }, shown: { tokenTtlSeconds: 30 } },
  {
    name: 'a pair of name and value',
    values: {
      env: [
        { name: 'DB_PASSWORD', value: 'x' },
        { name: 'PORT', value: '1' },
      ],
    },
    shown: {
      env: [
        { name: 'DB_PASSWORD', value: mask },
        { name: 'PORT', value: '1' },
      ],
    },
  },
  {
    name: 'credentials in an address',
    values: { url: 'https://ann:pw@host/x' },
    shown: { url: `https://${mask}@host/x` },
  },
  {
    name: 'a line of a configuration file',
    values: { config: 'user = ann\npassword = "pw"\nport = 1\n' },
    shown: { config: `user = ann\npassword = ${mask}\nport = 1\n` },
  },
  {
    name: 'a private key in a text',
    values: { pem: '-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n' },
    shown: { pem: `${mask}\n` },
  },
  {
    name: 'a private key that is cut off',
    values: { pem: 'x\n-----BEGIN PRIVATE KEY-----\nabc' },
    shown: { pem: `x\n${mask}` },
  },
  {
    name: 'nothing to hide',
    values: { mtu: 1500, mode: 'native', keys: ['a'] },
    shown: { mtu: 1500, mode: 'native', keys: ['a'] },
  },
];

describe('what is shown of values', () => {
  test.each(cases)('$name', ({ values, paths, shown }) => {
    expect(masked(values, paths)).toEqual(shown);
  });
});

describe('what is shown of objects', () => {
  const shown = (more: Parameters<typeof object>[2], kind = 'Secret') =>
    maskSecrets(pack('p', { objects: [object(kind, 'o', more)] })).objects[0];

  test('the data of a Secret is masked, its keys are not', () => {
    expect(shown({ type: 'Opaque', data: { a: 'YQ==' }, stringData: { b: 'x' } })).toEqual({
      ...object('Secret', 'o'),
      type: 'Opaque',
      data: { a: mask },
      stringData: { b: mask },
    });
  });

  test('the annotation that repeats a Secret is masked', () => {
    const key = 'kubectl.kubernetes.io/last-applied-configuration';
    const metadata = { name: 'o', annotations: { [key]: '{"data":{"a":"YQ=="}}', other: 'x' } };
    expect(shown({ metadata })?.metadata).toEqual({ name: 'o', annotations: { [key]: mask, other: 'x' } });
  });

  test('a ConfigMap keeps its data, except what is named like a secret', () => {
    expect(shown({ data: { mtu: '1500', password: 'x' } }, 'ConfigMap')?.['data']).toEqual({
      mtu: '1500',
      password: mask,
    });
  });

  test('the environment of a container', () => {
    const spec = { containers: [{ name: 'c', env: [{ name: 'API_TOKEN', value: 'abc' }] }] };
    expect(shown({ spec }, 'Pod')?.['spec']).toEqual({
      containers: [{ name: 'c', env: [{ name: 'API_TOKEN', value: mask }] }],
    });
  });
});

const secret = 'S3CR3T-v4lue';
const plainKey = fc.constantFrom('a', 'image', 'config', 'list');
const withSecret: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant({ password: secret }),
    fc.constant({ dbToken: [secret, { deep: secret }] }),
    fc.constant(`password: ${secret}`),
    fc.constant(`first\n  api_key=${secret}\nlast`),
    fc.constant(`https://ann:${secret}@host`),
    fc.constant({ name: 'MY_SECRET', value: secret }),
    fc.constant('plain'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(plainKey, tie('value'), { maxKeys: 3 }),
  ),
})).value;

test('no secret leaks, wherever it stands, and masking twice changes nothing', () => {
  fc.assert(
    fc.property(withSecret, (value) => {
      const whole = pack('p', {
        values: { value, marked: { deep: secret } },
        secretPaths: ['marked'],
        objects: [object('ConfigMap', 'o', { data: value }), object('Secret', 's', { data: { x: secret } })],
      });
      const shown = maskSecrets(whole);
      expect(JSON.stringify(shown)).not.toContain(secret);
      expect(maskSecrets(shown)).toEqual(shown);
    }),
    { numRuns: 300 },
  );
});

test('a text without credentials stays as it is', () => {
  const text = 'A pod was not scheduled: 0/3 nodes are available. See https://host/path?x=1 and user@host.';
  expect(maskText(text)).toBe(text);
});

test('a bearer token in a log line is masked', () => {
  expect(maskText('Authorization header was Bearer abcdefghijkl')).toBe(`Authorization header was Bearer ${mask}`);
});
