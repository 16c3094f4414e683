/** The pages of a list, one request each, until one has no `next`. */
import { ask, type ClientFlags } from './client.ts'
import { jsonAnswer } from './json-answer.ts'

/** The most that a replica gives at once. */
export const PAGE_ENTRIES = '1000'

export async function* pagesOf<Page extends { readonly next?: string }>(
  flags: ClientFlags,
  path: readonly string[],
  query: Readonly<Record<string, string | undefined>>,
): AsyncGenerator<Page> {
  let after: string | undefined
  do {
    const page = await jsonAnswer<Page>(await ask(flags, { path, query: { ...query, after } }))
    yield page
    after = page.next
  } while (after !== undefined)
}
