/**
 * Whether text is coloured, and the few colours there are. Colour is for people: only on a terminal, unless FORCE_COLOR
 * asks for it (0 forbids it); NO_COLOR with any value wins (no-color.org). A colour never says what the words do not.
 */
import { styleText } from 'node:util'

/** What a text is, not how it looks. */
export type Tone = 'title' | 'good' | 'doubtful' | 'bad' | 'faint'

/** Puts a tone on a text, or leaves it plain. */
export type Paint = (tone: Tone, text: string) => string

const FORMATS = { title: 'bold', good: 'green', doubtful: 'yellow', bad: 'red', faint: 'dim' } as const

export const plain: Paint = (_tone, text) => text

const coloured: Paint = (tone, text) => styleText(FORMATS[tone], text, { validateStream: false })

export function hasColour(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return stream.isTTY === true && env.TERM !== 'dumb'
}

export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  return hasColour(stream, process.env) ? coloured : plain
}
