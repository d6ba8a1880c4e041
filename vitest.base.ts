import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Tests start real git and tmux processes, and wait for them about half of the time: with as many workers as
 * cores these idle, with many more each test only becomes slower.
 */
const WORKERS = Math.min(6, Math.ceil(1.5 * availableParallelism()));

/**
 * How the tests of a package are run. `slow`: files that take long for their size, by which vitest orders: begun
 * among the last, one would hold up the end alone.
 */
export function tests(slow: readonly string[]): ViteUserConfig {
  class SlowFirst extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const rank = ({ moduleId }: TestSpecification) => {
        const at = slow.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
        return at < 0 ? slow.length : at;
      };
      return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
    }
  }
  return defineConfig({
    test: {
      include: ["test/**/*.test.ts"],
      testTimeout: 30_000,
      hookTimeout: 30_000,
      retry: 0,
      maxWorkers: WORKERS,
      pool: "forks",
      sequence: { sequencer: SlowFirst },
    },
  });
}
