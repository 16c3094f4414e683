/**
 * SIGHUP: reload. It never ends the process, whatever comes when: one that arrives while the replica starts is obeyed once it
 * runs, for the configuration may have been read before.
 */

export class ReloadSignal {
  #isPending = false
  #reload: (() => void) | undefined

  /** Listens from now on. */
  constructor() {
    process.on('SIGHUP', () => {
      if (this.#reload === undefined) this.#isPending = true
      else this.#reload()
    })
  }

  /** @param reload called for each signal from now on, and for those that came before once */
  follow(reload: () => void): void {
    this.#reload = reload
    if (this.#isPending) reload()
  }
}
