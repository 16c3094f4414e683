/** How far a long job is, on stderr: one line every few seconds, or one that is written over on a terminal. */
const INTERVAL_MS = 2000

/** @param verb `saved` */
export function showProgress(verb: string): (bytes: number) => void {
  let nextMs = performance.now() + INTERVAL_MS
  return (bytes) => {
    if (performance.now() < nextMs) return
    nextMs = performance.now() + INTERVAL_MS
    const line = `hearsay: ${verb} ${megabytes(bytes)}`
    process.stderr.write(process.stderr.isTTY ? `\r${line} ` : `${line}\n`)
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
