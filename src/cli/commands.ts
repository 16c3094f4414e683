/** Every command, in the order of the help text. A new one is a file with a `register...` function and a line here. */
import type { Command } from 'commander'
import { registerBench } from './bench.ts'
import { registerCluster } from './cluster.ts'
import { registerDev } from './dev.ts'
import { registerKeys } from './keys.ts'
import { registerKv } from './kv.ts'
import { registerServe } from './serve.ts'
import { registerSet } from './set.ts'
import { registerSim } from './simulate.ts'
import { registerSnapshot } from './snapshot.ts'
import { registerStatus } from './status.ts'

export const COMMANDS: readonly ((program: Command) => void)[] = [
  registerServe,
  registerDev,
  registerKv,
  registerSet,
  registerCluster,
  registerKeys,
  registerStatus,
  registerSnapshot,
  registerSim,
  registerBench,
]
