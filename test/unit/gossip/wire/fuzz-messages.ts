/**
 * Messages as an attacker who knows the format would write them: each field in any of the forms that msgpack has, and now
 * and then one that does not fit. Valid more often than not, so that what lies behind the first look is reached as well.
 *
 * Everything comes from one seeded random. Made for speed: a message takes a few microseconds.
 */
import { ByteWriter } from '../../../../src/base/bytes.ts'
import type { Random } from '../../../../src/base/random.ts'
import { MessageType } from '../../../../src/gossip/wire/message-type.ts'

type Kind = 'uint' | 'name' | 'bytes' | 'bool'
interface FieldPlan {
  readonly key: string
  readonly kind: Kind
  /** Of `bytes`: the lengths that make sense. */
  readonly lengths?: readonly number[]
  readonly max?: number
}

const U16 = 65_535
const U32 = 0xffff_ffff
const SOURCE: readonly FieldPlan[] = [
  { key: 'SourceAddr', kind: 'bytes', lengths: [0, 4, 16] },
  { key: 'SourcePort', kind: 'uint', max: U16 },
  { key: 'SourceNode', kind: 'name' },
]
const SEQ_NO: FieldPlan = { key: 'SeqNo', kind: 'uint', max: U32 }
const INCARNATION: FieldPlan = { key: 'Incarnation', kind: 'uint', max: U32 }
const NODE: FieldPlan = { key: 'Node', kind: 'name' }
const PORT: FieldPlan = { key: 'Port', kind: 'uint', max: U16 }
const ADDR: FieldPlan = { key: 'Addr', kind: 'bytes', lengths: [4, 4, 4, 16] }
const META: FieldPlan = { key: 'Meta', kind: 'bytes', lengths: [0, 2, 40, 512, 4096, 5000] }
const VSN: FieldPlan = { key: 'Vsn', kind: 'bytes', lengths: [6] }
const CLAIM: readonly FieldPlan[] = [INCARNATION, NODE, { key: 'From', kind: 'name' }]

/** Fields in Go's order, which is that of the positional form. */
const PLANS: Readonly<Record<number, readonly FieldPlan[]>> = {
  [MessageType.ping]: [SEQ_NO, NODE, ...SOURCE],
  [MessageType.indirectPing]: [
    SEQ_NO,
    { key: 'Target', kind: 'bytes', lengths: [4, 16] },
    PORT,
    NODE,
    { key: 'Nack', kind: 'bool' },
    ...SOURCE,
  ],
  [MessageType.ack]: [SEQ_NO, { key: 'Payload', kind: 'bytes', lengths: [0, 20, 64, 200] }],
  [MessageType.nack]: [SEQ_NO],
  [MessageType.suspect]: CLAIM,
  [MessageType.dead]: CLAIM,
  [MessageType.alive]: [INCARNATION, NODE, ADDR, PORT, META, VSN],
}
const PACKET_TYPES: readonly number[] = Object.keys(PLANS).map(Number)
const RECORD_PLAN: readonly FieldPlan[] = [
  { key: 'Name', kind: 'name' },
  ADDR,
  PORT,
  META,
  INCARNATION,
  { key: 'State', kind: 'uint', max: 4 },
  VSN,
]
/** Half of them a fuzzed machine knows: itself and members that come and go. */
export const NAMES: readonly string[] = [
  'self',
  'a',
  'b',
  'c',
  'd',
  'e',
  'ünï',
  '😀',
  '__proto__',
  'constructor',
  'x'.repeat(512),
]
const BAD_NAMES: readonly (readonly number[])[] = [
  [],
  [0x61, 0x0a],
  [0x7f],
  [0xc2, 0x85],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xff, 0xfe],
  [0xf4, 0x90, 0x80, 0x80],
  new Array<number>(513).fill(0x61),
]
/** The last is above what comes without asking. */
const BODY_LENGTHS: readonly number[] = [0, 1, 10, 10, 50, 50, 100, 100, 1000, 17_000]
/** Expands over several turns. */
const LONG_BODY = 120_000
const utf8 = new TextEncoder()
const NAME_BYTES = NAMES.map((name) => utf8.encode(name))

export class FuzzMessages {
  readonly #random: Random
  /** Of a thousand fields, how many are written wrong. */
  readonly #wrongPerMille: number

  constructor(random: Random, wrongPerMille: number) {
    this.#random = random
    this.#wrongPerMille = wrongPerMille
  }

  below(end: number): number {
    return this.#random.below(end)
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.#random.below(choices.length)] as T
  }

