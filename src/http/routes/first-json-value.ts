/**
 * Cuts the first JSON object, array or string out of a text, for readers that, like Go's, ignore what follows it. One pass over
 * brackets and strings; whether the piece is valid is left to the parser.
 */

/** @returns the text up to where its first value closes; all of it for other values; undefined when it is blank */
export function firstJsonValue(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  let depth = 0
  let inString = false
  for (let i = 0; i < trimmed.length; i++) {
    const character = trimmed.charAt(i)
    if (inString) {
      if (character === '\\') i++
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (depth === 0 && !inString && i === 0) return trimmed
    if (depth === 0 && !inString) return trimmed.slice(0, i + 1)
  }
  return trimmed
}
