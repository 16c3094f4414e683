/**
 * The form of bcrypt hashes, as `htpasswd -B` and its like write them: `$2y$`, a cost of two digits, 22 characters of salt
 * and 31 of hash.
 *
 * A cost is a power of two. On one core of a server 10 takes about 75 ms, 12 0.3 s, 15 2.5 s; beyond that one wrong
 * password would keep all other sign-ins waiting for seconds, so it is refused.
 */
export const PASSWORD_COST_MAX = 15
const COST_MIN = 4
const FORM = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** @returns why this cannot be used, without repeating it; undefined when it can */
export function passwordHashProblem(text: string): string | undefined {
  const cost = Number(FORM.exec(text)?.[1] ?? Number.NaN)
  if (cost > PASSWORD_COST_MAX) {
    return `a bcrypt cost of ${cost} keeps everybody waiting while one password is checked: at most ${PASSWORD_COST_MAX}`
  }
  if (cost >= COST_MIN) return undefined
  if (text.startsWith('$2'))
    return 'this bcrypt hash is damaged: it has 60 characters and a cost from 04 to 15'
  return (
    'expected a bcrypt hash such as $2y$10$..., not a password or a hash of another kind: ' +
    'htpasswd -nBC 10 "" | tr -d \':\\n\' makes one'
  )
}

/**
 * A hash that takes as long to check as another and that no password is known for.
 * @param random at least 53 random bytes
 */
export function decoyHash(like: string, random: Uint8Array): string {
  let text = like.slice(0, 7)
  for (const byte of random.subarray(0, 53)) text += ALPHABET[byte % 64]
  return text
}
