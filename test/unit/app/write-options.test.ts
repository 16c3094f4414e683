import { describe, expect, it } from 'vitest'
import { acknowledged } from '../../../src/app/write-options.ts'
import { HearsayError } from '../../../src/base/errors.ts'
import type { Acknowledgements, AckPlan, AckResult } from '../../../src/store/core/acknowledgement.ts'

/** Acknowledgements that answer as told, and what they were asked. */
function acksThat(answer: AckResult): Acknowledgements & { readonly asked: unknown[] } {
  const asked: unknown[] = []
  const plan = (ack: unknown): AckPlan => {
    asked.push(ack)
    if (ack === 9) throw new HearsayError('ACK_UNREACHABLE', 'too few')
    return { needed: 2, others: ['ben'] }
  }
  const confirm: Acknowledgements['confirm'] = async (_plan, deltas, timeoutMs) => {
    asked.push(deltas.length, timeoutMs)
    return answer
  }
  return { asked, plan, confirm }
}

const ONLY_HERE = { reached: false, acked: ['ana'] }
const written = { deltas: [{ puts: [], adds: [], covered: [], records: [] }], version: 'v' }

describe('a write with a concern', () => {
  it('that is not reached in time resolves all the same, and says so', async () => {
    const acks = acksThat(ONLY_HERE)
    const done = await acknowledged(acks, { ack: 'majority', timeout: '300ms' }, async () => written)
    expect(done).toEqual({ written, acknowledged: ONLY_HERE })
    expect(acks.asked).toEqual(['majority', 1, 300])
  })

  it('is local, with two seconds for others, when nothing is said', async () => {
    const acks = acksThat(ONLY_HERE)
    await acknowledged(acks, {}, async () => written)
    expect(acks.asked).toEqual(['local', 1, 2000])
  })

  it('that cannot be met, or a timeout that is none, writes nothing', async () => {
    let writes = 0
    const write = async (): Promise<typeof written> => {
      writes++
      return written
    }
    await expect(acknowledged(acksThat(ONLY_HERE), { ack: 9 }, write)).rejects.toMatchObject({
      code: 'ACK_UNREACHABLE',
    })
    const signal = AbortSignal.abort(new Error('before'))
    await expect(acknowledged(acksThat(ONLY_HERE), { signal }, write)).rejects.toThrow('before')
    await expect(acknowledged(acksThat(ONLY_HERE), { timeout: 'x' }, write)).rejects.toMatchObject({
      code: 'DURATION_MALFORMED',
    })
    for (const timeout of ['0', '61s']) {
      await expect(acknowledged(acksThat(ONLY_HERE), { timeout }, write)).rejects.toMatchObject({
        code: 'ACK_MALFORMED',
      })
    }
    expect(writes).toBe(0)
  })

  it.each([
    ['OPTION_INVALID', 'tll is no option', { tll: '1h' }],
    ['OPTION_INVALID', 'timeout must be text', { timeout: 500 }],
    ['OPTION_INVALID', 'signal must be an AbortSignal', { signal: 5 }],
    ['OPTION_INVALID', 'options must be an object', '1h'],
  ])('is refused with %s, %s, when a program without types gets it wrong', async (code, message, options) => {
    let writes = 0
    const asked = acknowledged(acksThat(ONLY_HERE), JSON.parse(JSON.stringify(options)), async () => {
      writes++
      return written
    })
    await expect(asked).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
    expect(writes).toBe(0)
  })

  it('asks nobody when the write fails', async () => {
    const acks = acksThat(ONLY_HERE)
    const failing = acknowledged(acks, { ack: 2 }, () => Promise.reject(new Error('disk')))
    await expect(failing).rejects.toThrow('disk')
    expect(acks.asked).toEqual([2])
  })
})
