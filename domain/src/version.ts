/**
 * Versions as the platform and Kubernetes use them: three numbers, `major.minor.patch`. A release of Gatehouse never
 * carries a pre-release suffix, so a text with one is refused instead of being ordered by a guess.
 */

declare const platformVersionBrand: unique symbol;
declare const kubernetesVersionBrand: unique symbol;

/** `4.2.7`. Also the form of an agent version, which comes with the platform's release. */
export type PlatformVersion = string & { readonly [platformVersionBrand]: true };

/** `1.33.5`, without the leading `v` that the Kubernetes API writes. */
export type KubernetesVersion = string & { readonly [kubernetesVersionBrand]: true };

export interface VersionParts {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

const versionPattern = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;

function parseParts(text: string): VersionParts | undefined {
  const match = versionPattern.exec(text);
  if (!match) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) };
}

// The brands are given here, after the check, and nowhere else.
function isPlatformVersion(text: string): text is PlatformVersion {
  return parseParts(text) !== undefined;
}
function isKubernetesVersion(text: string): text is KubernetesVersion {
  return parseParts(text) !== undefined;
}

/** The parsed version, or `undefined` when the text is not `major.minor.patch`. */
export function parsePlatformVersion(text: string): PlatformVersion | undefined {
  return isPlatformVersion(text) ? text : undefined;
}

/** Accepts `1.33.5` and `v1.33.5`; the result has no `v`. `undefined` when it is neither. */
export function parseKubernetesVersion(text: string): KubernetesVersion | undefined {
  const bare = text.startsWith('v') ? text.slice(1) : text;
  return isKubernetesVersion(bare) ? bare : undefined;
}

export function versionParts(version: PlatformVersion | KubernetesVersion): VersionParts {
  const parts = parseParts(version);
  if (!parts) throw new TypeError(`not a version: ${version}`);
  return parts;
}

/** Negative when `a` is older than `b`, positive when newer, 0 when the same. */
export function compareVersions<V extends PlatformVersion | KubernetesVersion>(a: V, b: V): number {
  const left = versionParts(a);
  const right = versionParts(b);
  return left.major - right.major || left.minor - right.minor || left.patch - right.patch;
}
