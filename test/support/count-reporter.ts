import type { Reporter, TestModule } from 'vitest/node';

/**
 * Prints the count of tests as the last line, alone: `N passed, N failed`, with `, N skipped` when there are any.
 * A file that could not be loaded, or an error outside any test, counts as one failed test.
 */
export default class CountReporter implements Reporter {
  #counts = { passed: 0, failed: 0, skipped: 0 };

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    this.#counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      this.#counts.failed += failedOutsideTests(module);
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== 'pending') this.#counts[state] += 1;
      }
    }
    // The summary of other reporters is printed after this hook; the process's end is after all of them.
    process.once('exit', () => this.#print());
  }

  #print(): void {
    const { passed, failed, skipped } = this.#counts;
    process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }
}

function failedOutsideTests(module: TestModule): number {
  const suites = [...module.children.allSuites()].reduce((sum, suite) => sum + suite.errors().length, 0);
  return module.errors().length + suites;
}
