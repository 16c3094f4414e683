/** One change of a watch on one line: for people, or as the JSON that came. */
import type { Paint, Tone } from './colour.ts'
import { shown } from './output.ts'

/** What `GET /api/v1/watch` tells. */
interface ToldChange {
  readonly type: string
  readonly map?: string
  readonly key?: string
  readonly value?: unknown
  readonly valueBase64?: string
  readonly contentType?: string
  readonly reason?: string
  readonly set?: string
  readonly member?: string
}

const VALUE_CHARS_MAX = 200
const TONES: Readonly<Record<string, Tone>> = { put: 'good', add: 'good', gap: 'bad' }
const TYPE_WIDTH = 'remove'.length

/** @param isOne whether only one map or set is watched, so that its name need not be told */
export function changeLine(json: string, isOne: boolean, paint: Paint): string {
  const change = JSON.parse(json) as ToldChange
  const { type, map, key, set, member } = change
  const head = paint(TONES[type] ?? 'doubtful', type.padEnd(TYPE_WIDTH))
  if (type === 'gap') return `${head}  changes were missed: read what you follow anew`
  const place = isOne ? [] : [shown(map ?? set ?? '')]
  return [head, ...place, shown(key ?? member ?? ''), ...toldValue(change, json)].join('  ')
}

function toldValue(change: ToldChange, json: string): readonly string[] {
  if (change.type === 'delete') return [shown(change.reason ?? '')]
  if (change.valueBase64 !== undefined) {
    const bytes = Buffer.byteLength(change.valueBase64, 'base64')
    return [`(${bytes} bytes of ${shown(change.contentType ?? '')})`]
  }
  if (!('value' in change)) return []
  const text = shown(writtenValue(change, json))
  return [text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text]
}

/** As it was written, with all digits of its numbers: it stands between key and content type. */
function writtenValue({ key, value }: ToldChange, json: string): string {
  const before = `"key":${JSON.stringify(key)},"value":`
  const start = json.indexOf(before)
  const end = json.lastIndexOf(',"contentType":')
  return start < 0 || end < start ? JSON.stringify(value) : json.slice(start + before.length, end)
}
