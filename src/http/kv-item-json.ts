/**
 * An entry of a map as JSON text: for pages of a map and for watches. The text is put together by hand so that JSON values
 * stand in it exactly as they were written: parsing and printing them again would lose digits of large numbers and
 * repeated names.
 */
import type { KvItem } from '../store/key-value.ts'
import { asBuffer, inlineJson } from './stored-value.ts'

/** The end of year 9999: a peer may have given any number, and a date that cannot be written would fail the whole page. */
const WRITTEN_MS_MAX = 253_402_300_799_999

/** An object that begins with the key. JSON values stand in it as `value`, all others as `valueBase64`. */
export function kvItemJson(item: KvItem, withValue: boolean): string {
  const { expiresAtMs } = item
  const expiresAt =
    expiresAtMs === undefined
      ? ''
      : `,"expiresAt":"${new Date(Math.min(expiresAtMs, WRITTEN_MS_MAX)).toISOString()}"`
  return (
    `{"key":${JSON.stringify(item.key)}${withValue ? valueJson(item) : ''}` +
    `,"contentType":${JSON.stringify(item.value.contentType)},"version":${JSON.stringify(item.version)}` +
    `,"updatedAt":"${new Date(item.updatedAtMs).toISOString()}"${expiresAt}}`
  )
}

function valueJson(item: KvItem): string {
  const json = inlineJson(item.value)
  if (json !== undefined) return `,"value":${json}`
  return `,"valueBase64":"${asBuffer(item.value.bytes).toString('base64')}"`
}
