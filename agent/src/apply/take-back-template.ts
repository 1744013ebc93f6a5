/** The pod template to go back to: the old ReplicaSet's own, so that its running pod is found again; else rendered anew. */

import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import type { AgentCluster, AgentTemplate } from '../cluster/cluster.ts';

/** `repository`: where the caller's own image came from. Throws when neither way is open. */
export async function takeBackTemplate(
  cluster: AgentCluster,
  release: AgentRelease,
  repository: string | undefined,
): Promise<AgentTemplate> {
  const template = await cluster.readTemplate(release.digest);
  if (template !== undefined) return template;
  if (repository === undefined) {
    throw new Error(
      `No ReplicaSet has agent ${release.version}, and GATEHOUSE_AGENT_REPOSITORY does not say where its image is.`,
    );
  }
  return cluster.renderTemplate(release, { repository });
}
