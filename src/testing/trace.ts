/**
 * What happened in a run, as a running hash of every event and the last few events as text.
 *
 * Two runs are the same run when their hashes are equal: each event contributes its time, node, kind and detail, and
 * a datagram contributes a checksum of its bytes. The text is only built when somebody asks for it.
 */
const RECENT_MAX = 200

interface TraceEvent {
  readonly atMs: number
  /** Index of the node it happened at; -1 for the world (partitions, phases). */
  readonly node: number
  readonly kind: string
  readonly detail: string | number
}

export class Trace {
  readonly #recent: TraceEvent[] = []
  readonly #listener: ((line: string) => void) | undefined
  readonly #number = new DataView(new ArrayBuffer(8))
  #high = 0x9e3779b9
  #low = 0x85ebca6b
  #count = 0

  /** @param listener hears every event as text, for a person who follows one run */
  constructor(listener?: (line: string) => void) {
    this.#listener = listener
  }

  get count(): number {
    return this.#count
  }

  event(atMs: number, node: number, kind: string, detail: string | number): void {
    this.#mixNumber(atMs)
    this.#mix(node)
    this.#mixText(kind)
    if (typeof detail === 'number') this.#mixNumber(detail)
    else this.#mixText(detail)
    const event = { atMs, node, kind, detail }
    this.#recent[this.#count % RECENT_MAX] = event
    this.#count++
    this.#listener?.(render(event))
  }

  /** 16 hex digits that stand for all events so far, in their order. */
  hash(): string {
    return `${hex(this.#high)}${hex(this.#low)}`
  }

  /** The last events, oldest first, one a line. */
  recent(): string {
    const start = this.#count % RECENT_MAX
    return [...this.#recent.slice(start), ...this.#recent.slice(0, start)].map(render).join('\n')
  }

  #mix(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x85ebca77)
    this.#low = Math.imul(this.#low ^ (this.#high >>> 13) ^ word, 0xc2b2ae3d)
  }

  #mixNumber(value: number): void {
    this.#number.setFloat64(0, value)
    this.#mix(this.#number.getInt32(0))
    this.#mix(this.#number.getInt32(4))
  }

  #mixText(text: string): void {
    this.#mix(text.length)
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
  }
}

function render(event: TraceEvent): string {
  const who = event.node < 0 ? '--' : `n${event.node}`
  const detail = typeof event.detail === 'number' ? `#${event.detail.toString(16)}` : event.detail
  return `${event.atMs.toFixed(3).padStart(12)} ${who} ${event.kind} ${detail}`
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
