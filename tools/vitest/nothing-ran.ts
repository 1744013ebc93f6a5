import type { Reporter, TestModule } from 'vitest/node';

// A run in which every test was skipped proves nothing and must not look like a pass.
export class NothingRan implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let executed = 0;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        if (test.result().state !== 'skipped') executed += 1;
      }
    }
    if (executed > 0) return;
    console.error('No test was executed, so this run does not pass.');
    process.exitCode = 1;
  }
}
