/** For vitest's `globalSetup`: one lab for all suites of a run, handed to them by provided-kubernetes-lab.ts. */

import type { TestProject } from 'vitest/node';
import { startKubernetesLab } from './kubernetes-lab.ts';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { lab, stop } = await startKubernetesLab({ clusterApi: true });
  project.provide('kubernetesLab', lab);
  return stop;
}
