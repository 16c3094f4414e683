/**
 * Who a simulated replica is, across its crashes: actor, reserved dots, gossip incarnation.
 *
 * The same discipline as the real actor file: numbers are reserved durably in blocks before the first of a block is
 * used, and a restart begins above everything reserved, so a crash leaves a hole but never gives a number twice. The
 * block is small (20 instead of 10,000) so that runs of a few hundred writes cross many edges.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { type ActorId, actorId } from '../base/names.ts'
import type { Random } from '../base/random.ts'
import type { Dot } from '../crdt/dot.ts'
import type { SimDisk } from './sim-disk.ts'

const LEASE_BLOCK = 20

export class SimIdentity {
  readonly actor: ActorId
  readonly #disk: SimDisk
  #next: number
  #leasedTo: number
  #incarnation: number

  /** Reads the lease file of `disk`, or mints an actor with `random` on a new one. */
  constructor(disk: SimDisk, random: Random) {
    this.#disk = disk
    if (disk.lease === undefined) {
      this.actor = mintActor(random)
      this.#leasedTo = 0
      this.#incarnation = 0
    } else {
      const reader = new ByteReader(disk.lease)
      this.actor = actorId(reader.string())
      this.#leasedTo = reader.varint()
      this.#incarnation = reader.varint()
    }
    this.#next = this.#leasedTo + 1
  }

  get incarnation(): number {
    return this.#incarnation
  }

  nextDot(): Dot {
    if (this.#next > this.#leasedTo) {
      this.#leasedTo += LEASE_BLOCK
      this.#save()
    }
    return { actor: this.actor, n: this.#next++ }
  }

  /** Durable on return, so that a restarted node announces itself above everything it ever said. */
  raiseIncarnation(incarnation: number): void {
    if (incarnation <= this.#incarnation) return
    this.#incarnation = incarnation
    this.#save()
  }

  #save(): void {
    const writer = new ByteWriter(64).string(this.actor)
    this.#disk.writeLease(writer.varint(this.#leasedTo).varint(this.#incarnation).finish())
  }
}

function mintActor(random: Random): ActorId {
  let text = ''
  for (let i = 0; i < 32; i++) text += random.below(16).toString(16)
  return actorId(text)
}
