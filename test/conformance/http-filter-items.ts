/**
 * Items 79 and 80 of the checklist over HTTP: which texts `filter=` takes, and what they are read as. A text is known to be
 * read as a name and a value when it finds the silence on them, and no silence on something else.
 */
import { expect, it } from 'vitest'
import { ApiClient, aSilence, equal, freshValue } from './api-client.ts'
import { DIFFERENCES, type Difference } from './differences.ts'
import { expected, type Subject } from './subject.ts'

const { newerGrammar, closingBrace } = DIFFERENCES

interface FilterText {
  readonly text: string
  readonly status: 200 | 400 | Difference<200 | 400>
}

const ACCEPTED: readonly FilterText[] = [
  { text: 'foo=bar', status: 200 },
  { text: 'foo = bar', status: 200 },
  { text: 'foo="bar"', status: 200 },
  { text: 'foo="bar",', status: newerGrammar },
  { text: '"foo"="bar"', status: newerGrammar },
  { text: '"foo bar"="baz"', status: newerGrammar },
  { text: 'foo🙂="\\U0001f642"', status: newerGrammar },
  { text: 'foo="\\U0001f642"', status: 200 },
]

const REFUSED: readonly FilterText[] = [
  ...['', ',', '{', '}', '{}', '{foo=bar', '{foo="bar"}', '{foo=:"bar"}', '{foo=bar,}'].map(
    (text) => ({ text, status: 400 }) as const,
  ),
  { text: 'foo=bar}', status: closingBrace },
  ...['"foo"="bar\\w"', '"foo="bar"', 'foo', '=bar', 'foo=~"(("', 'foo="bar'].map(
    (text) => ({ text, status: 400 }) as const,
  ),
]

/** Alertmanager-state.md section 4.2: `@` stands for a value of the test's own. */
const READINGS: readonly (FilterText & { readonly name: string; readonly value: string })[] = [
  { text: 'foo=@', name: 'foo', value: '@', status: 200 },
  { text: 'foo="@\\d+"', name: 'foo', value: '@\\d+', status: 200 },
  { text: 'foo=@[a-z]+', name: 'foo', value: '@[a-z]+', status: 200 },
  { text: 'foo=@a b', name: 'foo', value: '@a b', status: 200 },
  { text: 'foo=!@\\n', name: 'foo', value: '!@\n', status: 200 },
  { text: 'foo="@\\xf0\\x9f\\x99\\x82"', name: 'foo', value: '@\\xf0\\x9f\\x99\\x82', status: 200 },
  { text: 'foo=@x,b=y', name: 'foo', value: '@x,b=y', status: 200 },
  { text: 'foo=@\\', name: 'foo', value: '@\\', status: 200 },
  { text: 'foo="@\\"q\\""', name: 'foo', value: '@"q"', status: 200 },
  { text: 'foo🙂=@', name: 'foo🙂', value: '@', status: newerGrammar },
  { text: '"f\\u00f6"="@\\t"', name: 'fö', value: '@\t', status: newerGrammar },
]

export function httpFilterItems(subject: () => Subject): void {
  const api = (): ApiClient => new ApiClient(subject().url)
  const statusOf = (status: FilterText['status']): number =>
    typeof status === 'number' ? status : expected(status, subject())
  const ask = (text: string) => api().request('GET', `/silences?filter=${encodeURIComponent(text)}`)

  it('item 79: texts of matchers are taken or refused, refused ones with a JSON string', async () => {
    const shown: unknown[] = []
    for (const { text } of [...ACCEPTED, ...REFUSED]) shown.push([text, (await ask(text)).status])
    expect(shown).toEqual([...ACCEPTED, ...REFUSED].map(({ text, status }) => [text, statusOf(status)]))
    expect(await ask('a="x')).toMatchObject({
      type: 'application/json',
      text: expect.stringMatching(/^".*"\n$/),
    })
  })

  it('item 79: bytes that are no UTF-8 are refused', async () => {
    expect((await api().request('GET', '/silences?filter=foo%3D%FF')).status).toBe(400)
  })

  it('item 80: where the two grammars differ the classic reading holds, and the newer one adds to it', async () => {
    const found: unknown[] = []
    const wanted: unknown[] = []
    for (const { text, name, value, status } of READINGS) {
      const mark = freshValue()
      const answer = await ask(text.replace('@', mark))
      wanted.push([text, statusOf(status), ...(statusOf(status) === 200 ? [true] : [])])
      found.push([text, answer.status])
      if (answer.status !== 200) continue
      expect(JSON.parse(answer.text)).toEqual([])
      const silence = aSilence({ matchers: [equal(name, value.replace('@', mark))] })
      const id = await api().create(silence)
      await api().create(aSilence({ matchers: [equal(name, `${value.replace('@', mark)}?`)] }))
      const ids = (await api().list(text.replace('@', mark))).map((shown) => shown.id)
      found[found.length - 1] = [text, 200, ids.length === 1 && ids[0] === id]
    }
    expect(found).toEqual(wanted)
  })

  it('item 80: what neither grammar reads is refused in the words of the classic one', async () => {
    for (const [text, words] of [
      ['foo', 'bad matcher format: foo'],
      ['=', 'bad matcher format: ='],
      ['a="x', 'matcher value contains unescaped double quote: "x'],
      ['a=x"', 'matcher value contains unescaped double quote: x"'],
    ] as const) {
      expect(await ask(text)).toEqual({
        status: 400,
        type: 'application/json',
        text: `${JSON.stringify(words)}\n`,
      })
    }
  })
}