  #isWrong(): boolean {
    return this.#random.below(1000) < this.#wrongPerMille
  }

  randomBytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.#random.below(256)
    return bytes
  }

  /** A packet's message with its type byte. */
  packetMessage(): Uint8Array {
    if (this.below(8) === 0) return Uint8Array.of(MessageType.user, ...this.randomBytes(this.below(60)))
    return this.messageOf(this.pick(PACKET_TYPES))
  }

  messageOf(type: number): Uint8Array {
    const writer = new ByteWriter(160).u8(type)
    this.#struct(writer, PLANS[type] ?? [])
    return writer.finish()
  }

  /** The type bytes of streams, and what follows. */
  streamMessage(): Uint8Array {
    switch (this.below(6)) {
      case 0:
        return this.messageOf(this.below(2) === 0 ? MessageType.ping : MessageType.ack)
      case 1:
        return this.#userMessage()
      case 2: {
        const writer = new ByteWriter(160).u8(MessageType.error)
        this.#struct(writer, [{ key: 'Error', kind: 'bytes', lengths: [0, 10, 600] }])
        return writer.finish()
      }
      default:
        return this.#pushPull()
    }
  }

  #userMessage(): Uint8Array {
    const length = this.#bodyLength()
    const writer = new ByteWriter(length + 40).u8(MessageType.user).u8(0x81)
    this.#text(writer, utf8.encode('UserMsgLen'))
    this.#uint(writer, this.#off(length))
    return writer.raw(new Uint8Array(length).fill(this.below(256))).finish()
  }

  #pushPull(): Uint8Array {
    const nodes = this.below(6)
    const stateBytes = this.#bodyLength()
    const writer = new ByteWriter(1000 + stateBytes).u8(MessageType.pushPull).u8(0x83)
    this.#text(writer, utf8.encode('Nodes'))
    this.#uint(writer, this.#off(nodes))
    this.#text(writer, utf8.encode('UserStateLen'))
    this.#uint(writer, this.#off(stateBytes))
    this.#text(writer, utf8.encode('Join'))
    writer.u8(this.pick([0xc2, 0xc3, 0xc0, 1]))
    for (let i = 0; i < nodes; i++) this.#struct(writer, RECORD_PLAN)
    return writer.raw(new Uint8Array(stateBytes).fill(this.below(256))).finish()
  }

  #bodyLength(): number {
    return this.below(60) === 0 ? LONG_BODY : this.pick(BODY_LENGTHS)
  }

  /** A count or length, now and then off by one, absurd or huge. */
  #off(count: number): number {
    if (!this.#isWrong()) return count
    return this.pick([
      count + 1,
      Math.max(0, count - 1),
      10_240,
      10_241,
      20_971_520,
      20_971_521,
      U32,
      2 ** 53,
    ])
  }

  #struct(writer: ByteWriter, plan: readonly FieldPlan[]): void {
    const fields = [...plan]
    if (this.#isWrong()) fields.push(this.pick(plan))
    if (this.#isWrong()) fields.splice(this.below(fields.length), 1)
    const isPositional = this.below(12) === 0
    const unknown = !isPositional && this.below(10) === 0 ? 1 + this.below(2) : 0
    if (!isPositional && this.below(3) === 0) this.#shuffle(fields)
    const count = this.#isWrong()
      ? this.pick([0, fields.length + 1, fields.length + unknown + 5, 65_535, U32])
      : fields.length + unknown
    this.#head(writer, count, isPositional)
    for (const field of fields) {
      if (!isPositional) this.#text(writer, utf8.encode(field.key))
      this.#field(writer, field)
    }
    for (let i = 0; i < unknown; i++) {
      this.#text(writer, this.randomBytes(this.below(5)))
      this.#anything(writer, 4)
    }
  }

  #shuffle(fields: FieldPlan[]): void {
    for (let i = fields.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const [a, b] = [fields[i] as FieldPlan, fields[j] as FieldPlan]
      fields[i] = b
      fields[j] = a
    }
  }

  #head(writer: ByteWriter, count: number, isPositional: boolean): void {
    if (count < 16 && this.below(4) > 0) writer.u8((isPositional ? 0x90 : 0x80) | count)
    else if (count < 65_536 && this.below(2) === 0) this.#sized(writer, isPositional ? 0xdc : 0xde, count, 2)
    else this.#sized(writer, isPositional ? 0xdd : 0xdf, count, 4)
  }

  #sized(writer: ByteWriter, head: number, value: number, width: number): void {
    writer.u8(head)
    for (let i = width - 1; i >= 0; i--) writer.u8(Math.floor(value / 256 ** i) % 256)
  }

  #field(writer: ByteWriter, { kind, lengths, max }: FieldPlan): void {
    if (this.#isWrong()) {
      this.#anything(writer, 3)
      return
    }
    switch (kind) {
      case 'uint':
        this.#uint(writer, this.#number(max ?? U32))
        break
      case 'bool':
        writer.u8(this.pick([0xc2, 0xc3, 0, 1, 0xc0]))
        break
      case 'name':
        this.#raw(writer, this.#isWrong() ? Uint8Array.from(this.pick(BAD_NAMES)) : this.pick(NAME_BYTES))
        break
      case 'bytes':
        this.#raw(writer, this.#bytes(this.pick(lengths ?? [0])))
        break
    }
  }

  #number(max: number): number {
    switch (this.below(5)) {
      case 0:
        return this.pick([0, 1, 127, 128, 255, 256, max])
      case 1:
        return this.below(max) + 1
      default:
        return this.below(12)
    }
  }

  /** Few addresses and metas, so that they meet each other again. */
  #bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    if (length === 6) bytes.set([1, 5, 2, 0, 0, 0])
    else if (length === 4) bytes.set([127, 0, 0, 1 + this.below(3)])
    else bytes.fill(this.below(3))
    if (this.#isWrong() && length > 0) bytes[this.below(length)] = this.below(256)
    return this.#isWrong() ? bytes.subarray(0, this.below(length + 1)) : bytes
  }

  /** In any width that fits, signed ones too. */
  #uint(writer: ByteWriter, value: number): void {
    const width = [1, 2, 4, 8].find((bytes) => value < 2 ** (8 * bytes - 1)) ?? 8
    if (value < 128 && this.below(3) > 0) writer.u8(value)
    else if (this.below(4) === 0) this.#sized(writer, 0xd0 + Math.log2(width), value, width)
    else {
      const least = value < 256 ? 0 : value < 65_536 ? 1 : value <= U32 ? 2 : 3
      const form = least + this.below(4 - least)
      this.#sized(writer, 0xcc + form, value, 2 ** form)
    }
  }

  /** As string or bytes, in any width that fits; now and then with a length that is wrong. */
  #raw(writer: ByteWriter, bytes: Uint8Array): void {
    const { length } = bytes
    if (length === 0 && this.below(2) === 0) {
      writer.u8(0xc0)
      return
    }
    const announced = this.#isWrong() ? this.pick([length + 1, Math.max(0, length - 1), 65_536, U32]) : length
    if (announced < 32 && this.below(2) === 0) writer.u8(0xa0 | announced)
    else if (announced < 256 && this.below(2) === 0)
      this.#sized(writer, this.pick([0xd9, 0xc4]), announced, 1)
    else if (announced < 65_536) this.#sized(writer, this.pick([0xda, 0xc5]), announced, 2)
    else this.#sized(writer, this.pick([0xdb, 0xc6]), announced, 4)
    writer.raw(bytes)
  }

  #text(writer: ByteWriter, bytes: Uint8Array): void {
    if (bytes.length < 32) writer.u8(0xa0 | bytes.length).raw(bytes)
    else this.#raw(writer, bytes)
  }

  /** A value of any type. */
  #anything(writer: ByteWriter, depth: number): void {
    switch (this.below(depth > 0 ? 10 : 7)) {
      case 0:
        this.#uint(writer, this.#number(U32))
        break
      case 1:
        this.#raw(writer, this.randomBytes(this.below(8)))
        break
      case 2:
        writer.u8(this.pick([0xc0, 0xc1, 0xc2, 0xc3, 0xe0, 0xff]))
        break
      case 3:
        writer.u8(this.pick([0xca, 0xcb])).raw(this.randomBytes(8))
        break
      case 4:
        writer.u8(0xd4 + this.below(5)).raw(this.randomBytes(17))
        break
      case 5:
        this.#sized(writer, this.pick([0xc7, 0xc8, 0xc9]), this.pick([3, 255, U32]), this.pick([1, 2, 4]))
        break
      case 6:
        this.#sized(
          writer,
          this.pick([0xdc, 0xdd, 0xde, 0xdf]),
          this.pick([0, 1, U16, U32]),
          this.pick([2, 4]),
        )
        break
      case 7:
        for (let i = this.below(30); i >= 0; i--) writer.u8(0x91)
        writer.u8(0xc0)
        break
      default: {
        const children = this.below(4)
        writer.u8((depth % 2 === 0 ? 0x90 : 0x80) | children)
        for (let i = 0; i < children * (2 - (depth % 2 === 0 ? 1 : 0)); i++) this.#anything(writer, depth - 1)
      }
    }
  }
}
