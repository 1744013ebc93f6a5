import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    readonly schemathesis: string;
  }
}

/** The program, brought once for all suites of a run by schemathesis-setup.ts. */
export const providedSchemathesis = (): string => inject('schemathesis');
