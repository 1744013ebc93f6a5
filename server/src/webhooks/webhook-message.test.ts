import { Webhook as Verifier } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { openSecret, sealSecret } from '../work/sealing.ts';
import { messageIdOf, newWebhookSecret, signMessage } from './webhook-message.ts';

test('a signature is the one of the specification’s own example', () => {
  const signed = signMessage('whsec_plJ3nmyCDGBKInavdOK15jsl', {
    id: 'msg_loFOjxBNrRLzqYUf',
    timestamp: 1731705121,
    body: '{"event_type":"ping","data":{"success":true}}',
  });
  expect(signed).toBe('v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=');
});

test('a library signs the same', () => {
  const secret = newWebhookSecret();
  const at = new Date('2026-11-23T10:00:00Z');
  const body = '{"type":"test","data":{"text":"é – 日本"}}';
  const message = { id: messageIdOf('00000000-0000-4000-8000-000000000001'), timestamp: at.getTime() / 1000, body };
  expect(signMessage(secret, message)).toBe(new Verifier(secret).sign(message.id, at, body));
  expect(message.id).not.toContain('.');
});

test('secrets are new each time, and within the bounds of the specification', () => {
  const secrets = Array.from({ length: 50 }, newWebhookSecret);
  expect(new Set(secrets).size).toBe(50);
  for (const secret of secrets) {
    const bytes = Buffer.from(secret.replace(/^whsec_/, ''), 'base64').length;
    expect(bytes).toBeGreaterThanOrEqual(24);
    expect(bytes).toBeLessThanOrEqual(64);
  }
});

test('a sealed secret opens in its place, with its key, unchanged; and nowhere else', () => {
  const key = Buffer.alloc(32, 1);
  const sealed = sealSecret(key, 'webhook a', 'whsec_x');
  expect(openSecret(key, 'webhook a', sealed)).toBe('whsec_x');
  expect(sealed.toString('latin1')).not.toContain('whsec_x');
  expect(sealSecret(key, 'webhook a', 'whsec_x')).not.toEqual(sealed);
  expect(() => openSecret(key, 'webhook b', sealed)).toThrow('unable to authenticate data');
  expect(() => openSecret(Buffer.alloc(32, 2), 'webhook a', sealed)).toThrow('unable to authenticate data');
  const changed = Buffer.from(sealed);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  expect(() => openSecret(key, 'webhook a', changed)).toThrow('unable to authenticate data');
});
