/**
 * Every command, grouped and in the order of the help text. A new one is a file with a `register...` function and a line
 * here.
 */
import type { Command } from 'commander'
import { registerBench } from './bench.ts'
import { registerCluster } from './cluster.ts'
import { registerCompletion } from './completion.ts'
import { registerDev } from './dev.ts'
import { registerDoctor } from './doctor.ts'
import { registerHelp } from './help.ts'
import { registerKeys } from './keys.ts'
import { registerKv } from './kv.ts'
import { registerOwner } from './owner.ts'
import { registerServe } from './serve.ts'
import { registerSet } from './set.ts'
import { registerSilence } from './silence.ts'
import { registerSim } from './simulate.ts'
import { registerSnapshot } from './snapshot.ts'
import { registerStatus } from './status.ts'

export type Register = (program: Command) => void

export const COMMANDS: readonly (readonly [group: string, commands: readonly Register[]])[] = [
  ['Run', [registerServe, registerDev]],
  ['Data', [registerKv, registerSet, registerSilence]],
  [
    'Operate',
    [registerStatus, registerCluster, registerOwner, registerKeys, registerSnapshot, registerDoctor],
  ],
  ['Measure', [registerSim, registerBench]],
  ['More', [registerCompletion, registerHelp]],
]
