/**
 * Whether a registry has an image, as seen from the agent. The nodes pull through their own configuration, mirrors and
 * proxies included, so only the registry's own "no such image" is a no; whatever else goes wrong is `unknown`.
 */

import { withRegistryPrefix } from '@gatehouse/release/image-reference';
import { hasImage } from '@gatehouse/release/oci-registry';

export interface ImageCheck {
  readonly image: string;
  readonly isReachable: boolean | 'unknown';
  readonly message: string;
}

const timeoutSeconds = 10;

/** `image`: `registry/repository@sha256:…`, as packs name it. */
export async function checkImage(image: string, registryPrefix: string | undefined): Promise<ImageCheck> {
  const [name = '', digest] = image.split('@');
  if (digest === undefined) return { image, isReachable: 'unknown', message: `${image} is not named by a digest` };
  try {
    const reference = withRegistryPrefix(name, registryPrefix);
    const slash = reference.indexOf('/');
    const host = reference.slice(0, slash);
    const isReachable = await hasImage({
      registry: { url: `${isLoopback(host) ? 'http' : 'https'}://${host}` },
      repository: reference.slice(slash + 1),
      digest,
      timeoutSeconds,
    });
    const message = isReachable ? `${host} has ${image}` : `${host} has no ${reference}@${digest}`;
    return { image, isReachable, message };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    const message = error instanceof Error ? `${error.message}${cause}` : String(error);
    return { image, isReachable: 'unknown', message };
  }
}

function isLoopback(host: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host);
}
