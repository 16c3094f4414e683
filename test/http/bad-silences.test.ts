/** Bad input of `POST /api/v2/silences`: the answer that is documented, nothing stored, and all other silences at work. */
import { afterEach, describe, expect, it } from 'vitest'
import { encodeSilence } from '../../src/alerting/core/silence-codec.ts'
import { type AlertmanagerApp, alertmanagerApp, DISABLED } from '../support/alertmanager-app.ts'
import { aSilence, HOUR_NS, NOW_MS, NOW_NS } from '../support/silences.ts'

const GOOD = 'bbbbbbbb-0000-4000-8000-000000000001'
const BODY = {
  matchers: [{ name: 'job', value: 'api', isRegex: false }],
  startsAt: new Date(NOW_MS).toISOString(),
  endsAt: new Date(NOW_MS + 3_600_000).toISOString(),
  createdBy: 'ana',
  comment: 'swap',
}
const NOT_VALID = 'invalid silence: invalid label matcher 0 in set 0: '

let current: AlertmanagerApp | undefined
afterEach(async () => {
  await current?.app.close()
  current = undefined
})

function start() {
  const made = alertmanagerApp({ nowMs: NOW_MS }, DISABLED, 2 ** 22)
  current = made
  const hold = (parts: Parameters<typeof aSilence>[0]): void => {
    const silence = aSilence(parts)
    made.records.merge([{ table: 'sil', key: silence.id, record: encodeSilence(silence) }])
  }
  hold({ id: GOOD })
  const post = async (payload: string | Buffer) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await made.app.inject({ method: 'POST', url: '/api/v2/silences', headers, payload })
    return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
  }
  const remove = async (id: string) =>
    (await made.app.inject({ method: 'DELETE', url: `/api/v2/silence/${id}` })).statusCode
  const listed = async (): Promise<string[]> => {
    const answer = await made.app.inject({ method: 'GET', url: '/api/v2/silences' })
    return answer.json().map(({ id }: { readonly id: string }) => id)
  }
  return { ...made, hold, post, remove, listed }
}

function withMatcher(matcher: object): string {
  return JSON.stringify({ ...BODY, matchers: [{ name: 'job', value: 'api', isRegex: false, ...matcher }] })
}

const BAD: readonly (readonly [what: string, body: string, status: number, says: unknown])[] = [
  [
    'a pattern that does not close',
    withMatcher({ value: '((', isRegex: true }),
    400,
    `${NOT_VALID}invalid regular expression "((": error parsing regexp: missing closing ): \`((\``,
  ],
  [
    'a pattern for another engine',
    withMatcher({ value: 'a(?=b)', isRegex: true }),
    400,
    `${NOT_VALID}invalid regular expression "a(?=b)": error parsing regexp: invalid or unsupported Perl syntax: \`(?=\``,
  ],
  [
    'a quotation that swallows what follows',
    withMatcher({ value: 'a\\Qb', isRegex: true }),
    400,
    expect.stringContaining('missing closing ): `^(?:a\\Qb)$`'),
  ],
  [
    'a pattern of 1 MiB',
    withMatcher({ value: 'a|'.repeat(2 ** 19), isRegex: true }),
    400,
    expect.stringMatching(/pattern longer than 16384 bytes$/),
  ],
  [
    'a pattern that grows to 1 MiB',
    withMatcher({ value: 'a{1000}'.repeat(1000), isRegex: true }),
    400,
    expect.stringContaining('pattern repeats too much'),
  ],
  [
    'a matcher of no type',
    withMatcher({ isRegex: 'maybe' }),
    400,
    { code: 400, message: expect.stringContaining('parsing silence body from "" failed') },
  ],
  [
    'no matchers',
    JSON.stringify({ ...BODY, matchers: [] }),
    422,
    { code: 612, message: 'matchers in body should have at least 1 items' },
  ],
  [
    'matchers for every alert',
    withMatcher({ value: '.*', isRegex: true }),
    400,
    'invalid silence: matcher set 0: at least one matcher must not match the empty string',
  ],
  ['a label without a name', withMatcher({ name: '' }), 400, `${NOT_VALID}invalid label name ""`],
  [
    'an end in year 1',
    JSON.stringify({ ...BODY, endsAt: '0001-01-01T00:00:00Z' }),
    400,
    'Failed to create silence: start time must be before end time',
  ],
  [
    'both times in year 1',
    JSON.stringify({ ...BODY, startsAt: '0001-01-01T00:00:00Z', endsAt: '0001-01-01T00:00:01Z' }),
    400,
    "Failed to create silence: end time can't be in the past",
  ],
  [
    'an end in the year 9999',
    JSON.stringify({ ...BODY, endsAt: '9999-12-31T23:59:59Z' }),
    400,
    'invalid silence: end time and retention must not go beyond the year 9999',
  ],
  ['nothing', '', 422, { code: 602, message: 'silence in body is required' }],
  ['half a body', JSON.stringify(BODY).slice(0, 40), 400, expect.objectContaining({ code: 400 })],
  ['an id that nobody has', JSON.stringify({ ...BODY, id: 'nobody' }), 404, 'silence not found'],
]

