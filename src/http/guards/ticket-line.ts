/**
 * The line of requests that wait for their answers, in the order in which they came.
 *
 * A list linked through the tickets: to come and to go are a few assignments. A Set of them, in which every request stands
 * for a moment, cost each write 5 us, a seventh of all that it takes (each ticket needs a hash, and the table is rebuilt all
 * the time).
 */
import type { Ticket } from './ticket.ts'

export class TicketLine {
  #first: Ticket | undefined
  #last: Ticket | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Who has waited for longest. */
  get first(): Ticket | undefined {
    return this.#first
  }

  /** @param ticket in no line, and in none before */
  add(ticket: Ticket): void {
    ticket.isWaiting = true
    ticket.before = this.#last
    if (this.#last === undefined) this.#first = ticket
    else this.#last.after = ticket
    this.#last = ticket
    this.#length++
  }

  /** @returns false when it has left already */
  remove(ticket: Ticket): boolean {
    if (!ticket.isWaiting) return false
    ticket.isWaiting = false
    const { before, after } = ticket
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    // Whoever still holds this one does not hold its neighbours.
    ticket.before = undefined
    ticket.after = undefined
    this.#length--
    return true
  }
}
