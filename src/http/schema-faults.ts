/**
 * What is wrong with an input, as `errors` of a problem says it: where, and what is expected there. A place in a body is a
 * JSON pointer as a URI fragment (`#/ops/3/ttl`), one in the query the name of the parameter.
 *
 * At most ten are told, and names that a client made up are cut.
 */

export const FAULTS_MAX = 10
const NAMED_MAX = 3
const NAME_CHARS_MAX = 100
const POINTER_CHARS_MAX = 300

/** What JSON Schema calls a type, in the words of a sentence. */
const TYPE_WORDS: ReadonlyMap<string, string> = new Map([
  ['array', 'a list'],
  ['object', 'an object'],
  ['string', 'text'],
  ['boolean', 'true or false'],
  ['integer', 'a whole number'],
  ['number', 'a number'],
])

/** As a validator tells it. */
export interface SchemaFault {
  readonly keyword: string
  /** JSON pointer. */
  readonly instancePath: string
  readonly params: object
  readonly message: string
}

/** As a problem tells it. */
export interface InputFault {
  readonly pointer?: string
  readonly parameter?: string
  readonly header?: string
  readonly detail: string
}

export interface InputFaults {
  /** The first one, for `detail`. */
  readonly sentence: string
  readonly errors: readonly InputFault[]
}

/** One place and what is wrong there. */
interface Place {
  /** JSON pointer. */
  readonly pointer: string
  readonly isStranger: boolean
  readonly detail: string
}

/** @param part of the request, as fastify names it */
export function inputFaults(part: string | undefined, faults: readonly SchemaFault[]): InputFaults {
  const places = faults.flatMap(placesOf).slice(0, FAULTS_MAX)
  return {
    sentence: sentenceOf(places),
    errors: places.map(({ pointer, detail }) =>
      part === 'body' ? { pointer: `#${pointer}`, detail } : { parameter: placeOf(pointer), detail },
    ),
  }
}

/** Faults that only say that another one is there are left out, and that nothing at all would do as well. */
function placesOf({ keyword, instancePath, params, message }: SchemaFault): readonly Place[] {
  if (keyword === 'boolean') return [stranger(instancePath)]
  if (
    keyword === 'anyOf' ||
    keyword === 'additionalProperties' ||
    (keyword === 'type' && 'type' in params && params.type === 'null')
  )
    return []
  const type = keyword === 'type' && 'type' in params ? TYPE_WORDS.get(String(params.type)) : undefined
  return [
    { pointer: instancePath, isStranger: false, detail: type === undefined ? message : `must be ${type}` },
  ]
}

function stranger(pointer: string): Place {
  return { pointer: pointer.slice(0, POINTER_CHARS_MAX), isStranger: true, detail: 'is not expected' }
}

function sentenceOf(places: readonly Place[]): string {
  const [first] = places
  if (first === undefined) return 'it does not have the form that is documented'
  if (!first.isStranger) return `${placeOf(first.pointer) || 'it'} ${first.detail}`
  const parent = parentOf(first.pointer)
  const names = places
    .filter(({ isStranger, pointer }) => isStranger && parentOf(pointer) === parent)
    .slice(0, NAMED_MAX)
    .map(({ pointer }) =>
      JSON.stringify(unescaped(pointer.slice(parent.length + 1)).slice(0, NAME_CHARS_MAX)),
    )
  return `${parent === '' ? '' : `${placeOf(parent)}: `}${names.join(', ')} is not expected`
}

function parentOf(pointer: string): string {
  return pointer.slice(0, pointer.lastIndexOf('/'))
}

function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}

/** `/alerts/3/labels` gives `alerts[3].labels`. */
function placeOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map(unescaped)
    .reduce((place, part) => (/^\d+$/.test(part) ? `${place}[${part}]` : `${place}.${part}`), '')
    .slice(1, 200)
}

/** A name as a part of a JSON pointer. */
export function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