describe('POST /silences', () => {
  it.each(BAD)('refuses %s, and no other silence suffers', async (_what, body, status, says) => {
    const { post, listed, silences } = start()
    expect(await post(body)).toEqual({ status, body: says })
    expect(await listed()).toEqual([GOOD])
    expect(silences.matching({ job: 'api' })).toEqual([GOOD])
    expect(silences.matching({ job: 'x' })).toEqual([])
    const again = await post(JSON.stringify(BODY))
    expect(again.status).toBe(200)
    expect(silences.matching({ job: 'api' })).toHaveLength(2)
  })

  it('that edits a good silence into a bad one leaves it in force', async () => {
    const { post, silences } = start()
    for (const [, body] of BAD.slice(0, 9)) {
      await post(JSON.stringify({ ...JSON.parse(body), id: GOOD }))
      expect(silences.matching({ job: 'api' })).toEqual([GOOD])
    }
  })

  it('takes a start in year 1 for none, and a year 2096', async () => {
    const { post, silences } = start()
    const unset = await post(JSON.stringify({ ...BODY, startsAt: '0001-01-01T00:00:00Z' }))
    expect(silences.get(unset.body.silenceID)?.startsAtNs).toBe(NOW_NS)
    const late = await post(JSON.stringify({ ...BODY, endsAt: '2096-10-02T07:06:40Z' }))
    expect(silences.get(late.body.silenceID)?.endsAtNs).toBe(4_000_000_000_000_000_000n)
  })

  it('replaces bytes that are not UTF-8, as Go does, and keeps the rest', async () => {
    const { post, silences, listed } = start()
    const bytes = Buffer.from(JSON.stringify({ ...BODY, comment: 'a@b' }))
    const made = await post(Buffer.from(bytes.map((byte) => (byte === 0x40 ? 0xff : byte))))
    expect(made.status).toBe(200)
    expect(silences.get(made.body.silenceID)?.comment).toBe('a\ufffdb')
    expect(await listed()).toHaveLength(2)
  })
})

describe('a silence stamped in the year 2096', () => {
  it('can be edited and deleted, and each version is above the one before', async () => {
    const { hold, post, remove, silences } = start()
    const stamp = 4_000_000_000_000_000_000n
    hold({ id: GOOD, updatedAtNs: stamp, startsAtNs: NOW_NS - HOUR_NS })
    const startsAt = new Date(NOW_MS - 3_600_000).toISOString()
    expect(await post(JSON.stringify({ ...BODY, id: GOOD, startsAt, comment: 'edited' }))).toMatchObject({
      status: 200,
    })
    expect(silences.get(GOOD)).toMatchObject({ comment: 'edited', updatedAtNs: stamp + 1n })
    expect(await remove(GOOD)).toBe(200)
    expect(silences.get(GOOD)).toMatchObject({ endsAtNs: NOW_NS, updatedAtNs: stamp + 2n })
  })
})
