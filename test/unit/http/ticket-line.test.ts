import type { FastifyReply, FastifyRequest } from 'fastify'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/base/random.ts'
import type { Ticket } from '../../../src/http/guards/ticket.ts'
import { TicketLine } from '../../../src/http/guards/ticket-line.ts'

function ticket(sinceMs: number): Ticket {
  const nobody = {} as FastifyRequest & FastifyReply
  return {
    request: nobody,
    reply: nobody,
    connection: undefined,
    sinceMs,
    bodyBytes: 0,
    promisedBytes: 0,
    isWaiting: false,
    before: undefined,
    after: undefined,
  }
}

function inOrder(line: TicketLine): number[] {
  const times: number[] = []
  for (let next = line.first; next !== undefined; next = next.after) times.push(next.sinceMs)
  return times
}

describe('the line of those that wait', () => {
  it('is empty before anybody came and after all have gone', () => {
    const line = new TicketLine()
    expect(line.first).toBeUndefined()
    const only = ticket(1)
    line.add(only)
    expect([line.length, line.first]).toEqual([1, only])
    expect(line.remove(only)).toBe(true)
    expect([line.length, line.first]).toEqual([0, undefined])
  })

  it('who has left does not leave twice, and holds nobody', () => {
    const line = new TicketLine()
    const [a, b, c] = [ticket(1), ticket(2), ticket(3)]
    for (const each of [a, b, c]) line.add(each)
    expect(line.remove(b)).toBe(true)
    expect(line.remove(b)).toBe(false)
    expect([b.before, b.after, b.isWaiting]).toEqual([undefined, undefined, false])
    expect(inOrder(line)).toEqual([1, 3])
    expect(line.length).toBe(2)
  })

  it('keeps the order of arrival whoever leaves', () => {
    const random = seededRandom(7)
    const line = new TicketLine()
    let waiting: Ticket[] = []
    for (let step = 0; step < 2000; step++) {
      const leaver = waiting[Math.floor(random.next() * 2 * waiting.length)]
      if (leaver !== undefined) {
        expect(line.remove(leaver)).toBe(true)
        waiting = waiting.filter((one) => one !== leaver)
      } else {
        const comer = ticket(step)
        line.add(comer)
        waiting.push(comer)
      }
      expect(line.length).toBe(waiting.length)
      expect(line.first).toBe(waiting[0])
    }
    expect(waiting.length).toBeGreaterThan(1)
    expect(inOrder(line)).toEqual(waiting.map(({ sinceMs }) => sinceMs))
  })
})
