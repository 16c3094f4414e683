import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Files that start processes of their own: run one at a time, after the rest, so that nothing else takes their CPU. */
const PROCESSES = ['test/interop/**', 'test/crash/**', 'test/cli/**', 'test/package/**', 'test/conformance/processes/**', 'test/hostile/**']

export default defineConfig({
  test: {
    reporters: ['default', './test/conformance/tally-reporter.ts'],
    projects: [
      {
        test: {
          name: 'cores',
          // On two cores vitest would take one worker, and the simulator's shards would wait for each other.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          include: ['test/**/*.test.ts'],
          exclude: PROCESSES,
          testTimeout: 20_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'processes',
          include: PROCESSES.map((folder) => `${folder}/*.test.ts`),
          testTimeout: 90_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
