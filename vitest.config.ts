import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Files that start processes of their own and mostly wait for them: two at a time, after the rest. */
const PROCESSES = [
  'test/interop/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/package/**/*.test.ts',
  'test/conformance/processes/**/*.test.ts',
  'test/crash/store-*.test.ts',
]
/** Files that judge a process by how it does under load: one at a time, last, so that nothing else takes their CPU. */
const ALONE = ['test/crash/**/*.test.ts', 'test/hostile/**/*.test.ts']

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
          exclude: [...PROCESSES, ...ALONE],
          testTimeout: 20_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'processes',
          include: PROCESSES,
          testTimeout: 90_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'alone',
          include: ALONE,
          exclude: PROCESSES,
          testTimeout: 90_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
