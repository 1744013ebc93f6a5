/**
 * Whether the root that came with the installation and what is trusted in the cluster are of one chain. The cluster's trust
 * wins, since it has seen more; but a root that neither led to it nor comes from it was meant by whoever installed the
 * agent, so it is neither followed nor passed over in silence.
 */

import type { Reason } from '@gatehouse/domain/reason';
import { rootFingerprint } from '@gatehouse/release/trusted-releases';
import { metadataVersion } from '@gatehouse/release/tuf-metadata';
import type { RootChain } from './trust-store.ts';

export interface InstalledRoot {
  readonly version: number;
  readonly fingerprint: string;
}

/** Undefined when it is no root. */
export function toInstalledRoot(root: Uint8Array): InstalledRoot | undefined {
  try {
    return { version: metadataVersion(root), fingerprint: rootFingerprint(root) };
  } catch {
    return undefined;
  }
}

/** `unknown`: of a version that the chain does not tell about yet. */
export function relationToChain(
  installed: InstalledRoot | undefined,
  chain: RootChain,
): 'same' | 'differs' | 'unknown' {
  if (installed === undefined) return 'differs';
  const known = chain.get(installed.version);
  if (known === undefined) return 'unknown';
  return known === installed.fingerprint ? 'same' : 'differs';
}

export function rootDiffers(installed: InstalledRoot | undefined, chain: RootChain, namespace: string): Reason {
  const [version, fingerprint] = [...chain].toSorted(([a], [b]) => b - a)[0] ?? [0, 'none'];
  const given =
    installed === undefined
      ? 'The install manifest carries a root of trust that cannot be read'
      : `The install manifest carries version ${installed.version} of a root of trust with the fingerprint ${installed.fingerprint}`;
  return {
    code: 'root-differs',
    message: `${given}, but this cluster trusts version ${version} with ${fingerprint}, and neither leads to the other.`,
    nextStep:
      'Compare both fingerprints with the publisher. If the one in the install manifest is right, have the cluster ' +
      `forget the other: \`kubectl -n ${namespace} delete configmap gatehouse-agent-trust\`. Else apply the right install manifest.`,
  };
}
