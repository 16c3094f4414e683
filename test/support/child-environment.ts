/**
 * The environment for a server under test: ours without `HEARSAY_…`, since `HEARSAY_TEST` and its like are no options of
 * it, and without the colours that vitest wants for itself.
 */
export function childEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('HEARSAY_') && name !== 'FORCE_COLOR',
  )
  return { ...Object.fromEntries(own), ...extra }
}
