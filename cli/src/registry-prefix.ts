import { registryPrefixPattern } from '@gatehouse/contract/primitives';
import { usageFailure } from './failure.ts';

/** `host[:port][/path]`, as it stands before an image's repository. */
export function parseRegistryPrefix(text: string, option: string): string {
  const prefix = text.replace(/\/+$/, '');
  if (new RegExp(registryPrefixPattern).test(prefix)) return prefix;
  throw usageFailure(
    `${option} ${text} is not a registry with a path.`,
    'Give it without https://, such as registry.example:5000/gatehouse.',
  );
}
