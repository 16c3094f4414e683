/**
 * Which methods a path takes, so that a wrong method is answered 405 with `Allow` and not 404. Asked only after routing
 * has failed; a linear scan over some thirty patterns is fine there.
 */
export class RouteTable {
  readonly #routes: { readonly pattern: RegExp; readonly method: string }[] = []

  /** @param url pattern of the router, such as `/api/v1/kv/:map/:key` */
  add(url: string, method: string | readonly string[]): void {
    const source = url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:[A-Za-z]+/g, '[^/]+')
    const pattern = new RegExp(`^${source}$`)
    for (const name of typeof method === 'string' ? [method] : method)
      this.#routes.push({ pattern, method: name })
  }

  /** In order of registration, without repetition; empty when no route has this path. */
  methodsOf(path: string): readonly string[] {
    const methods = this.#routes.filter((route) => route.pattern.test(path)).map((route) => route.method)
    return [...new Set(methods)]
  }
}
