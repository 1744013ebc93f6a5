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

/** The same for a repository, or any image text that begins with its registry. An empty prefix is none. */
export function withRegistryPrefix(repository: string, registryPrefix: string | undefined): string {
  const prefix = registryPrefix?.replace(/\/+$/, '') ?? '';
  if (prefix === '') return repository;
  const slash = repository.indexOf('/');
  if (slash < 1) throw new TypeError(`the image ${repository} does not begin with a registry`);
  return `${prefix}${repository.slice(slash)}`;
}
