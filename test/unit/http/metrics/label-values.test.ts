/** The closed sets that docs/reference/metrics.md lists, against the code that counts them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DROP_REASONS } from '../../../../src/gossip/wire/drop-reason.ts'
import { LABEL_VALUES } from '../../../../src/http/metrics/label-values.ts'
import { METRIC_TABLE } from '../../../../src/http/metrics/metric-table.ts'

const code = readdirSync('src/gossip/io', { withFileTypes: true })
  .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
  .join('\n')

function valuesOf(metric: string): readonly string[] {
  return LABEL_VALUES.flatMap((set) => (set.metric === metric ? Object.keys(set.values) : []))
}

/** Quoted words in the calls that `call` begins. */
function wordsIn(call: RegExp): readonly string[] {
  const found = [...code.matchAll(new RegExp(`${call.source}\\(([^\\n]*)`, 'g'))]
  return [
    ...new Set(
      found.flatMap(([, rest = '']) => [...rest.matchAll(/'([a-z_-]+)'/g)].map(([, word = '']) => word)),
    ),
  ]
}

describe('the values of labels', () => {
  it('are told of labels that the metric has', () => {
    for (const { metric, label } of LABEL_VALUES) expect(METRIC_TABLE[metric].labels).toContain(label)
  })

  it.each([
    ['hearsay_gossip_packets_total', /\bpackets\.add/, []],
    ['hearsay_gossip_streams_total', /\bstreams\.add/, []],
    ['hearsay_gossip_dropped_total', /(?:counters\.drop|putOut)/, DROP_REASONS],
    ['hearsay_gossip_events_total', /\bevents\.add/, []],
  ] as const)('are all that the code counts in %s', (metric, call, others) => {
    const ignored = ['sent-bytes', 'received-bytes', 'failed']
    const counted = [...new Set([...wordsIn(call), ...others])]
    const wanted = counted.filter((word) => !ignored.includes(word) || valuesOf(metric).includes(word))
    expect(valuesOf(metric).toSorted()).toEqual(wanted.toSorted())
  })

  it('are in metrics.md (npm run build && node scripts/docs.mjs brings it up to date)', () => {
    const page = readFileSync('docs/reference/metrics.md', 'utf8')
    for (const { values } of LABEL_VALUES) {
      for (const [value, meaning] of Object.entries(values)) expect(page).toContain(`\`${value}\` ${meaning}`)
    }
  })
})
