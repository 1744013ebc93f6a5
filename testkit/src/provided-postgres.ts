import { inject } from 'vitest';
import { createTestDatabase, type TestDatabase } from './postgres.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly postgresUrl: string;
  }
}

/** The PostgreSQL of this run, started once for all test files by postgres-setup.ts. */
export const providedPostgresUrl = (): string => inject('postgresUrl');

/** A migrated database of its own on it, for one test file. */
export const createProvidedDatabase = (): Promise<TestDatabase> => createTestDatabase(providedPostgresUrl());
