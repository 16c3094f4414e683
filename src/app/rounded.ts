/** Figures as people read them: a clock's nanoseconds are noise. */

/** To three decimals: of milliseconds that is microseconds. */
export function rounded(value: number, decimals = 3): number {
  return Number.isInteger(value) ? value : Number(value.toFixed(decimals))
}

/** Plain data with all its numbers rounded; below a name that ends in `Seconds` to microseconds as well. */
export function roundedDeep(value: unknown, decimals = 3): unknown {
  if (typeof value === 'number') return rounded(value, decimals)
  if (Array.isArray(value)) return value.map((item) => roundedDeep(item, decimals))
  if (typeof value !== 'object' || value === null) return value
  // Some say themselves what is to be seen of them.
  if ('toJSON' in value && typeof value.toJSON === 'function') return roundedDeep(value.toJSON(), decimals)
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      roundedDeep(inner, name.endsWith('Seconds') ? 6 : decimals),
    ]),
  )
}
