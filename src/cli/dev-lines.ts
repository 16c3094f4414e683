/**
 * What the replicas of `hearsay dev` write on stderr, with their names before it. While they start, each calls on others
 * that do not listen yet and says so: that is left out. Advice that names a flag of `serve` names that of `dev` instead.
 */
const EXPECTED_AT_START = /\bevent=peer_not_joined\b/
const FLAGS: ReadonlyMap<string, string> = new Map([
  ['--storage.path', '--data-dir'],
  ['--web.listen-address', '--base-port'],
  ['--cluster.listen-address', '--base-port'],
])
const ADVICE = /(?<= with )--(storage\.path|web\.listen-address|cluster\.listen-address)\b/g

export class DevLines {
  readonly #write: (line: string) => void
  #areUp = false

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  /** From now on nothing is left out. */
  allAreUp(): void {
    this.#areUp = true
  }

  /** @returns takes the lines of the replica of this name */
  of(name: string): (line: string) => void {
    return (line) => {
      if (!this.#areUp && EXPECTED_AT_START.test(line)) return
      this.#write(`${name}  ${line.replaceAll(ADVICE, (flag) => FLAGS.get(flag) ?? flag)}`)
    }
  }
}
