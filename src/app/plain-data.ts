/**
 * What a value of the library may be: plain data, and nothing that would come back as something else.
 *
 * Strings, numbers of every kind, 64-bit integers, booleans, null, undefined, dates, binary (`Uint8Array`), arrays,
 * plain objects, Maps and Sets of these. Refused, with the place where it stands: functions, symbols, instances of
 * classes, larger integers, invalid dates, arrays with holes, properties that are symbols, hidden or computed, text with
 * half a surrogate pair; nesting beyond 64, which is also how a circle ends.
 */
import { types } from 'node:util'
import { HearsayError } from '../base/errors.ts'

/** Containers within containers. */
export const VALUE_DEPTH_MAX = 64

/** Each takes a byte at least; one object that is held at many places would otherwise be walked for ever. */
export const VALUE_PARTS_MAX = 1_048_576

const LONE_SURROGATE = /\p{Surrogate}/u
/** Own keys that make msgpackr take an object for something else, or that it renames. */
const MISLEADING: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'toJSON'])

/**
 * Checks a value.
 * @returns whether MessagePack alone would lose something of it (-0, Map, Set, ...): then it is stored tagged
 * @throws HearsayError `VALUE_UNSUPPORTED`, `STORE_VALUE_TOO_LARGE`
 */
export function needsTags(value: unknown): boolean {
  const inspector = new Inspector()
  inspector.inspect(value)
  return inspector.needsTags
}

class Inspector {
  needsTags = false
  readonly #path: (string | number)[] = []
  #parts = 0

  inspect(value: unknown): void {
    if (++this.#parts > VALUE_PARTS_MAX) {
      throw new HearsayError('STORE_VALUE_TOO_LARGE', `the value has more than ${VALUE_PARTS_MAX} parts`)
    }
    switch (typeof value) {
      case 'string':
        this.#text(value)
        return
      case 'number':
        if (Object.is(value, -0)) this.needsTags = true
        return
      case 'bigint':
        if (BigInt.asIntN(64, value) !== value && BigInt.asUintN(64, value) !== value) {
          this.#refuse('an integer of more than 64 bits')
        }
        return
      case 'function':
      case 'symbol':
        this.#refuse(`a ${typeof value}`)
        return
      case 'object':
        if (value !== null) this.#object(value)
    }
  }

  #object(value: object): void {
    if (types.isUint8Array(value)) {
      if (!(value instanceof Uint8Array)) this.needsTags = true
      return
    }
    if (this.#path.length >= VALUE_DEPTH_MAX)
      this.#refuse(`nested deeper than ${VALUE_DEPTH_MAX}, or in a circle`)
    if (Array.isArray(value)) this.#array(value)
    else if (types.isDate(value)) this.#date(value)
    else if (types.isMap(value)) this.#map(value)
    else if (types.isSet(value)) this.#set(value)
    else this.#plain(value)
  }

  #array(value: readonly unknown[]): void {
    this.#checkBuiltIn(value, Array.prototype)
    if (Reflect.ownKeys(value).length !== value.length + 1) this.#refuse('an array with holes or properties')
    for (const [index, item] of value.entries()) this.#inside(index, item)
  }

  #date(value: Date): void {
    this.#checkBuiltIn(value, Date.prototype)
    this.#checkNoProperties(value)
    if (Number.isNaN(value.getTime())) this.#refuse('an invalid date')
  }

  #map(value: ReadonlyMap<unknown, unknown>): void {
    this.#checkBuiltIn(value, Map.prototype)
    this.#checkNoProperties(value)
    this.needsTags = true
    for (const [key, item] of value) {
      this.#inside('key of a Map', key)
      this.#inside('value of a Map', item)
    }
  }

  #set(value: ReadonlySet<unknown>): void {
    this.#checkBuiltIn(value, Set.prototype)
    this.#checkNoProperties(value)
    this.needsTags = true
    for (const item of value) this.#inside('member of a Set', item)
  }

  #plain(value: object): void {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype) {
      if (prototype !== null && !isForeignObjectPrototype(prototype)) {
        this.#refuse('an instance of a class, or a built-in object other than plain data')
      }
      this.needsTags = true
    }
    for (const key of Reflect.ownKeys(value)) {
      const property = Object.getOwnPropertyDescriptor(value, key)
      if (typeof key === 'symbol' || property?.enumerable !== true || !('value' in property)) {
        this.#refuse('an object with a property that is a symbol, hidden or computed')
      }
      this.#text(key)
      if (MISLEADING.has(key)) this.needsTags = true
      this.#inside(key, property.value)
    }
  }

  #inside(place: string | number, value: unknown): void {
    this.#path.push(place)
    this.inspect(value)
    this.#path.pop()
  }

  #text(text: string): void {
    if (LONE_SURROGATE.test(text)) this.#refuse('text with half of a surrogate pair')
  }

  /** An instance of the built-in class itself; one of another realm (`vm`, some test runners) is copied into ours. */
  #checkBuiltIn(value: object, own: object): void {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === own) return
    const parent: unknown =
      typeof prototype === 'object' && prototype !== null ? Object.getPrototypeOf(prototype) : undefined
    if (!isForeignObjectPrototype(parent)) this.#refuse('an instance of a class')
    this.needsTags = true
  }

  #checkNoProperties(value: object): void {
    if (Reflect.ownKeys(value).length > 0) this.#refuse('a built-in object with properties of its own')
  }

  #refuse(what: string): never {
    const place = this.#path.length > 8 ? [...this.#path.slice(0, 8), '…'] : this.#path
    const where = place.length === 0 ? '' : ` at ${place.map((part) => JSON.stringify(part)).join(' > ')}`
    throw new HearsayError('VALUE_UNSUPPORTED', `a value must be plain data; found ${what}${where}`)
  }
}

/** `Object.prototype` of another realm. */
function isForeignObjectPrototype(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    prototype !== Object.prototype &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'hasOwnProperty')
  )
}
