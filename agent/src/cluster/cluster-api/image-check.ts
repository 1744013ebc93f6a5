/**
 * Whether a registry has an image, as seen from the agent. The nodes pull through their own configuration, mirrors and
 * proxies included, so only the registry's own "no such image" is a no; whatever else goes wrong is `unknown`.
 */

import { parseImageByDigest, splitRegistry, withRegistryPrefix } from '@gatehouse/release/image-reference';
import { hasImage } from '@gatehouse/release/oci-registry';
import { registryUrl } from '@gatehouse/release/registry-address';

export interface ImageCheck {
  readonly image: string;
  readonly isReachable: boolean | 'unknown';
  readonly message: string;
}

const timeoutSeconds = 10;

/** `image`: `registry/repository@sha256:…`, as packs name it. */
export async function checkImage(image: string, registryPrefix: string | undefined): Promise<ImageCheck> {
  const named = parseImageByDigest(image);
  if (named === undefined) return { image, isReachable: 'unknown', message: `${image} is not named by a digest` };
  const { digest } = named;
  const reference = withRegistryPrefix(named.repository, registryPrefix);
  const { registry: host, path: repository } = splitRegistry(reference);
  try {
    const isReachable = await hasImage({ registry: { url: registryUrl(host) }, repository, digest, timeoutSeconds });
    const message = isReachable ? `${host} has ${image}` : `${host} has no ${reference}@${digest}`;
    return { image, isReachable, message };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    const message = error instanceof Error ? `${error.message}${cause}` : String(error);
    return { image, isReachable: 'unknown', message };
  }
}
