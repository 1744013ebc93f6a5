import type { KubernetesManifest } from '@gatehouse/release/kubernetes-object';
import { exitCodes, Failure } from './failure.ts';

/** An object of the install manifest as the control plane sent it, checked before it goes anywhere. */
export function parseManifest(value: Readonly<Record<string, unknown>>): KubernetesManifest {
  const { apiVersion, kind, metadata } = value;
  if (
    typeof apiVersion === 'string' &&
    typeof kind === 'string' &&
    typeof metadata === 'object' &&
    metadata !== null &&
    'name' in metadata &&
    typeof metadata.name === 'string'
  ) {
    return value as unknown as KubernetesManifest; // Just checked, as far as it is used here.
  }
  throw new Failure(exitCodes.failed, ['The control plane sent an install manifest that is none.']);
}
