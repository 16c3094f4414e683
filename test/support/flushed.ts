/** Resolves once everything that was ready to run has run: promises, and what they began. */
export async function flushed(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
