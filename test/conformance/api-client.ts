/** Plain requests to `/api/v2` of a subject, and the few calls that nearly every item makes. */
import { expect } from 'vitest'

export interface Answer {
  readonly status: number
  /** Without parameters; empty when there is none. */
  readonly type: string
  readonly text: string
}

export interface ApiMatcher {
  readonly name: string
  readonly value: string
  readonly isRegex: boolean
  readonly isEqual: boolean
}

export interface PostedSilence {
  readonly id?: string
  readonly matchers: readonly ApiMatcher[]
  readonly startsAt: string
  readonly endsAt: string
  readonly createdBy: string
  readonly comment: string
  readonly annotations?: Readonly<Record<string, string>>
}

export interface ShownSilence extends PostedSilence {
  readonly id: string
  readonly status: { readonly state: 'active' | 'pending' | 'expired' }
  readonly updatedAt: string
}

export interface ShownAlert {
  readonly fingerprint: string
  readonly labels: Readonly<Record<string, string>>
  readonly status: {
    readonly state: string
    readonly silencedBy: readonly string[]
    readonly inhibitedBy: readonly string[]
  }
}

export const HOUR_MS = 3_600_000
/** Go's zero time, which clients send for "not set". */
export const UNSET = '0001-01-01T00:00:00.000Z'
export const UNKNOWN_ID = 'cccccccc-0000-4000-8000-00000000000a'

let drawn = 0

/** A label value that no other test uses: subjects are shared, items must not see each other's silences. */
export function freshValue(): string {
  drawn++
  return `value-${process.pid}-${drawn}`
}

export function equal(name: string, value: string): ApiMatcher {
  return { name, value, isRegex: false, isEqual: true }
}

/** @param offsetMs from now */
export function at(offsetMs: number): string {
  return new Date(Date.now() + offsetMs).toISOString()
}

/** Active from now for an hour, on a label value of its own. */
export function aSilence(parts: Partial<PostedSilence> = {}): PostedSilence {
  return {
    matchers: [equal('job', freshValue())],
    startsAt: at(0),
    endsAt: at(HOUR_MS),
    createdBy: 'ana',
    comment: 'swap',
    ...parts,
  }
}

/** What a client posts that has fetched a silence and changes it. */
export function editOf(silence: ShownSilence, parts: Partial<PostedSilence> = {}): PostedSilence {
  const { id, matchers, startsAt, endsAt, createdBy, comment } = silence
  const annotations = silence.annotations === undefined ? {} : { annotations: silence.annotations }
  return { id, matchers, startsAt, endsAt, createdBy, comment, ...annotations, ...parts }
}

export class ApiClient {
  readonly #url: string

  /** @param url of the server, without `/api/v2` */
  constructor(url: string) {
    this.#url = url
  }

  /** @param path below `/api/v2` */
  async request(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#url}/api/v2${path}`, {
      method,
      ...(body === undefined
        ? {}
        : {
            headers: { 'content-type': 'application/json' },
            body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
          }),
    })
    const type = (response.headers.get('content-type') ?? '').split(';', 1)[0] ?? ''
    return { status: response.status, type, text: await response.text() }
  }

  async json<T>(path: string): Promise<T> {
    const answer = await this.request('GET', path)
    expect(answer).toMatchObject({ status: 200, type: 'application/json' })
    return JSON.parse(answer.text)
  }

  post(silence: PostedSilence): Promise<Answer> {
    return this.request('POST', '/silences', silence)
  }

  /** @returns its id; anything but a 200 fails the test */
  async create(silence: PostedSilence = aSilence()): Promise<string> {
    const answer = await this.post(silence)
    expect(answer).toMatchObject({ status: 200 })
    return JSON.parse(answer.text).silenceID
  }

  /** Creates one and shows what became of it. */
  async created(silence: PostedSilence = aSilence()): Promise<ShownSilence> {
    return this.silence(await this.create(silence))
  }

  silence(id: string): Promise<ShownSilence> {
    return this.json(`/silence/${id}`)
  }

  async expire(id: string): Promise<void> {
    expect(await this.request('DELETE', `/silence/${id}`)).toMatchObject({ status: 200, text: '' })
  }

  /** @param filters as people type them */
  list(...filters: readonly string[]): Promise<readonly ShownSilence[]> {
    const query = filters.map((filter) => `filter=${encodeURIComponent(filter)}`)
    return this.json(`/silences?${query.join('&')}`)
  }

  async postAlerts(...labels: readonly Readonly<Record<string, string>>[]): Promise<void> {
    const alerts = labels.map((of) => ({ labels: of, startsAt: at(-1000), endsAt: at(HOUR_MS) }))
    expect(await this.request('POST', '/alerts', alerts)).toMatchObject({ status: 200, text: '' })
  }

  alerts(...filters: readonly string[]): Promise<readonly ShownAlert[]> {
    const query = filters.map((filter) => `filter=${encodeURIComponent(filter)}`)
    return this.json(`/alerts?${query.join('&')}`)
  }
}
