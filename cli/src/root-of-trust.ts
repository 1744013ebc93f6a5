/** `--root FILE`: what is installed is verified from the publisher's root, whatever the control plane says. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { InstallBundle } from '@gatehouse/contract/operator-types';
import type { KubernetesManifest } from '@gatehouse/release/kubernetes-object';
import type { FetchFile } from '@gatehouse/release/trusted-releases';
import type { InstallationOrder, VerifiedInstallation } from '@gatehouse/release/verified-installation';
import { exitCodes, Failure, refusalFailure, usageFailure } from './failure.ts';
import { parseManifest } from './manifest.ts';
import type { Terminal } from './terminal.ts';

export const rootOption = [
  '--root <file>',
  "the publisher's root.json, which you got by another way: everything that is installed is verified from it",
] as const;

export async function readRoot(terminal: Terminal, file: string): Promise<Uint8Array> {
  const full = path.resolve(terminal.cwd, file);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(full);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usageFailure(`The root of trust cannot be read: ${why}`);
  }
  const { rootFingerprint } = await import('@gatehouse/release/trusted-releases');
  try {
    rootFingerprint(bytes);
  } catch {
    throw usageFailure(`${full} is no root of trust.`, 'Give the root.json of whoever signs your releases.');
  }
  return bytes;
}

export async function verifyBundle(
  { server }: { readonly server: string },
  bundle: InstallBundle,
  order: Omit<InstallationOrder, 'fetchFile' | 'sent'>,
): Promise<VerifiedInstallation> {
  const { verifyInstallation } = await import('@gatehouse/release/verified-installation');
  const verified = await verifyInstallation({
    ...order,
    fetchFile: fetchFrom(server),
    sent: { objects: bundle.objects.map(parseManifest), release: bundle.release },
  });
  if (verified.kind === 'refused') throw refusalFailure(verified.reasons);
  return verified.value;
}

/** Of the root in the manifest itself, which a control plane cannot tell otherwise than it is. */
export async function fingerprintIn(objects: readonly KubernetesManifest[]): Promise<string> {
  const [{ rootFingerprint }, { objectNames }] = await Promise.all([
    import('@gatehouse/release/trusted-releases'),
    import('@gatehouse/release/object-names'),
  ]);
  const settings = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === objectNames.settings);
  const data = settings?.['data'];
  const root: unknown = typeof data === 'object' && data !== null && 'rootJson' in data ? data.rootJson : undefined;
  try {
    if (typeof root === 'string') return rootFingerprint(Buffer.from(root, 'utf8'));
  } catch {
    // Said below: a manifest without a root is none.
  }
  throw new Failure(exitCodes.failed, ['The control plane sent an install manifest without a root of trust.']);
}

/** Files of the control plane's repository. Nothing is followed elsewhere, and no more is read than may be there. */
function fetchFrom(server: string): FetchFile {
  return async (kind, file, bytesMax, signal) => {
    const encoded = file.split('/').map(encodeURIComponent).join('/');
    const reply = await fetch(`${server}/v1/tuf/${kind}/${encoded}`, { redirect: 'error', signal });
    if (reply.status === 404) return undefined;
    if (!reply.ok) throw new Error(`GET /v1/tuf/${kind}/${file}: status ${reply.status}`);
    const parts: Uint8Array[] = [];
    let size = 0;
    const body: AsyncIterable<unknown> | null = reply.body;
    if (body === null) return new Uint8Array();
    for await (const part of body) {
      if (!(part instanceof Uint8Array)) throw new TypeError('a body is made of bytes');
      size += part.byteLength;
      if (size > bytesMax) return 'too-large';
      parts.push(part);
    }
    return Buffer.concat(parts);
  };
}
