/**
 * A YAML file read field by field: every complaint names file, line and field, all are collected, and a field that nobody
 * asked for is one of them. Values are the source texts of scalars, so that `1.10` or `yes` is what was written; values
 * never appear in complaints, since they may be secrets.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml'
import { nearest } from '../nearest.ts'

/** A larger file is no configuration. */
export const YAML_FILE_CHARS_MAX: number = 1024 * 1024

/** A value and where it stands, as a complaint begins: `web.yml line 3: tls_server_config.key_file`. */
export interface Found<T> {
  readonly value: T
  readonly place: string
}

export class YamlFields {
  readonly #reading: Reading
  readonly #parent: string
  readonly #fields = new Map<string, Field>()

  private constructor(reading: Reading, parent: string, map: YAMLMap | undefined, known?: readonly string[]) {
    this.#reading = reading
    this.#parent = parent
    for (const { key, value } of map?.items ?? []) {
      const name = isScalar(key) ? sourceOf(key) : ''
      const place = `${reading.placeOf(key)}: ${parent}${name}`
      if (known?.includes(name) !== false) this.#fields.set(name, { place, node: reading.resolved(value) })
      else {
        const hint = nearest(name, known)
        reading.problems.push(
          `${place}: unknown field${hint === undefined ? '' : ` (did you mean ${hint}?)`}`,
        )
      }
    }
  }

  /**
   * The root of a file; what is wrong with the file as a whole is in `problems` already.
   * @param path for complaints only
   */
  static read(path: string, text: string, known: readonly string[], problems: string[]): YamlFields {
    const reading = new Reading(path, text, problems)
    return new YamlFields(reading, '', reading.root, known)
  }

  /** @returns fields of an object; without any when it is left out or empty. All names are taken when none are known */
  object(name: string, known?: readonly string[]): YamlFields {
    const field = this.#fields.get(name)
    const map = isMap(field?.node) ? field.node : undefined
    if (field !== undefined && map === undefined && !isEmpty(field.node)) {
      this.refuse(field.place, 'expected fields below it')
    }
    return new YamlFields(this.#reading, `${this.#parent}${name}.`, map, known)
  }

  /** Names in the order of the file. */
  names(): readonly string[] {
    return [...this.#fields.keys()]
  }

  /** @returns undefined when it is left out or empty */
  text(name: string): Found<string> | undefined {
    const field = this.#fields.get(name)
    if (field === undefined || isEmpty(field.node)) return undefined
    const value = isScalar(field.node) ? sourceOf(field.node) : undefined
    if (value === undefined) this.refuse(field.place, 'expected one value')
    return value === undefined || value === '' ? undefined : { value, place: field.place }
  }

  flag(name: string): Found<boolean> | undefined {
    const found = this.text(name)
    if (found === undefined) return undefined
    if (found.value !== 'true' && found.value !== 'false') this.refuse(found.place, 'expected true or false')
    return { value: found.value === 'true', place: found.place }
  }

  oneOf<T extends string>(name: string, values: readonly T[]): Found<T> | undefined {
    const found = this.text(name)
    if (found === undefined) return undefined
    const value = values.find((one) => one === found.value)
    if (value !== undefined) return { value, place: found.place }
    this.refuse(found.place, `expected one of ${values.join(', ')}`)
    return undefined
  }

  /** @returns the items of a list, each with its line; undefined when it is left out or empty */
  texts(name: string): readonly Found<string>[] | undefined {
    const field = this.#fields.get(name)
    if (field === undefined || isEmpty(field.node)) return undefined
    if (!isSeq(field.node)) {
      this.refuse(field.place, 'expected a list')
      return undefined
    }
    const found = field.node.items.map((item) => {
      const node = this.#reading.resolved(item)
      const place = `${this.#reading.placeOf(item)}: ${this.#parent}${name}`
      if (!isScalar(node)) this.refuse(place, 'expected a list of texts')
      return { value: isScalar(node) ? sourceOf(node) : '', place }
    })
    return found.length === 0 ? undefined : found
  }

  refuse(place: string, complaint: string): void {
    this.#reading.problems.push(`${place}: ${complaint}`)
  }
}

interface Field {
  readonly place: string
  readonly node: Node | undefined
}

class Reading {
  readonly problems: string[]
  readonly root: YAMLMap | undefined
  readonly #path: string
  readonly #lines = new LineCounter()
  readonly #document: ReturnType<typeof parseDocument>

  constructor(path: string, text: string, problems: string[]) {
    this.#path = path
    this.problems = problems
    const isTooLong = text.length > YAML_FILE_CHARS_MAX
    if (isTooLong) problems.push(`${path} has more than ${YAML_FILE_CHARS_MAX} characters`)
    this.#document = parseDocument(isTooLong ? '' : text, { lineCounter: this.#lines, prettyErrors: false })
    for (const error of this.#document.errors) {
      problems.push(`${path} line ${this.#lines.linePos(error.pos[0]).line}: ${error.message}`)
    }
    const { contents } = this.#document
    this.root = isMap(contents) ? contents : undefined
    if (this.root === undefined && contents !== null && !isEmpty(contents)) {
      problems.push(`${path} line 1: expected fields, not a single value`)
    }
  }

  resolved(node: unknown): Node | undefined {
    if (isAlias(node)) return node.resolve(this.#document)
    return isScalar(node) || isMap(node) || isSeq(node) ? node : undefined
  }

  placeOf(node: unknown): string {
    const offset = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined
    return `${this.#path} line ${this.#lines.linePos(offset ?? 0).line}`
  }
}

function isEmpty(node: unknown): boolean {
  return node === undefined || node === null || (isScalar(node) && node.value === null)
}

function sourceOf(node: { readonly value: unknown; readonly source?: string }): string {
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
}
