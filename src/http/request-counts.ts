/**
 * Counts requests by method and problems by code. Integers in two small maps, both with closed sets of names; a hook at
 * the end of every response would cost a reader a tenth of its time.
 */
import type { Sample } from './metrics/registry.ts'

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH'])

export class RequestCounts {
  readonly #requests = new Map<string, number>()
  readonly #problems = new Map<string, number>()

  request(method: string): void {
    this.#requests.set(method, (this.#requests.get(method) ?? 0) + 1)
  }

  problem(code: string): void {
    this.#problems.set(code, (this.#problems.get(code) ?? 0) + 1)
  }

  *samples(): Iterable<Sample> {
    for (const [name, value] of this.#requests) {
      const method = METHODS.has(name) ? name : 'other'
      yield { name: 'hearsay_http_requests_total', value, labels: { method } }
    }
    for (const [code, value] of this.#problems) {
      yield { name: 'hearsay_http_problems_total', value, labels: { code } }
    }
  }
}
