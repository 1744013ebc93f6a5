import { configDefaults, defineConfig } from 'vitest/config';
import { NothingRan } from './tools/vitest/nothing-ran.ts';

// A test's file name says what it needs: `.test.ts` nothing, `.db.test.ts` PostgreSQL, `.kube.test.ts` Kubernetes;
// `.kube-alone.test.ts` one that nobody else uses meanwhile, since it stops controllers;
// `.faults.test.ts` makes faults happen over and over (how often: testkit/src/fault-rounds.ts).
// `e2e/stories` runs the whole system; `console/` below it needs a browser, `kubernetes/` a real Kubernetes, `publishing/`
// helm and python-tuf, `api/` schemathesis.
const isolated = [...configDefaults.exclude, '**/.gatehouse/**'];
const stories = 'e2e/stories';
const second = 1000;

export default defineConfig({
  test: {
    passWithNoTests: false,
    allowOnly: false,
    reporters: ['default', new NothingRan()],
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.{ts,tsx}'],
          exclude: [...isolated, '**/*.{db,kube,kube-alone,faults}.test.ts', `${stories}/**`],
          setupFiles: ['tools/vitest/property-seed.ts'],
          testTimeout: 20 * second,
        },
      },
      {
        test: {
          name: 'db',
          include: ['**/*.db.test.ts'],
          exclude: [...isolated, `${stories}/**`],
          setupFiles: ['tools/vitest/property-seed.ts'],
          globalSetup: ['testkit/src/postgres-setup.ts'],
          testTimeout: 60 * second,
          hookTimeout: 120 * second,
        },
      },
      {
        test: {
          name: 'stories',
          include: [`${stories}/**/*.test.ts`],
          exclude: [...isolated, `${stories}/{api,console,kubernetes,publishing}/**`, '**/*.{kube,faults}.test.ts'],
          testTimeout: 180 * second,
          hookTimeout: 300 * second,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['**/*.faults.test.ts'],
          exclude: isolated,
          globalSetup: ['testkit/src/postgres-setup.ts'],
          fileParallelism: false,
          testTimeout: 1800 * second,
          hookTimeout: 300 * second,
        },
      },
      {
        test: {
          name: 'publishing',
          include: [`${stories}/publishing/**/*.test.ts`],
          exclude: isolated,
          globalSetup: ['testkit/src/publishing-tools-setup.ts'],
          testTimeout: 120 * second,
        },
      },
      {
        test: {
          name: 'api',
          include: [`${stories}/api/**/*.test.ts`],
          exclude: isolated,
          globalSetup: ['testkit/src/postgres-setup.ts', 'testkit/src/schemathesis-setup.ts'],
          testTimeout: 60 * second,
          hookTimeout: 120 * second,
        },
      },
      {
        test: {
          name: 'console',
          include: [`${stories}/console/**/*.test.ts`],
          exclude: isolated,
          testTimeout: 180 * second,
          hookTimeout: 300 * second,
        },
      },
      {
        test: {
          name: 'kubernetes',
          include: [`${stories}/kubernetes/**/*.test.ts`, '**/*.kube.test.ts'],
          exclude: [...isolated, '**/*.kube-alone.test.ts'],
          globalSetup: ['testkit/src/kubernetes-lab-setup.ts'],
          // The poisons are tried beside each other.
          maxConcurrency: 8,
          testTimeout: 900 * second,
          hookTimeout: 1200 * second,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'kubernetes-alone',
          include: ['**/*.kube-alone.test.ts'],
          exclude: isolated,
          globalSetup: ['testkit/src/kubernetes-lab-setup.ts'],
          fileParallelism: false,
          testTimeout: 1800 * second,
          hookTimeout: 1200 * second,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
