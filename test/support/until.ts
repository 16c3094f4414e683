/** Waits for a condition instead of sleeping: polls each millisecond and fails by name when it never holds. */
export async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`still false after ${timeoutMs} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
