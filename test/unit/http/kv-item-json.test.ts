import { describe, expect, it } from 'vitest'
import { kvItemJson } from '../../../src/http/kv-item-json.ts'

const ITEM = {
  key: 'k',
  value: { contentType: 'application/json', bytes: new TextEncoder().encode('1') },
  version: 'v',
  updatedAtMs: 0,
}

describe('the end of an entry', () => {
  it('that a peer has put beyond all calendars is the last time that can be written', () => {
    const { expiresAt } = JSON.parse(kvItemJson({ ...ITEM, expiresAtMs: Number.MAX_SAFE_INTEGER }, true))
    expect(expiresAt).toBe('9999-12-31T23:59:59.999Z')
  })

  it('is left out where there is none', () => {
    expect(JSON.parse(kvItemJson({ ...ITEM, expiresAtMs: undefined }, true))).not.toHaveProperty('expiresAt')
  })
})
