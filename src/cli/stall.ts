/** Ends a request whose answer has stopped coming; one that keeps coming may take as long as it likes. */
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'

/** A replica that sends nothing for so long is not going to. */
const STALLED_AFTER_MS = 30_000

export class Stall {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout = setTimeout(
    () => this.#controller.abort(new StalledError()),
    STALLED_AFTER_MS,
  ).unref()

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * @param what `the snapshot`
   * @throws CliError when it does not come in full
   */
  async *watched(response: Response, what: string): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of response.body ?? []) {
        this.#timer.refresh()
        yield piece
      }
    } catch (error) {
      const reason = error instanceof StalledError ? error.message : 'the connection broke'
      throw new CliError(EXIT.failed, `${what} did not arrive in full: ${reason}; nothing was kept`)
    } finally {
      clearTimeout(this.#timer)
    }
  }
}

class StalledError extends Error {
  constructor() {
    super(`nothing came for ${STALLED_AFTER_MS / 1000} s`)
    // `ask` tells a timeout by this name.
    this.name = 'TimeoutError'
  }
}
