/** Options of a run as JSON, as a failure prints them and a person gives them back to replay it. */
import { deriveOptions, FAULT_KINDS, type SimOverrides } from './sim-options.ts'

/** @returns the overrides, or what is wrong with the text, as the end of a sentence */
export function parseOverrides(text: string): SimOverrides | string {
  const parsed = parseObject(text)
  if (typeof parsed === 'string') return parsed
  const { seed: _, ...given } = parsed
  const known: Readonly<Record<string, unknown>> = { ...deriveOptions(0), keep: [0] }
  for (const [name, value] of Object.entries(given)) {
    if (!(name in known)) return `names ${JSON.stringify(name)}, which is no option of a run`
    const wrong = difference(value, known[name])
    if (wrong !== undefined) return `gives ${name} ${wrong}`
  }
  const overrides: SimOverrides = given
  const unknown = overrides.faults?.find((kind) => !FAULT_KINDS.includes(kind))
  return unknown === undefined
    ? overrides
    : `names the fault ${JSON.stringify(unknown)}, which does not exist`
}

function parseObject(text: string): Readonly<Record<string, unknown>> | string {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed }
    return 'is not a JSON object'
  } catch {
    return 'is not JSON'
  }
}

/** How a value differs in form from one that is right. */
function difference(value: unknown, right: unknown): string | undefined {
  if (Array.isArray(right)) {
    const kind = typeof right[0]
    if (!Array.isArray(value)) return 'no list'
    return value.every((item) => typeof item === kind || right.length === 0)
      ? undefined
      : `no list of ${kind}s`
  }
  if (typeof right === 'object' && right !== null) {
    if (typeof value !== 'object' || value === null) return 'no object'
    const fields: Readonly<Record<string, unknown>> = { ...value }
    const missing = Object.keys(right).find((name) => typeof fields[name] !== 'number')
    return missing === undefined ? undefined : `no number ${JSON.stringify(missing)}`
  }
  if (typeof right !== 'number' || (typeof value === 'number' && value >= 0)) return undefined
  return 'no number from 0'
}
