/**
 * The pump between the machine and the event loop: inputs in, effects out, one wake-up kept.
 *
 * The machine forbids its sink to call back, so effects are queued during a call and carried out after it; what they
 * cause in turn waits behind them. At the end of the turn the machine is given time for what is due at once: whatever
 * a turn of the event loop queued leaves together, and in packets that are full.
 *
 * The machine bounds its work a call. When it is still due, the sockets get a turn first.
 */
import type { Clock } from '../../base/clock.ts'
import type { Effect, EffectSink } from '../core/effects.ts'
import type { GossipMachine } from '../core/machine.ts'
import type { Alarm, Alarms } from './alarms.ts'

export class MachinePump {
  readonly machine: GossipMachine
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #carryOut: (effect: Effect) => void
  readonly #effects: Effect[] = []
  #draining = false
  #stopped = false
  #turn: NodeJS.Immediate | undefined
  #wake: { readonly at: number; readonly alarm: Alarm } | undefined

  constructor(
    clock: Clock,
    alarms: Alarms,
    makeMachine: (sink: EffectSink) => GossipMachine,
    carryOut: (effect: Effect) => void,
  ) {
    this.#clock = clock
    this.#alarms = alarms
    this.#carryOut = carryOut
    this.machine = makeMachine({ emit: (effect) => this.#effects.push(effect) })
  }

  /** To be called after every call of the machine that may have caused effects. */
  settle(): void {
    this.#drain()
    if (!this.#stopped) this.#turn ??= setImmediate(() => this.#endTurn())
  }

  /** Effects not yet carried out are forgotten. */
  stop(): void {
    this.#stopped = true
    clearImmediate(this.#turn)
    this.#wake?.alarm.cancel()
  }

  #drain(): void {
    if (this.#draining) return
    this.#draining = true
    for (let i = 0; i < this.#effects.length && !this.#stopped; i++) {
      const effect = this.#effects[i]
      if (effect !== undefined) this.#carryOut(effect)
    }
    this.#effects.length = 0
    this.#draining = false
  }

  #endTurn(): void {
    clearImmediate(this.#turn)
    this.#turn = undefined
    if (this.#stopped) return
    const nowMs = this.#clock.monotonicMs()
    const dueAt = this.machine.nextWakeAt()
    if (dueAt !== undefined && dueAt <= nowMs) this.machine.advance(nowMs)
    this.#drain()
    const wakeAt = this.machine.nextWakeAt()
    if (wakeAt === undefined || this.#stopped) return
    if (wakeAt <= nowMs) this.#turn ??= setImmediate(() => this.#endTurn())
    else this.#arm(wakeAt)
  }

  /** An alarm that rings too early only asks again, so a later wake keeps it. */
  #arm(wakeAt: number): void {
    if (this.#wake !== undefined && this.#wake.at <= wakeAt) return
    this.#wake?.alarm.cancel()
    const alarm = this.#alarms.at(wakeAt, () => {
      this.#wake = undefined
      this.#endTurn()
    })
    this.#wake = { at: wakeAt, alarm }
  }
}
