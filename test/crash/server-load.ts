/**
 * Load on a replica through HTTP, and what it must hold afterwards: concurrent writers put and delete keys, add and
 * remove set members, create and expire silences, and note in a ledger what they tried and what was acknowledged.
 *
 * Each owner has cells of its own, so that several replicas can be loaded at once; a writer stops at the first request
 * that fails, since nobody knows what became of it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { CrashLedger } from '../support/crash-ledger.ts'
import { until } from '../support/until.ts'

const MAP = 'crash'
const SET = 'crash'
const CELLS_PER_WRITER = 6
const PRESENT = 'present'
const TYPES = ['application/octet-stream', 'application/json', 'text/plain; charset=utf-8']

interface ShownSilence {
  readonly id: string
  readonly comment: string
  readonly updatedAt: string
  readonly status: { readonly state: string }
}

interface ShownPage {
  readonly items: readonly { readonly key: string; readonly version: string }[]
  readonly next?: string
}

export class ServerLoad {
  readonly ledger: CrashLedger = new CrashLedger()
  /** Why the writers of the current run stopped: `fetch failed` after a kill, anything else is an answer. */
  readonly complaints: string[] = []
  readonly #owner: string
  readonly #pauseMs: number
  #run = 0
  #acksAtStart = 0
  #writers: Promise<unknown> = Promise.resolve()

  /**
   * @param owner no owner may be the beginning of another
   * @param pauseMs between two writes of one writer: leaves the machine some time for restarts
   */
  constructor(owner: string, pauseMs = 0) {
    this.#owner = owner
    this.#pauseMs = pauseMs
  }

  /** Writes to the replica at `url` until it fails. */
  start(url: string): void {
    this.#run++
    this.#acksAtStart = this.ledger.acks
    const writers = [0, 1, 2, 3].map((writer) => this.#until(this.#keys(url, `${this.#owner}-k${writer}`)))
    writers.push(...[0, 1].map((writer) => this.#until(this.#members(url, `${this.#owner}-m${writer}`))))
    writers.push(...[0, 1].map((writer) => this.#until(this.#silences(url, `${this.#owner}-s${writer}`))))
    this.#writers = Promise.all(writers)
  }

  /** Resolves when `count` more writes were acknowledged since `start`. */
  async acknowledges(count: number): Promise<void> {
    const goal = this.#acksAtStart + count
    await until(() => this.ledger.acks >= goal || this.complaints.length > 0)
  }

  /** Resolves when every writer has met its failure. */
  async stopped(): Promise<void> {
    await this.#writers
  }

  /** @returns one sentence for each lost or invented write of this owner */
  settle(observed: ReadonlyMap<string, string>): string[] {
    const own = [...observed].filter(([cell]) => cell.split(' ')[1]?.startsWith(`${this.#owner}-`))
    return [...this.ledger.settle(new Map(own)), ...this.complaints.splice(0)]
  }

  async #until(failing: Promise<never>): Promise<void> {
    await failing.catch((error: unknown) => {
      const text = String(error)
      // What a dying process does to its connections; an answer that is no success is something else.
      if (!/fetch failed|terminated|other side closed|ECONNRESET|socket/i.test(text))
        this.complaints.push(text)
    })
  }

  async #breathe(): Promise<void> {
    if (this.#pauseMs > 0) await pause(this.#pauseMs)
  }

  async #keys(url: string, writer: string): Promise<never> {
    for (let number = 0; ; number++) {
      await this.#breathe()
      const key = `${writer}-${number % CELLS_PER_WRITER}`
      const path = `${url}/api/v1/kv/${MAP}/${key}`
      if (number % 5 === 4) {
        this.ledger.tried(`key ${key}`, undefined)
        await send('DELETE', path)
        this.ledger.acknowledged(`key ${key}`, undefined)
        continue
      }
      const type = TYPES[number % 3] ?? ''
      const body = bodyOf(type, `${this.#run}.${number}`, number)
      const content = `${type} ${body.toString('base64')}`
      this.ledger.tried(`key ${key}`, content)
      await send('PUT', path, type, body)
      this.ledger.acknowledged(`key ${key}`, content)
    }
  }

  async #members(url: string, writer: string): Promise<never> {
    for (let number = 0; ; number++) {
      await this.#breathe()
      const member = `${writer}-${number % CELLS_PER_WRITER}`
      const content = Math.floor(number / CELLS_PER_WRITER) % 2 === 0 ? PRESENT : undefined
      this.ledger.tried(`member ${member}`, content)
      await send(content === undefined ? 'DELETE' : 'PUT', `${url}/api/v1/sets/${SET}/${member}`)
      this.ledger.acknowledged(`member ${member}`, content)
    }
  }

  async #silences(url: string, writer: string): Promise<never> {
    for (let number = 0; ; number++) {
      await this.#breathe()
      const comment = `${writer}-${this.#run}-${number}`
      const cell = `silence ${comment}`
      this.ledger.tried(cell, 'active')
      const id = await postSilence(url, comment)
      this.ledger.acknowledged(cell, 'active')
      if (number % 2 === 1) continue
      this.ledger.tried(cell, 'expired')
      await send('DELETE', `${url}/api/v2/silence/${id}`)
      this.ledger.acknowledged(cell, 'expired')
    }
  }
}

