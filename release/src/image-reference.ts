/**
 * The reference a gateway pulls an image by: always with the digest, so that a registry prefix can say where it comes
 * from but not what it is. `repository` is as a release has it, `registry.example/gatehouse/agent`; a prefix such as
 * `mirror.example:5000/proxy` stands in place of the registry: `mirror.example:5000/proxy/gatehouse/agent@sha256:…`.
 */
export function imageReference(image: {
  readonly repository: string;
  readonly digest: string;
  readonly registryPrefix?: string | undefined;
}): string {
  return `${withRegistryPrefix(image.repository, image.registryPrefix)}@${image.digest}`;
}

/** The same for a repository, or any image text. An empty prefix is none. */
export function withRegistryPrefix(image: string, registryPrefix: string | undefined): string {
  const prefix = registryPrefix?.replace(/\/+$/, '') ?? '';
  return prefix === '' ? image : `${prefix}/${splitRegistry(image).path}`;
}

/**
 * Registry and what follows it. A name that does not begin with a registry (`nginx`, `bitnami/redis`) is one of Docker
 * Hub, as container runtimes take it.
 */
export function splitRegistry(image: string): { readonly registry: string; readonly path: string } {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  const isRegistry = first === 'localhost' || /[.:]/.test(first);
  const registry = isRegistry ? first : 'docker.io';
  const path = isRegistry ? image.slice(slash + 1) : image;
  return { registry, path: registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path };
}

// The names of the OCI distribution specification, which has no room for `..`.
const namePart = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const hostPart = '[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?';
const byDigestPattern = new RegExp(
  `^((?:${hostPart}/)?${namePart}(?:/${namePart})*)(?::[\\w.-]{1,128})?@(sha256:[0-9a-f]{64})$`,
);

/** Repository and digest of an image that is named by digest; a tag before the digest means nothing and is left out. */
export function parseImageByDigest(
  image: string,
): { readonly repository: string; readonly digest: string } | undefined {
  const [, repository, digest] = byDigestPattern.exec(image) ?? [];
  return repository === undefined || digest === undefined ? undefined : { repository, digest };
}

/**
 * Every image that Kubernetes objects name: what stands under the key `image`, and any other value that as a whole is a
 * registry's image by digest, such as an environment variable from which an operator learns what to start.
 */
export function imagesIn(value: unknown): readonly string[] {
  const found = new Set<string>();
  mapImages(value, (image) => {
    found.add(image);
    return image;
  });
  return [...found].toSorted();
}

/** The same objects with their images pulled from the prefix. Only where they come from changes: the digests stay. */
export function withImagesFrom<Value>(value: Value, registryPrefix: string | undefined): Value {
  if (registryPrefix === undefined || registryPrefix === '') return value;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Strings take the place of strings; the shape stays.
  return mapImages(value, (image) => withRegistryPrefix(image, registryPrefix)) as Value;
}

function mapImages(value: unknown, map: (image: string) => string, key?: string): unknown {
  if (typeof value === 'string') {
    if (value === '') return value;
    const isImage = key === 'image' || (/^(localhost|[^/]*[.:][^/]*)\//.test(value) && byDigestPattern.test(value));
    return isImage ? map(value) : value;
  }
  if (Array.isArray(value)) return value.map((inner: unknown) => mapImages(inner, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, mapImages(inner, map, name)]));
}
