/** What a pod template is in a simulated cluster: which program to run, and where its release says the image is. */

import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { AgentTemplate } from '../cluster.ts';

export function renderSimulatedTemplate(release: AgentRelease, image: { readonly repository: string }): AgentTemplate {
  return { release, template: { image: `${image.repository}@${release.digest}` } };
}

/** The repository that was rendered into a template; undefined for one that was made elsewhere. */
export function repositoryOf({ template }: AgentTemplate): string | undefined {
  if (typeof template !== 'object' || template === null || !('image' in template)) return undefined;
  return typeof template.image === 'string' ? template.image.split('@')[0] : undefined;
}
