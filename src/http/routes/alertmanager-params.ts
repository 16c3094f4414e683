/** Query parameters as Alertmanager's framework reads them: lists by repetition, of repeated others the last. */

const TRUE: ReadonlySet<string> = new Set([
  '1',
  'true',
  't',
  'yes',
  'y',
  'ok',
  'on',
  'selected',
  'checked',
  'enabled',
])

/** @param query as the router parsed it: strings, or arrays of strings where a name is repeated */
export function listParam(query: unknown, name: string): readonly string[] {
  if (typeof query !== 'object' || query === null || !Object.hasOwn(query, name)) return []
  const value = Object.entries(query).find(([key]) => key === name)?.[1]
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string')
}

/** Never an error: what is not one of the words for true is false, and empty is the default. */
export function booleanParam(query: unknown, name: string, fallback: boolean): boolean {
  const last = listParam(query, name).at(-1)
  return last === undefined || last === '' ? fallback : TRUE.has(last.toLowerCase())
}
