/**
 * How much garbage the heap of a server may hold (ADR 10).
 *
 * V8 lets the old generation grow to a multiple of what lives in it before it collects: up to four times for a small
 * heap under load. So whoever sends us much, friend or foe, made the process grow by a hundred megabytes of nothing.
 * With 40 %, collections come more often, mostly on another thread, and memory follows what is held.
 *
 * Only for a process that is ours, and only once the store is open: while a heap grows by what it holds, collecting it
 * again and again would be in vain.
 */
import { setFlagsFromString } from 'node:v8'

const GROWTH_PERCENT = 40

/** To be called once the process holds what it will hold. */
export function boundHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
}
