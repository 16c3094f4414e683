/** `GET /api/v1/snapshot`. */
import { describe, expect, it } from 'vitest'
import { testApp } from '../support/http-app.ts'
import { untilAsync } from '../support/until-async.ts'

describe('GET /api/v1/snapshot', () => {
  it('gives the bytes of the store, by their own type, and to nobody to keep', async () => {
    const { app } = testApp()
    const answer = await app.inject({ url: '/api/v1/snapshot' })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/vnd.hearsay.snapshot',
      'cache-control': 'no-store',
    })
    expect(answer.body).toBe('a snapshot')
  })

  it('makes one at a time, and the next when that is done', async () => {
    let finish: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      finish = resolve
    })
    const { app } = testApp({
      snapshot: async function* () {
        yield new TextEncoder().encode('begun')
        await held
      },
    })
    // A request is sent when somebody waits for its answer.
    const first = app.inject({ url: '/api/v1/snapshot' }).then((answer) => answer)
    const second = await app.inject({ url: '/api/v1/snapshot' })
    expect(second.statusCode).toBe(503)
    expect(second.json()).toMatchObject({ code: 'SNAPSHOT_BUSY' })
    finish()
    expect((await first).body).toBe('begun')
    await untilAsync(
      async () => (await app.inject({ url: '/api/v1/snapshot' })).statusCode === 200,
      'the next snapshot',
    )
  })

  it('takes no parameter', async () => {
    const { app } = testApp()
    expect((await app.inject({ url: '/api/v1/snapshot?map=m' })).statusCode).toBe(400)
  })
})
