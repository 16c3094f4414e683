/** As `until`, for a condition that has to be asked over the network: polls every 10 ms and fails by name. */
export async function untilAsync(
  condition: () => Promise<boolean>,
  what: string,
  timeoutMs = 15_000,
): Promise<number> {
  const startedAt = performance.now()
  for (;;) {
    if (await condition().catch(() => false)) return performance.now() - startedAt
    if (performance.now() - startedAt > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
