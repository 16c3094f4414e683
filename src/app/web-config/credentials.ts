/**
 * The users of the web config at one time, and who of those that ask is one of them. When the users change there is a new
 * one of these, so nothing that was true of the old users outlives them.
 *
 * bcrypt is slow on purpose, so what was found out is remembered: right passwords (as many as there are users, 100 at
 * least) until then, wrong ones (1,000) for 30 s, and who asks the same while it is being checked waits for that check.
 * The memory holds no password: its keys are SHA-256 of the header behind 32 random bytes of this process, which nobody
 * can compute or compare against.
 *
 * An unknown user costs as long as a known one: the password is checked against a decoy with the cost of one of the users.
 * As bcrypt does, only the first 72 bytes of a password are looked at.
 */
import { hash, randomBytes } from 'node:crypto'
import { clientOf } from '../../http/client-address.ts'
import type { Verdict } from '../../http/web-access.ts'
import type { PasswordChecks } from './password-checks.ts'
import { decoyHash } from './password-hash.ts'

const RIGHT_MIN = 100
export const WRONG_MAX = 1000
export const WRONG_FOR_MS = 30_000
/** Lanes of one address: who guesses at one name does not fill those of others. */
const LANES_OF_ADDRESS = 8
const FORM = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i
const DECOY_BYTES = 53

interface Given {
  readonly user: string
  readonly password: string
}

export class Credentials {
  readonly #users: ReadonlyMap<string, string>
  readonly #checks: Pick<PasswordChecks, 'check'>
  readonly #nowMs: () => number
  readonly #secret = randomBytes(32).toString('base64')
  readonly #decoys: readonly string[]
  readonly #right = new Set<string>()
  /** Until when each is remembered; the oldest first. */
  readonly #wrong = new Map<string, number>()
  readonly #pending = new Map<string, Promise<Verdict>>()

  /**
   * @param users bcrypt hashes by name; without any everybody is allowed
   * @param nowMs monotonic
   */
  constructor(
    users: ReadonlyMap<string, string>,
    checks: Pick<PasswordChecks, 'check'>,
    nowMs: () => number,
  ) {
    this.#users = users
    this.#checks = checks
    this.#nowMs = nowMs
    this.#decoys = [...users.values()].map((like) => decoyHash(like, randomBytes(DECOY_BYTES)))
  }

  /** @see WebAccess.check */
  check(authorization: string | undefined, address: string): Verdict | Promise<Verdict> {
    if (this.#users.size === 0) return 'allowed'
    if (authorization === undefined) return 'missing'
    const key = this.#digest(authorization)
    if (this.#right.has(key)) return 'allowed'
    if ((this.#wrong.get(key) ?? Number.NEGATIVE_INFINITY) > this.#nowMs()) return 'refused'
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending
    const given = parseBasic(authorization)
    if (given === undefined) return 'refused'
    const verdict = this.#find(key, given, address)
    this.#pending.set(key, verdict)
    return verdict
  }

  async #find(key: string, { user, password }: Given, address: string): Promise<Verdict> {
    const number = Number.parseInt(this.#digest(user, 'hex').slice(0, 8), 16)
    const known = this.#users.get(user)
    const decoy = this.#decoys[number % this.#decoys.length] ?? ''
    const lane = `${clientOf(address)} ${number % LANES_OF_ADDRESS}`
    const isRight = await this.#checks.check(password, known ?? decoy, lane)
    this.#pending.delete(key)
    if (isRight === undefined) return 'busy'
    if (isRight && known !== undefined) {
      makeRoom(this.#right, Math.max(RIGHT_MIN, this.#users.size))
      this.#right.add(key)
      return 'allowed'
    }
    this.#wrong.delete(key)
    makeRoom(this.#wrong, WRONG_MAX)
    this.#wrong.set(key, this.#nowMs() + WRONG_FOR_MS)
    return 'refused'
  }

  #digest(text: string, encoding: 'base64' | 'hex' = 'base64'): string {
    return hash('sha256', this.#secret + text, encoding)
  }
}

/** Forgets the oldest until there is room for one more. */
function makeRoom(memory: Set<string> | Map<string, number>, max: number): void {
  for (const oldest of memory.keys()) {
    if (memory.size < max) return
    memory.delete(oldest)
  }
}

/** @returns undefined for what is no such header, or no UTF-8 */
function parseBasic(authorization: string): Given | undefined {
  const encoded = FORM.exec(authorization)?.[1]
  if (encoded === undefined) return undefined
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64'))
  } catch {
    return undefined
  }
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
