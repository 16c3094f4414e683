/** Items 14-16 of the checklist as clients of `hearsay serve` see them, with the flags that set the limits. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { ApiClient, aSilence, editOf, equal } from '../api-client.ts'
import { startHearsay } from '../hearsay-subject.ts'

async function withFlags(...flags: readonly string[]): Promise<ApiClient> {
  const subject = await startHearsay(flags)
  onTestFinished(() => subject.stop())
  return new ApiClient(subject.url)
}

describe('hearsay', () => {
  it('item 14: one silence too many is 400 with the numbers', async () => {
    const api = await withFlags('--silences.max-silences=1')
    await api.create()
    expect(await api.post(aSilence())).toEqual({
      status: 400,
      type: 'application/json',
      text: '"exceeded maximum number of silences: 1 (limit: 1)"\n',
    })
  })

  it('item 15: at the limit an edit in place is 200; a replacement is 400, and the old silence stays active', async () => {
    const api = await withFlags('--silences.max-silences=1')
    const id = await api.create()
    const edit = editOf(await api.silence(id), { comment: 'edited' })
    expect(await api.create(edit)).toBe(id)
    expect(await api.post({ ...edit, matchers: [equal('job', 'other')] })).toMatchObject({ status: 400 })
    expect(await api.silence(id)).toMatchObject({ comment: 'edited', status: { state: 'active' } })
  })

  it('item 16: what is too large is 400 with the numbers, and the old silence stays', async () => {
    const api = await withFlags('--silences.max-silence-size-bytes=256')
    const small = await api.created()
    for (const silence of [aSilence(), editOf(small)]) {
      const { status, text } = await api.post({ ...silence, comment: 'x'.repeat(300) })
      expect(status).toBe(400)
      expect(JSON.parse(text)).toMatch(
        /^silence exceeded maximum size: [3-5]\d\d bytes \(limit: 256 bytes\)$/,
      )
    }
    expect(await api.silence(small.id)).toEqual(small)
  })
})
