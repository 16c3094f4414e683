/**
 * Whether a simulated process runs just now. Everything that would act inside it goes through the gate: while it is
 * stalled (SIGSTOP, a blocked event loop) actions wait in their order, and once it is killed they are forgotten.
 */
export class ProcessGate {
  #state: 'running' | 'stalled' | 'killed' = 'running'
  readonly #waiting: (() => void)[] = []

  get running(): boolean {
    return this.#state === 'running'
  }

  get killed(): boolean {
    return this.#state === 'killed'
  }

  run(action: () => void): void {
    if (this.#state === 'running') action()
    else if (this.#state === 'stalled') this.#waiting.push(action)
  }

  stall(): void {
    if (this.#state === 'running') this.#state = 'stalled'
  }

  resume(): void {
    if (this.#state !== 'stalled') return
    this.#state = 'running'
    for (const action of this.#waiting.splice(0)) this.run(action)
  }

  /** For good: a restarted process has a gate of its own. */
  kill(): void {
    this.#state = 'killed'
    this.#waiting.length = 0
  }
}