/** Bytes of every value, odd white space in JSON among them, so that "as stored" is a claim about each byte. */
function bodyOf(type: string, text: string, number: number): Buffer {
  if (type === 'application/json') return Buffer.from(`{ "n":\t"${text}" }\n`)
  const noise = Buffer.from(Array.from({ length: number % 400 }, (_, i) => (i * 31 + number * 7) % 256))
  return type === 'text/plain; charset=utf-8'
    ? Buffer.from(`${text} ☃`)
    : Buffer.concat([Buffer.from(text), noise])
}

/** @returns the id @throws when the answer is no success */
export async function postSilence(url: string, comment: string): Promise<string> {
  const body = JSON.stringify({
    matchers: [{ name: 'instance', value: comment, isRegex: false, isEqual: true }],
    startsAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
    createdBy: 'test',
    comment,
  })
  const answer = await send('POST', `${url}/api/v2/silences`, 'application/json', body)
  return (JSON.parse(answer) as { silenceID: string }).silenceID
}

async function send(method: string, url: string, type?: string, body?: Buffer | string): Promise<string> {
  const response = await fetch(url, {
    method,
    ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`)
  return text
}

/** Everything that a replica shows, by cell name: `key`, `member` or `silence`, then the name. */
export async function observe(url: string): Promise<Map<string, string>> {
  const cells = new Map<string, string>()
  for (const { key } of await items(url)) {
    const response = await fetch(`${url}/api/v1/kv/${MAP}/${key}`)
    const bytes = Buffer.from(await response.arrayBuffer())
    cells.set(`key ${key}`, `${response.headers.get('content-type')} ${bytes.toString('base64')}`)
  }
  const { members } = JSON.parse(await send('GET', `${url}/api/v1/sets/${SET}`)) as { members: string[] }
  for (const member of members) cells.set(`member ${member}`, PRESENT)
  for (const silence of await silencesOf(url)) {
    if (cells.has(`silence ${silence.comment}`)) throw new Error(`twice: silence ${silence.comment}`)
    cells.set(`silence ${silence.comment}`, silence.status.state)
  }
  return cells
}

/** The state with its versions as text, equal on replicas that hold the same. */
export async function fingerprint(url: string): Promise<string> {
  const [keys, members, silences] = await Promise.all([
    items(url),
    send('GET', `${url}/api/v1/sets/${SET}`),
    silencesOf(url),
  ])
  const ids = silences.map(({ id, updatedAt, status }) => `${id} ${updatedAt} ${status.state}`)
  return JSON.stringify([keys, members, ids.sort((a, b) => (a < b ? -1 : 1))])
}

async function items(url: string): Promise<ShownPage['items']> {
  const found: ShownPage['items'][number][] = []
  let after = ''
  for (;;) {
    const query = `limit=1000&values=false${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`
    const page = JSON.parse(await send('GET', `${url}/api/v1/kv/${MAP}?${query}`)) as ShownPage
    found.push(...page.items)
    if (page.next === undefined) return found
    after = page.next
  }
}

async function silencesOf(url: string): Promise<readonly ShownSilence[]> {
  return JSON.parse(await send('GET', `${url}/api/v2/silences`)) as ShownSilence[]
}
