/** Where the API of a registry is, by the name that images carry. */

/** Docker Hub's images do not carry the name of the host that serves them. */
const hosts: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

/** `https://`, but for a registry on the same machine. */
export function registryUrl(registry: string): string {
  const host = Object.hasOwn(hosts, registry) ? hosts[registry] : registry;
  return `${isLoopback(registry) ? 'http' : 'https'}://${host}`;
}

/** `host` or `host:port`. */
export function isLoopback(registry: string): boolean {
  return /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/.test(registry);
}
