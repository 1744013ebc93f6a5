/** A certificate that is its own authority, for a TLS server in a test: X.509 v3 (RFC 5280) in DER, by hand. */

import { generateKeyPairSync, sign } from 'node:crypto';

export interface SelfSigned {
  readonly certificate: string;
  readonly key: string;
}

const day = 86_400_000;

export function makeSelfSigned(
  hostName: string,
  { isExpired = false }: { readonly isExpired?: boolean } = {},
): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(objectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const commonName = sequence(objectId(0x55, 0x04, 0x03), der(0x0c, Buffer.from(hostName)));
  const name = sequence(der(0x31, commonName));
  const now = Date.now() - (isExpired ? 2 * day : 0);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    sequence(time(now - day), time(now + day)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        // basicConstraints: an authority; subjectAltName: the DNS name.
        extension(objectId(0x55, 0x1d, 0x13), sequence(der(0x01, Buffer.from([0xff])))),
        extension(objectId(0x55, 0x1d, 0x11), sequence(der(0x82, Buffer.from(hostName)))),
      ),
    ),
  );
  const signature = sign('sha256', body, privateKey);
  const certificate = sequence(body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

const sequence = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents);
const objectId = (...bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes));
const extension = (id: Buffer, value: Buffer): Buffer => sequence(id, der(0x04, value));

/** UTCTime: `YYMMDDhhmmssZ`. */
function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${text}Z`));
}
