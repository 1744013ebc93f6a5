/** Which agent this process is: its version from the build, its digest from the pod template it was started with. */

import type { AgentRelease } from '@gatehouse/domain/agent-update-types';
import { parsePlatformVersion } from '@gatehouse/domain/version';

declare const GATEHOUSE_AGENT_VERSION: string | undefined;

export interface Self {
  readonly release: AgentRelease;
  /** Registry and repository the image came from, before any registry prefix. */
  readonly repository?: string;
  readonly podName: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws when the environment does not say who this is: the program was started by something that is not ours. */
export function readSelf(environment: Environment): Self {
  const built = typeof GATEHOUSE_AGENT_VERSION === 'string' ? GATEHOUSE_AGENT_VERSION : undefined;
  const version = parsePlatformVersion(built ?? environment['GATEHOUSE_AGENT_VERSION'] ?? '');
  const digest = environment['GATEHOUSE_AGENT_DIGEST'] ?? '';
  const podName = environment['POD_NAME'] ?? '';
  if (version === undefined) throw new Error('GATEHOUSE_AGENT_VERSION must be a version such as 4.2.7.');
  if (!/^sha256:[0-9a-f]{64}$/.test(digest))
    throw new Error('GATEHOUSE_AGENT_DIGEST must be sha256: and 64 hexadecimal digits.');
  if (podName === '') throw new Error('POD_NAME must be the name of the pod that this runs in.');
  const repository = environment['GATEHOUSE_AGENT_REPOSITORY'];
  return { release: { version, digest }, podName, ...(repository === undefined ? {} : { repository }) };
}
