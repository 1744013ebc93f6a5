import { inject } from 'vitest';
import type { KubernetesLab } from './kubernetes-lab.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly kubernetesLab: KubernetesLab;
  }
}

/** The cluster of this run, started once for all suites by kubernetes-lab-setup.ts. */
export function providedKubernetesLab(): KubernetesLab {
  return inject('kubernetesLab');
}
