import { describe, expect, it } from 'vitest'
import { groupKey, routeKey } from '../../../src/alerting/core/group-key.ts'
import { matcher } from '../../../src/alerting/core/matcher.ts'

describe('the group key', () => {
  it('is that of a real Alertmanager for a nested route', () => {
    expect(groupKey([[], [matcher('node', '=', 'bar')]], { alertname: 'foo' })).toBe(
      '{}/{node="bar"}:{alertname="foo"}',
    )
  })

  it('is that of the root route for alerts that no other takes, with and without labels to group by', () => {
    expect(groupKey([[]], {})).toBe('{}:{}')
    expect(groupKey([[]], { b: '2', a: '1' })).toBe('{}:{a="1", b="2"}')
  })

  it('sorts matchers by name, value, then operator in the order of Go', () => {
    const matchers = [
      matcher('b', '=', 'x'),
      matcher('a', '!~', 'y'),
      matcher('a', '=~', 'y'),
      matcher('a', '!=', 'y'),
      matcher('a', '=', 'z'),
    ]
    expect(routeKey([[], matchers])).toBe('{}/{a!="y",a=~"y",a!~"y",a="z",b="x"}')
    expect(matchers[0]?.name).toBe('b')
  })

  it('quotes values of labels as Go does, and escapes those of matchers as the text format does', () => {
    const odd = 'a"b\\c\n\td\u{1f642}é\u200b'
    expect(groupKey([[matcher('m', '=', odd)]], { l: odd })).toBe(
      `{m="a\\"b\\\\c\\n\td\u{1f642}é\u200b"}:{l="a\\"b\\\\c\\n\\td\u{1f642}é\\u200b"}`,
    )
  })

  it('sorts labels by name, or as they are printed for older Alertmanagers', () => {
    const labels = { a: 'x', a0: 'y' }
    expect(groupKey([[]], labels)).toBe('{}:{a="x", a0="y"}')
    expect(groupKey([[]], labels, 'printed')).toBe('{}:{a0="y", a="x"}')
  })

  it('takes a label named __proto__ like any other', () => {
    expect(groupKey([[]], JSON.parse('{"__proto__": "x"}'))).toBe('{}:{__proto__="x"}')
  })
})
