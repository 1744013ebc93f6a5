import type { KubernetesManifest } from '@gatehouse/release/kubernetes-object';
import { exitCodes, Failure } from './failure.ts';

function isManifest(value: object): value is KubernetesManifest {
  return (
    'apiVersion' in value &&
    typeof value.apiVersion === 'string' &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    'metadata' in value &&
    typeof value.metadata === 'object' &&
    value.metadata !== null &&
    'name' in value.metadata &&
    typeof value.metadata.name === 'string'
  );
}

/** An object of the install manifest as the control plane sent it, checked before it goes anywhere. */
export function parseManifest(value: object): KubernetesManifest {
  if (isManifest(value)) return value;
  throw new Failure(exitCodes.failed, ['The control plane sent an install manifest that is none.']);
}
