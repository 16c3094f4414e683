import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  ALERT_OVERHEAD_BYTES,
  ALERTS_BYTES_MAX,
  ALERTS_MAX,
  KEEP_RESOLVED_MS,
  RESOLVE_TIMEOUT_MS,
} from '../../../src/alerting/alerts.ts'
import { PATTERN_BYTES_MAX } from '../../../src/alerting/core/regex.ts'
import { REASON_CHARS_MAX } from '../../../src/alerting/core/silence-admission.ts'
import { QUARANTINE_SHOWN_MAX } from '../../../src/alerting/quarantine.ts'
import { LINES_PER_EVENT_MAX } from '../../../src/gossip/io/limited-log.ts'

const page = readFileSync('docs/reference/alertmanager.md', 'utf8')

describe('docs/reference/alertmanager.md', () => {
  it('states the bounds as they are in the code', () => {
    const said = [
      `| ${ALERTS_MAX.toLocaleString('en')} |`,
      `${ALERTS_BYTES_MAX / 2 ** 20} MiB: their characters, and ${ALERT_OVERHEAD_BYTES} bytes each`,
      `kept ${KEEP_RESOLVED_MS / 60_000} minutes`,
      `\`resolve_timeout\` is ${RESOLVE_TIMEOUT_MS / 60_000} minutes`,
      `above ${PATTERN_BYTES_MAX / 1024} KiB`,
      `the first ${QUARANTINE_SHOWN_MAX}.`,
      `at most ${REASON_CHARS_MAX} characters`,
      `Above ${LINES_PER_EVENT_MAX} a second`,
    ]
    expect(said.filter((text) => !page.includes(text))).toEqual([])
  })

  it('is found from the pages around it', () => {
    for (const from of ['README.md', 'docs/reference/http.md', 'docs/reference/embedding.md']) {
      expect(readFileSync(from, 'utf8')).toContain('alertmanager.md)')
    }
  })
})
