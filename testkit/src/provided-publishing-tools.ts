import { inject } from 'vitest';

export interface PublishingTools {
  readonly helm: string;
  /** A Python that has python-tuf. */
  readonly python: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly publishingTools: PublishingTools;
  }
}

/** What this run brought, once for all suites, by publishing-tools-setup.ts. */
export function providedPublishingTools(): PublishingTools {
  return inject('publishingTools');
}
