/**
 * A change as JSON text, the same in an event and in the answer to a long poll. Values stand in it as in lists
 * (kv-item-json.ts).
 */
import type { Change } from '../../store/core/watch-log.ts'
import { itemOf } from '../../store/key-value-store.ts'
import { kvItemJson } from '../kv-item-json.ts'

/** @param cursor of the change: a watch goes on after it */
export function changeJson(change: Change, cursor: string, withValue: boolean): string {
  const head = `{"type":"${change.type}","cursor":"${cursor}"`
  if ('set' in change) {
    return `${head},"set":${JSON.stringify(change.set)},"member":${JSON.stringify(change.member)}}`
  }
  const map = `${head},"map":${JSON.stringify(change.map)}`
  if (change.type === 'delete') {
    return `${map},"key":${JSON.stringify(change.key)},"reason":"${change.reason}"}`
  }
  return `${map},${kvItemJson(itemOf(change.key, change.entry), withValue).slice(1)}`
}

/** @param cursor where the watch goes on */
export function gapJson(cursor: string): string {
  return `{"type":"gap","cursor":"${cursor}"}`
}
