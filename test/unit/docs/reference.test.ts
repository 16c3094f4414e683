import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { IGNORED_FLAGS, UNAVAILABLE_FLAGS } from '../../../src/app/options/foreign-flags.ts'
import { environmentName, OPTION_NAMES, OPTION_SCHEMA } from '../../../src/app/options/option-schema.ts'
import { formatOptionValue } from '../../../src/app/options/option-values.ts'
import { METRIC_NAMES, METRIC_TABLE } from '../../../src/http/metrics/metric-table.ts'
import { PROBLEM_TABLE } from '../../../src/http/problem.ts'

function lines(page: string): readonly string[] {
  return readFileSync(`docs/reference/${page}.md`, 'utf8').split('\n')
}

describe('the reference (npm run build && node scripts/docs.mjs brings it up to date)', () => {
  it.each(OPTION_NAMES)('flags.md has --%s with its environment name and default', (name) => {
    const line = lines('flags').find((text) => text.startsWith(`| \`--${name}\` |`))
    expect(line).toContain(`\`${environmentName(name)}\``)
    expect(line).toContain(formatOptionValue(OPTION_SCHEMA[name]))
    expect(line).toContain(OPTION_SCHEMA[name].help)
  })

  it('flags.md names the flags of Alertmanager that are ignored or refused', () => {
    const text = lines('flags').join('\n')
    for (const { name } of [...IGNORED_FLAGS, ...UNAVAILABLE_FLAGS]) expect(text).toContain(`\`--${name}\``)
  })

  it.each(METRIC_NAMES)('metrics.md has %s with its type and help', (name) => {
    const line = lines('metrics').find((text) => text.startsWith(`| \`${name}\` |`))
    expect(line).toContain(`| ${METRIC_TABLE[name].type} |`)
    expect(line).toContain(METRIC_TABLE[name].help)
  })

  it('notifications.md explains every event of the notifier, and none that does not exist', () => {
    const code = readFileSync('src/alerting/notifier/notes.ts', 'utf8')
    const events = [...code.matchAll(/^ {2}\| '(\w+)'$/gm)].map(([, name = '']) => name)
    const counted = events.filter((name) => !name.startsWith('decisions_'))
    expect(counted.length).toBeGreaterThan(20)
    const rows = lines('notifications').filter((line) => /^\| `\w+`(, `\w+`)* \|/.test(line))
    const explained = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/\w+/g)].map(([name]) => name),
    )
    expect(explained.toSorted()).toEqual(counted.toSorted())
  })

  it.each([...PROBLEM_TABLE])('errors.md has %s with its status', (code, { status }) => {
    expect(lines('errors').some((text) => text.startsWith(`| \`${code}\` | ${status} |`))).toBe(true)
  })

  it('errors.md documents no HTTP code that does not exist', () => {
    const documented = lines('errors').flatMap((text) => /^\| `([A-Z_]+)` \| \d{3} \|/.exec(text)?.[1] ?? [])
    expect(documented.filter((code) => !PROBLEM_TABLE.has(code))).toEqual([])
  })
})
