/** Silences as a table: `simple` has what one looks for, `extended` all there is. Moments are in UTC, to the second. */
import { textOf } from '../app/silence-matchers.ts'
import type { Paint, Tone } from './colour.ts'
import { formatTable, shown } from './output.ts'
import type { ApiSilence } from './silence-api.ts'

const TONES: ReadonlyMap<string, Tone> = new Map([
  ['active', 'good'],
  ['pending', 'doubtful'],
  ['expired', 'faint'],
])

export function simpleText(silences: readonly ApiSilence[], paint: Paint): string {
  const rows = inOrder(silences).map((silence) => [
    shown(silence.id),
    silence.matchers.map((matcher) => shown(textOf(matcher))).join(' '),
    moment(silence.endsAt),
    shown(silence.createdBy),
    shown(silence.comment),
  ])
  return formatTable(['ID', 'MATCHERS', 'ENDS AT', 'CREATED BY', 'COMMENT'], rows, { paint })
}

export function extendedText(silences: readonly ApiSilence[], paint: Paint): string {
  const rows = inOrder(silences).map((silence) => [
    shown(silence.id),
    shown(silence.status.state),
    `{${silence.matchers.map((matcher) => shown(textOf(matcher))).join(',')}}`,
    moment(silence.startsAt),
    moment(silence.endsAt),
    moment(silence.updatedAt),
    shown(silence.createdBy),
    shown(silence.comment),
  ])
  const head = ['ID', 'STATE', 'MATCHERS', 'STARTS AT', 'ENDS AT', 'UPDATED AT', 'CREATED BY', 'COMMENT']
  return formatTable(head, rows, {
    paint,
    tone: (cell, column) => (column === 'STATE' ? TONES.get(cell) : undefined),
  })
}

/** What ends next comes first. */
function inOrder(silences: readonly ApiSilence[]): readonly ApiSilence[] {
  const key = ({ endsAt, id }: ApiSilence): string => `${new Date(endsAt).toISOString()} ${id}`
  return silences.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** `2026-11-21 15:11:55 UTC` */
function moment(text: string): string {
  return `${new Date(text).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
