/**
 * Plain data that MessagePack cannot tell apart, made so: each container becomes an array that starts with its kind.
 *
 * `new Map([[1, -0]])` becomes `['m', 1, ['z']]`. MessagePack has one kind of map and one zero, msgpackr renames the key
 * `__proto__`, and extensions of msgpackr are registered for the whole process, which belongs to whoever embeds us.
 * Values that need none of this, nearly all, are stored as they are (value-codec.ts).
 */
import { types } from 'node:util'
import { HearsayError } from '../base/errors.ts'

const ARRAY = 'a'
const OBJECT = 'o'
const MAP = 'm'
const SET = 's'
const NEGATIVE_ZERO = 'z'

/** @param value as `needsTags` has passed it */
export function tagged(value: unknown): unknown {
  if (Object.is(value, -0)) return [NEGATIVE_ZERO]
  if (typeof value !== 'object' || value === null) return value
  if (types.isUint8Array(value)) return Uint8Array.from(value)
  if (types.isDate(value)) return new Date(value.getTime())
  if (Array.isArray(value)) return [ARRAY, ...value.map(tagged)]
  if (types.isMap(value)) return [MAP, ...[...value].flat().map(tagged)]
  if (types.isSet(value)) return [SET, ...[...value].map(tagged)]
  return [OBJECT, ...Object.entries(value).flatMap(([key, item]) => [key, tagged(item)])]
}

/** @throws HearsayError `VALUE_UNREADABLE` for what `tagged` does not give */
export function untagged(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  const [kind, ...items] = value as readonly unknown[]
  switch (kind) {
    case ARRAY:
      return items.map(untagged)
    case SET:
      return new Set(items.map(untagged))
    case MAP:
      return new Map(pairs(items.map(untagged)))
    case OBJECT:
      return objectOf(pairs(items).map(([key, item]) => [key, untagged(item)]))
    case NEGATIVE_ZERO:
      return -0
  }
  throw new HearsayError('VALUE_UNREADABLE', 'it holds an unknown kind of container')
}

/** An ordinary object, whatever its keys are called. */
export function objectOf(entries: Iterable<readonly [key: unknown, value: unknown]>): object {
  const object: Record<string, unknown> = {}
  for (const [key, value] of entries) {
    const name = String(key)
    if (name !== '__proto__') object[name] = value
    else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
  }
  return object
}

function pairs(items: readonly unknown[]): [unknown, unknown][] {
  if (items.length % 2 !== 0) throw new HearsayError('VALUE_UNREADABLE', 'it holds a key without a value')
  return Array.from({ length: items.length / 2 }, (_, index) => [items[2 * index], items[2 * index + 1]])
}
