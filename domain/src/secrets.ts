/**
 * Masks what must not be shown of a pack: what the release marks as secret, what is named like a secret, the data of
 * Secret objects, and credentials inside longer texts. When in doubt it masks; a reader loses a value, never more.
 */

import { isJsonArray, isJsonObject, ownValue } from './json.ts';
import type { Json, KubernetesObject, Pack } from './profile.ts';

export const mask = '********';

/** What a secret is replaced by; `path` is where it stands. */
export type MaskOf = (path: readonly string[], value: Json) => string;

const alwaysTheSame: MaskOf = () => mask;

const secretWord = String.raw`pass(?:word|phrase|wd)?|pwd|secrets?|tokens?|credentials?|private[-_.]?keys?|api[-_.]?keys?|access[-_.]?keys?|signing[-_.]?keys?|encryption[-_.]?keys?|client[-_.]?key(?:[-_.]?data)?|auth|authorization|bearer|cookie|kubeconfig|dockerconfigjson|psk`;
const secretName = new RegExp(`(?:^|[-_.a-z0-9])(?:${secretWord})(?:$|[-_.0-9]|(?=[A-Z]))|(?:${secretWord})$`, 'i');
/** `secretName`, `tokenTtlSeconds`: about a secret, and not one. */
const aboutSecret =
  /(?:name|names|ref|refs|namespace|kind|class|type|ttl|seconds|minutes|expiry|policy|path|file|enabled|mode|url|provider)$/i;

function isNamedLikeSecret(key: string): boolean {
  return secretName.test(key) && !aboutSecret.test(key);
}

/** `token: abc`, `password=abc` in a line of a longer text, such as a configuration file in a value. */
const secretLine = new RegExp(
  String.raw`^([ \t]*(?:- )?["']?[\w.-]*?(?:${secretWord})["']?[ \t]*[:=][ \t]*)(?!$)\S.*$`,
  'gim',
);
const urlCredentials = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@:]{0,200}:[^\s/@]{0,500}@/gi;
const privateKeyBlock = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const bearer = /\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{8,}/gi;

/** A text without the credentials in it. */
export function maskText(text: string): string {
  return text
    .replace(privateKeyBlock, mask)
    .replace(secretLine, `$1${mask}`)
    .replace(urlCredentials, `$1${mask}@`)
    .replace(bearer, `$1 ${mask}`);
}

/** The pack as it may be shown. Masked twice it is the same. */
export function maskSecrets(pack: Pack, maskOf: MaskOf = alwaysTheSame): Pack {
  const isMarked = markedPaths(pack.secretPaths);
  const values = maskValue(pack.values, [], { isMarked, maskOf, isSecret: false });
  if (!isJsonObject(values)) return { ...pack, values: {}, objects: [] }; // The root itself was marked.
  return {
    ...pack,
    values,
    objects: pack.objects.map((object, index) => maskObject(object, ['objects', String(index)], maskOf)),
  };
}

/** `a.b.*.c`: `*` stands for one key or index. Keys with dots in them are met by their written form. */
function markedPaths(secretPaths: readonly string[]): (path: readonly string[]) => boolean {
  const exact = new Set(secretPaths);
  const patterns = secretPaths.filter((path) => path.split('.').includes('*')).map((path) => path.split('.'));
  return (path) =>
    exact.has(path.join('.')) ||
    patterns.some(
      (pattern) => pattern.length === path.length && pattern.every((part, i) => part === '*' || part === path[i]),
    );
}

interface Masking {
  readonly isMarked: (path: readonly string[]) => boolean;
  readonly maskOf: MaskOf;
  /** Something above it is named like a secret. */
  readonly isSecret: boolean;
}

function maskValue(value: Json, path: readonly string[], masking: Masking): Json {
  if (path.length > 0 && masking.isMarked(path)) return masking.maskOf(path, value);
  if (isJsonArray(value)) return value.map((item, index) => maskValue(item, [...path, String(index)], masking));
  if (isJsonObject(value)) {
    // `{name: DB_PASSWORD, value: …}`: the name of the one says what the other is.
    const name = ownValue(value, 'name') ?? ownValue(value, 'key');
    const isPair = typeof name === 'string' && secretName.test(name);
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        maskValue(item, [...path, key], {
          ...masking,
          isSecret:
            (masking.isSecret && !aboutSecret.test(key)) || isNamedLikeSecret(key) || (isPair && key === 'value'),
        }),
      ]),
    );
  }
  if (masking.isSecret && (typeof value === 'string' ? value !== '' : typeof value === 'number')) {
    return masking.maskOf(path, value);
  }
  return typeof value === 'string' ? maskText(value) : value;
}

function maskObject(object: KubernetesObject, path: readonly string[], maskOf: MaskOf): KubernetesObject {
  const isSecretObject = object.kind === 'Secret';
  const isMarked = (inner: readonly string[]): boolean => {
    const [part, ...below] = inner.slice(path.length);
    if (isSecretObject && (part === 'data' || part === 'stringData')) return below.length > 0;
    // It repeats the whole object, data included.
    return (
      part === 'metadata' &&
      below[0] === 'annotations' &&
      below[1] === 'kubectl.kubernetes.io/last-applied-configuration'
    );
  };
  const { apiVersion, kind, metadata, ...rest } = object;
  const masking: Masking = { isMarked, maskOf, isSecret: false };
  const { name, namespace, ...otherMetadata } = metadata;
  const maskedMetadata = maskValue(otherMetadata, [...path, 'metadata'], masking);
  const maskedRest = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      maskValue(value, [...path, key], { ...masking, isSecret: isSecretObject ? false : isNamedLikeSecret(key) }),
    ]),
  );
  return {
    ...maskedRest,
    apiVersion,
    kind,
    metadata: {
      ...(isJsonObject(maskedMetadata) ? maskedMetadata : {}),
      name,
      ...(namespace === undefined ? {} : { namespace }),
    },
  };
}
