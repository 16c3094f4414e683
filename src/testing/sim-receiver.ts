/**
 * The receiver of a simulated cluster, such as a webhook: what one replica sends arrives there once, or not at all.
 *
 * A send takes three steps: it leaves the process, arrives, and its answer comes back. A process that is killed before
 * the first has sent nothing; killed after it, the message arrives all the same and nobody hears the answer. While the
 * receiver is out of order it answers 500, and what it got then does not count as delivered.
 */
import type { SendOutcome } from '../alerting/core/flush.ts'
import type { Random } from '../base/random.ts'
import type { ProcessGate } from './process-gate.ts'
import { between } from './random-streams.ts'
import type { SimClock } from './sim-clock.ts'

/** Parts of the duration of a send: until it has left, and until it has arrived. */
const LEAVES_AT = 0.1
const ARRIVES_AT = 0.6
const OK: SendOutcome = { ok: true }
const BROKEN: SendOutcome = { ok: false, retry: true, detail: 'HTTP 500' }
const ABORTED: SendOutcome = { ok: false, retry: true, detail: 'aborted' }

export interface SimSendSteps {
  left(): void
  arrived(ok: boolean): void
  /** Once, unless the process is killed before. */
  answered(outcome: SendOutcome): void
}

export interface SimReceiverOptions {
  readonly sendMinMs: number
  readonly sendMaxMs: number
}

export class SimReceiver {
  readonly #clock: SimClock
  readonly #random: Random
  readonly #options: SimReceiverOptions
  readonly #outages: { readonly fromMs: number; readonly untilMs: number }[] = []

  constructor(clock: SimClock, random: Random, options: SimReceiverOptions) {
    this.#clock = clock
    this.#random = random
    this.#options = options
  }

  /** Everything that arrives in this time is answered with 500. */
  breakDown(fromMs: number, untilMs: number): void {
    this.#outages.push({ fromMs, untilMs })
  }

  /** Whether it is out of order at any time between these two. */
  wasBroken(fromMs: number, untilMs: number): boolean {
    return this.#outages.some((outage) => outage.fromMs <= untilMs && fromMs < outage.untilMs)
  }

  /** @returns how to give it up: nothing leaves after that, and the answer says so */
  send(gate: ProcessGate, steps: SimSendSteps): () => void {
    const { sendMinMs, sendMaxMs } = this.#options
    const lastsMs = between(this.#random, sendMinMs, sendMaxMs)
    let open = true
    let wanted = true
    const answer = (outcome: SendOutcome): void =>
      gate.run(() => {
        if (!open) return
        open = false
        steps.answered(outcome)
      })
    const leave = (): void => {
      if (!wanted) return
      steps.left()
      this.#clock.after((ARRIVES_AT - LEAVES_AT) * lastsMs, () => {
        const ok = !this.wasBroken(this.#clock.nowMs, this.#clock.nowMs)
        steps.arrived(ok)
        this.#clock.after((1 - ARRIVES_AT) * lastsMs, () => answer(ok ? OK : BROKEN))
      })
    }
    this.#clock.after(LEAVES_AT * lastsMs, () => gate.run(leave))
    return () => {
      wanted = false
      this.#clock.after(0, () => answer(ABORTED))
    }
  }
}
